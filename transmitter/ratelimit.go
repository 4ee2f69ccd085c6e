package transmitter

import (
	"context"
	"time"

	"golang.org/x/time/rate"

	"carrier/internal/sleep"
	"carrier/message"
)

// RateLimitOptions is what RateLimit is made of.
type RateLimitOptions struct {
	// PerSecond is how many messages are transmitted in a second, on average. Above zero.
	PerSecond float64
	// Burst is how many may be transmitted at once after a pause; at least 1.
	Burst int
}

// RateLimit bounds how many messages are transmitted in a time. Ready waits for the time of a message, so
// that nothing is received only to wait; a message that is in flight already, and whose time another
// one has taken, waits in Transmit. Wrapped around several transmitters it bounds them together.
func RateLimit(opts RateLimitOptions) Middleware {
	limiter := rate.NewLimiter(rate.Limit(opts.PerSecond), max(opts.Burst, 1))
	return func(next Transmitter) Transmitter { return &rateLimit{next, limiter} }
}

type rateLimit struct {
	next    Transmitter
	limiter *rate.Limiter
}

// Ready waits until more than promised messages may be transmitted.
func (r *rateLimit) Ready(ctx context.Context, promised int) (int, error) {
	for {
		tokens := r.limiter.Tokens()
		if n := int(tokens + rounding); n > promised {
			most, err := r.next.Ready(ctx, promised)
			return min(n, most), err
		}
		if !sleep.For(ctx, r.until(promised, tokens), nil) {
			return 0, ctx.Err()
		}
	}
}

// rounding is so much less than a message that a wait which ends a moment early is no reason for another.
const rounding = 1e-6

// until is how long it takes until there is a token more than promised. There are never more than
// Burst: where so many are promised the caller asks anew when one is taken, and ends its ctx.
func (r *rateLimit) until(promised int, tokens float64) time.Duration {
	if promised >= r.limiter.Burst() {
		return longWait
	}
	missing := float64(promised+1) - tokens
	return time.Duration(missing/float64(r.limiter.Limit())*float64(time.Second)) + 1
}

// Transmit takes the message's token, waiting for it where there is none.
func (r *rateLimit) Transmit(ctx context.Context, m *message.Message) message.Outcome {
	if r.limiter.Wait(ctx) != nil {
		return message.Outcome{Reason: "not posted: stopping"}
	}
	return r.next.Transmit(ctx, m)
}
