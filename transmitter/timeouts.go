package transmitter

import (
	"context"
	"time"

	"carrier/message"
)

// Timeouts says how long a message may take in all, on one channel and before it is too old. Zero
// is without end. An attempt's own timeout is apart.
type Timeouts struct {
	// Message is the age at which a message is rejected, as GiveUpOptions.MaxAge: a message's own
	// Timeout counts in its place.
	Message time.Duration
	// Channel is how long a message stays on each of its channels; on the last one it stays.
	Channel time.Duration
}

// Until returns when m's time on the channel called k (the first is 0) is over, or m is too old,
// whichever comes first; the zero time where neither is to come. last says that k is the last
// channel.
func (t Timeouts) Until(m *message.Message, k int, last bool) time.Time {
	var until time.Time
	if most := timeoutOf(m, t.Message); most > 0 && !m.Sent.IsZero() {
		until = time.Now().Add(most - m.Age())
	}
	begun := firstSeen(m)
	if t.Channel <= 0 || last || begun.IsZero() {
		return until
	}
	over := begun.Add(time.Duration(k+1) * t.Channel)
	if until.IsZero() || over.Before(until) {
		return over
	}
	return until
}

// Within tells each message until when its time is over, where there is one channel alone.
func Within(t Timeouts) Middleware {
	return func(next Transmitter) Transmitter { return &within{next, t} }
}

type within struct {
	Transmitter
	timeouts Timeouts
}

func (w *within) Transmit(ctx context.Context, m *message.Message) message.Outcome {
	m.Bound(w.timeouts.Until(m, 0, true))
	return w.Transmitter.Transmit(ctx, m)
}

// channel is the number of the channel that m is on, of n, by its age alone.
func (t Timeouts) channel(m *message.Message, n int) int {
	begun := firstSeen(m)
	if t.Channel <= 0 || begun.IsZero() {
		return 0
	}
	return int(min(max(time.Since(begun), 0)/t.Channel, time.Duration(n-1)))
}

// firstSeen is when m was first received, or entered the queue where the source does not keep that.
func firstSeen(m *message.Message) time.Time {
	if m.FirstReceived.IsZero() {
		return m.Sent
	}
	return m.FirstReceived
}
