package transmitter

import (
	"context"
	"sync"
	"time"

	"carrier/message"
)

// channelPause is how long a message waits whose channel takes none, while an earlier channel does:
// as long as the longest wait for a probe.
const channelPause = lastProbe

// A Channel is one way for a message: the endpoints of one route, with what limits them.
type Channel struct {
	// Transmitter has what belongs to the channel around it, such as its rate.
	Transmitter Transmitter
	// Down reports whether no endpoint of the channel takes messages: the breaker of each is open, or
	// it cannot be reached. A rate that is used up is not down. Open reports whether all endpoints
	// have an open breaker; nil means that they have none. Neither waits; both are safe for concurrent
	// use.
	Down, Open func() bool
}

// Channels is a Transmitter over channels. A message is on the one that its age says (see Timeouts):
// so it is after a restart too. It goes over the next one earlier only while its own is down with all
// breakers open, or has been down for as long as a message stays on a channel; where it is down in
// another way the message waits, so that a worker that restarts keeps its messages. Each Transmit
// goes over one channel, and tells the message until when its time there is over. It belongs inside
// GiveUp: attempts are those of the message, and not of a channel.
func Channels(timeouts Timeouts, channels ...Channel) Transmitter {
	return &channelSwitch{timeouts: timeouts, channels: channels, downSince: make([]time.Time, len(channels))}
}

type channelSwitch struct {
	timeouts Timeouts
	channels []Channel

	mu        sync.Mutex
	downSince []time.Time // when a channel was first found to be down; zero while it is not
}

// Ready waits for the channel that a new message would go over.
func (c *channelSwitch) Ready(ctx context.Context, promised int) (int, error) {
	for {
		now := c.upFrom(0)
		if now < len(c.channels) {
			if n := Known(ctx, c.channels[now].Transmitter, promised); n > 0 {
				return n, nil
			}
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		c.wait(ctx, now, promised)
	}
}

// wait waits until channel now takes more than promised messages, or one that is down takes one. It
// returns after a second at the latest where channel now is up: nothing tells when it is not.
func (c *channelSwitch) wait(ctx context.Context, now, promised int) {
	if now < len(c.channels) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, recheck)
		defer cancel()
	}
	firstOf(ctx, len(c.channels), func(ctx context.Context, i int) {
		switch t := c.channels[i].Transmitter; {
		case i == now:
			_, _ = t.Ready(ctx, promised)
		case now == len(c.channels) || c.channels[i].Down():
			_, _ = t.Ready(ctx, 0)
		default:
			<-ctx.Done()
		}
	})
}

// Transmit hands m over on its channel. Where that takes none now, and no later one is up, m waits
// for a few seconds off the worker's slot; but where no channel is up at all it is Unreached.
func (c *channelSwitch) Transmit(ctx context.Context, m *message.Message) message.Outcome {
	ready := c.upFrom(0) // the one that Ready has waited for
	if ready == len(c.channels) {
		return message.Outcome{Cause: message.Unreached, Reason: "no channel takes messages"}
	}
	k := c.upFrom(c.timeouts.channel(m, len(c.channels)))
	if k == ready || k < len(c.channels) && Known(ctx, c.channels[k].Transmitter, 0) > 0 {
		m.Bound(c.timeouts.Until(m, k, k == len(c.channels)-1))
		return c.channels[k].Transmitter.Transmit(ctx, m)
	}
	return message.Outcome{Cause: message.Deferred, Delay: channelPause, Reason: "the message's channel takes none now"}
}

// upFrom is the first channel from k on that is not passed over; the number of channels where all are.
func (c *channelSwitch) upFrom(k int) int {
	for k < len(c.channels) && c.passedOver(k) {
		k++
	}
	return k
}

// passedOver reports whether messages of channel k go over a later one.
func (c *channelSwitch) passedOver(k int) bool {
	down := c.channels[k].Down()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !down {
		c.downSince[k] = time.Time{}
		return false
	}
	if c.downSince[k].IsZero() {
		c.downSince[k] = time.Now()
	}
	open := c.channels[k].Open
	return open != nil && open() || time.Since(c.downSince[k]) >= c.timeouts.Channel
}
