package subscription

import (
	"time"

	"carrier/internal/queue/record"
)

// Events that SetOptions.Report is told of.
const (
	// ValueSetAside means that one message was damaged and will not be delivered. Its
	// bytes are kept in the file.
	ValueSetAside = "message_set_aside"
	// ValueIgnored means that a damaged receive count or idempotency key was taken for absent.
	ValueIgnored = "value_ignored"
	// CompactionFailed means that the file stays as large as it is; no message is harmed.
	CompactionFailed = "compaction_failed"
	// DeadLetterDropped means that dead letters were dropped for want of room, as DropOldest says.
	DeadLetterDropped = "dead_letters_dropped"
)

// DeadFull says what becomes of a rejected message when there is no room for dead letters.
type DeadFull int

const (
	// Keep refuses the dead letter, so that the message stays in the queue.
	Keep DeadFull = iota
	// DropOldest removes the oldest dead letters until there is room.
	DropOldest
)

// Eviction says what becomes of the messages of a subscription that there is no room or no use for.
type Eviction int

const (
	// Refuse takes nothing away. In place of OfflineAction it is DeadLetterThem.
	Refuse Eviction = iota
	// DeadLetterThem makes dead letters of them.
	DeadLetterThem
	// DropThem drops them.
	DropThem
)

// done says what has become of messages.
func (e Eviction) done() string {
	if e == DropThem {
		return "dropped"
	}
	return "made dead letters"
}

// Options says what one subscription is, and what it holds at most.
type Options struct {
	// Name is how it is found again; Pattern is told to whoever asks. Which messages it gets is said
	// by those who store them.
	Name, Pattern string
	// Lease is how long a message is in flight before it comes back.
	Lease time.Duration
	// MessageTimeout, if not zero, is the age at which whoever receives a message gives it up:
	// a message that goes back is due by then.
	MessageTimeout time.Duration
	// MaxMessages and MaxBytes are the quotas of what it waits for or has in flight; zero is no limit.
	// Full says what happens beyond them: refuse the new message, or take away the
	// oldest ones that are not in flight.
	MaxMessages int
	MaxBytes    int64
	Full        Eviction
	// OfflineLimit, if not zero, is how long nothing may be removed while something waits. After it
	// the subscription is offline: nothing is stored for it until Online is called, and OfflineAction
	// says what becomes of what it has that is not in flight.
	OfflineLimit  time.Duration
	OfflineAction Eviction
	// Warn is told what an operator should know. It must not call the queue.
	Warn func(text string)
}

// Limits are the quotas of the file. Zero is no limit.
type Limits struct {
	MaxMessages     int
	MaxBytes        int64
	MaxDeadMessages int
	MaxDeadBytes    int64
	// DeadFull says what becomes of a rejected message when a quota of dead letters is full.
	DeadFull DeadFull
}

// deadFits says whether u is within the quotas of dead letters.
func (l *Limits) deadFits(u record.Usage) bool {
	return within(u, l.MaxDeadMessages, l.MaxDeadBytes)
}

// fits says whether a message of so many bytes may be added to u.
func fits(u record.Usage, bytes int64, maxMessages int, maxBytes int64) bool {
	return (maxMessages <= 0 || u.Messages < maxMessages) && (maxBytes <= 0 || u.Bytes+bytes <= maxBytes)
}

func within(u record.Usage, maxMessages int, maxBytes int64) bool {
	return (maxMessages <= 0 || u.Messages <= maxMessages) && (maxBytes <= 0 || u.Bytes <= maxBytes)
}
