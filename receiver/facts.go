package receiver

import "time"

// A Fact is something that a receiver learned of its source when it was opened, for the log: a
// queue's name, a lease. It is no secret.
type Fact struct {
	Name  string
	Value any
}

// An EmbeddedQueue is what there is to know, at one moment, of a queue that carrier keeps itself,
// and of its producers.
type EmbeddedQueue struct {
	// Messages and Bytes count toward their limits; dead letters do not.
	Messages, MaxMessages int
	Bytes, MaxBytes       int64
	// Ready counts messages that are due, Delayed those whose producer asked for a later time,
	// BackingOff those that wait after a failure or a deferral, InFlight those under a lease.
	Ready, Delayed, BackingOff, InFlight int
	// Oldest is when the oldest message that is due became so; the zero time where none is.
	Oldest time.Time
	// DeadLetters are kept; DeadLettersDropped were dropped since the start for want of space.
	DeadLetters        int
	DeadLettersDropped uint64
	// EvictedDropped and EvictedDead count messages that were taken away since the start for want of
	// space, or since their route was offline, which Offline says it is: dropped, or made dead letters.
	EvictedDropped, EvictedDead uint64
	Offline                     bool
	// RemovedDropped counts messages that were dropped since the start with routes that are not
	// configured any more.
	RemovedDropped uint64
	// FilesSetAside are damaged queue files in the data directory that carrier has put aside.
	FilesSetAside int
	// Connections of producers are open.
	Connections int
}
