// Package message holds what moves through carrier: a message on its way from a queue to the
// worker, and the outcome that goes back.
package message

import (
	"net/http"
	"sync/atomic"
	"time"
)

// A Message is one hand-out of one message by its source. Its fields are set by the receiver before
// it is handed on and not written afterwards; only the lease, the count of Throttled and the time of
// Until move, and their methods are safe for concurrent use.
type Message struct {
	// ID is the source's own id, the same on every delivery.
	ID string
	// Body is handed to the worker byte for byte.
	Body []byte
	// ContentType is what the producer said the body is; empty when it said nothing.
	ContentType string
	// Attributes are the producer's own, in a stable order.
	Attributes []Attribute
	// BinaryAttributes are those of the producer's whose values are any bytes. No header can carry
	// one: they are for queues that have such attributes too.
	BinaryAttributes []Attribute
	// Trace is the source's own trace header (SQS: AWSTraceHeader), if any.
	Trace string
	// Source names the queue: a queue name, a subscription path, or "ingest".
	Source string
	// ARN is AWS's name of the queue; empty where it is no queue of SQS.
	ARN string
	// Group is the FIFO message group or ordering key, if any.
	Group string
	// Key is one that copies of the same message share. A queue that knows such keys stores no
	// second message of a key for some time. Empty where there is none.
	Key string
	// Ordered says that messages of the same Group are to be handled one at a time and in order. A
	// group on a standard queue orders nothing.
	Ordered bool
	// ReceiveCount is how often the source has handed the message out, this time included; at least
	// 1.
	ReceiveCount int
	// Deferrals is how many hand-outs before this one ended without a failed attempt (deferred by
	// the worker, or given back unposted), where the source counts them; 0 where it does not.
	// FailedAttempts is made of it.
	Deferrals int
	// RedriveTo names the queue to which the source's redrive policy moves the message unless this
	// hand-out ends it: this is the last receive. Empty where it is not, or nobody knows.
	RedriveTo string
	// OriginalID is the ID that the message had before it became a dead letter and was moved back;
	// empty where it was none.
	OriginalID string
	// FirstReceived is when the source first handed it out.
	FirstReceived time.Time
	// Sent is when it entered the queue.
	Sent time.Time
	// Due is when it was to be delivered first, where its producer asked for a later time than
	// Sent; else zero.
	Due time.Time
	// Timeout is the age at which this message is given up, where its producer said so; it then counts
	// in place of any other limit. Zero where nothing was said.
	Timeout time.Duration
	// Received is when this hand-out reached carrier.
	Received time.Time
	// Repeats says that the source may hand the message out again after it has confirmed its
	// removal, by its own fault and not because somebody asked for it. Such a hand-out is removed
	// once more and not posted.
	Repeats bool
	// Request is the HTTP request the message came as, where it came as one.
	Request *Request
	// Lease is how long one renewal keeps the message from other consumers. Zero means the source
	// gives no lease and none is renewed.
	Lease time.Duration
	// Receipt is the receiver's own handle for this hand-out; nobody else looks at it.
	Receipt any

	expires   atomic.Int64 // Unix nanoseconds; 0 is never
	lost      atomic.Bool  // see Lose
	throttled atomic.Int64 // see NoteThrottled
	until     atomic.Int64 // Unix nanoseconds; 0 is never; see Bound
}

// An Attribute is one named value that travels with a message.
type Attribute struct {
	Name, Value string
	// Type is what the source calls the value's type (SQS: Number.int), for a queue of the same kind;
	// empty where it is plain text, or the source knows no types.
	Type string
}

// A Request is what is kept of the HTTP request a message was stored from, so that it can be made
// again against the worker.
type Request struct {
	Method string
	// Path is the escaped path as the producer sent it, beginning with a slash.
	Path string
	// Query is the raw query without its question mark.
	Query string
	// Header holds the end-to-end headers, carrier's own credential left out.
	Header http.Header
}

// FailedAttempts is how many attempts failed before this hand-out: every earlier hand-out counts as
// one, but for those that the source is known to have deferred.
func (m *Message) FailedAttempts() int { return max(m.ReceiveCount-1-m.Deferrals, 0) }

// NoteThrottled records that the worker answered 429 without saying when to come back, and that the
// message is to be posted again under the same lease.
func (m *Message) NoteThrottled() { m.throttled.Add(1) }

// Throttled is how often NoteThrottled was called, so that the backoff grows as it would have over
// as many receives.
func (m *Message) Throttled() int { return int(m.throttled.Load()) }

// Bound says when the time that m has where it is handed over next is over; the zero time is never.
func (m *Message) Bound(until time.Time) {
	if until.IsZero() {
		m.until.Store(0)
		return
	}
	m.until.Store(until.UnixNano())
}

// Until is what Bound was told last.
func (m *Message) Until() time.Time {
	ns := m.until.Load()
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}

// Age is how long the message has been waiting for its delivery: since Due, else Sent. It is zero
// where nobody knows when it was sent, and not negative.
func (m *Message) Age() time.Duration {
	since := m.Due
	if since.IsZero() {
		since = m.Sent
	}
	if since.IsZero() {
		return 0
	}
	return max(time.Since(since), 0)
}

// Expires says when the lease ends as far as this process knows; the zero time when there is no
// lease.
func (m *Message) Expires() time.Time {
	ns := m.expires.Load()
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}

// Renew records that the source agreed to keep the message until t.
func (m *Message) Renew(t time.Time) { m.expires.Store(t.UnixNano()) }

// Lose records that the source has taken the lease away, or that it could not be renewed in time.
func (m *Message) Lose() { m.lost.Store(true) }

// Lost reports whether Lose was called.
func (m *Message) Lost() bool { return m.lost.Load() }

// Lapsed reports whether too little of the lease is left to hand the message over: it is lost, or
// less than a tenth is left of it.
func (m *Message) Lapsed() bool {
	return m.Lost() || m.Lease > 0 && time.Until(m.Expires()) < m.Lease/10
}

// Attribute returns the value of the attribute called name, and whether it is there. The name is
// compared byte for byte, as the sources do.
func (m *Message) Attribute(name string) (string, bool) {
	for _, a := range m.Attributes {
		if a.Name == name {
			return a.Value, true
		}
	}
	return "", false
}
