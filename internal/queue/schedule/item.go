package schedule

import "time"

// An Item is one message of which more is to be remembered than the file's order. Millions of
// them may be waiting, so that what only a message in flight needs is in its Receives.
type Item struct {
	Seq uint64
	// Due is in Unix nanoseconds; 0 is at once.
	Due int64
	// Receives is what is known of earlier receives; nil where there were none, or they have not been
	// read from the file.
	Receives *Receives

	group uint64 // hash of its group; 0 is none
	index int32  // in its heap
	in    place
	flags flags
}

// Receives is what is known of the receives of one message.
type Receives struct {
	// Count is how often it was received, Deferrals how many of these receives ended without a
	// failed attempt.
	Count, Deferrals int32
	// First is the first receive in Unix nanoseconds; 0 is never.
	First int64
	// Size is what the message costs.
	Size int64
	// Lease is that of the last receive, until it is settled.
	Lease *Lease
	// Open means that the last receive has no outcome.
	Open bool
}

// A Lease is that of one receive of a message.
type Lease struct {
	Expires time.Time
	// Settling means that its end has been asked for.
	Settling bool
}

type flags uint8

const (
	indexed flags = 1 << iota
	fresh         // never handed out by an earlier process
	retried       // handed out before, by this process or an earlier one
)

// Indexed says whether the message is in the bucket of indexed ones.
func (it *Item) Indexed() bool { return it.flags&indexed != 0 }

// Fresh says that no earlier process can have handed the message out.
func (it *Item) Fresh() bool { return it.flags&fresh != 0 }

// place is the heap that an item is in.
type place uint8

const (
	nowhere place = iota
	inReady
	inDelayed
	inLeased
)
