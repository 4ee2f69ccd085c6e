package nats

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"carrier/receiver"
	"carrier/receiver/nats/api"
)

// A consumer is what is known of it.
type consumer struct {
	stream, name string
	config       jetstream.ConsumerConfig
	info         jetstream.ConsumerInfo
	// maxBytes is the largest message that the server takes, headers included.
	maxBytes int
	// ordered says that the messages of a group are handled in their order.
	ordered bool
}

// find learns of the consumer that o names.
func find(ctx context.Context, c *api.Client, o Options) (consumer, error) {
	if o.Stream == "" || o.Consumer == "" {
		return consumer{}, api.Invalid("neither the stream nor the consumer may be left out")
	}
	info, err := api.Do(ctx, c, api.OpInfo, func(ctx context.Context) (*jetstream.ConsumerInfo, error) {
		// The handle is asked for anew each time, so that what is said is what is true now.
		found, err := c.JS.Consumer(ctx, o.Stream, o.Consumer)
		if err != nil {
			return nil, err
		}
		return found.CachedInfo(), nil
	})
	if err != nil {
		return consumer{}, advise(fmt.Errorf("consumer %s of stream %s: %w", o.Consumer, o.Stream, err))
	}
	found := consumer{stream: o.Stream, name: o.Consumer, config: info.Config, info: *info, maxBytes: int(c.Conn.MaxPayload())}
	found.ordered = o.Ordered || info.Config.PriorityPolicy == jetstream.PriorityPolicyPinned
	switch {
	case info.Config.DeliverSubject != "":
		return consumer{}, api.Invalid("consumer %s is a push consumer, and a pull consumer is needed", o.Consumer)
	case info.Config.AckPolicy != jetstream.AckExplicitPolicy:
		return consumer{}, api.Invalid("consumer %s has the ack policy %s, and explicit is needed", o.Consumer, info.Config.AckPolicy)
	case info.Config.Durable == "":
		return consumer{}, api.Invalid("consumer %s is not durable: it would be gone with its messages' marks", o.Consumer)
	}
	return found, nil
}

// advise adds to an error which variables may be to blame.
func advise(err error) error {
	if receiver.ClassOf(err) == receiver.NotFound {
		return fmt.Errorf("%w; check CARRIER_NATS_STREAM and CARRIER_NATS_CONSUMER: carrier creates neither, and `carrier check` prints the command that would", err)
	}
	return err
}

// leaseOf is the lease of the nth delivery of a message.
func (c consumer) leaseOf(n int) time.Duration {
	if steps := c.config.BackOff; len(steps) > 0 {
		return steps[min(max(n, 1), len(steps))-1]
	}
	if c.config.AckWait <= 0 {
		return receiver.FallbackLease
	}
	return c.config.AckWait
}

// isLast reports whether the nth delivery of a message is the last one.
func (c consumer) isLast(n int) bool { return c.config.MaxDeliver > 0 && n >= c.config.MaxDeliver }

// takes reports whether the consumer hands out what is published to subject, if its stream takes it.
func (c consumer) takes(subject string) bool {
	filters := c.filters()
	return len(filters) == 0 || api.MatchesAny(filters, subject)
}

// filters are the subjects whose messages the consumer hands out; none means all.
func (c consumer) filters() []string {
	filters := c.config.FilterSubjects
	if c.config.FilterSubject != "" {
		filters = append(filters[:len(filters):len(filters)], c.config.FilterSubject)
	}
	return filters
}

// findDeadLetters learns whether dead letters have a place, if o names one: a stream has to take
// them, and the consumer must not hand them out again.
func findDeadLetters(ctx context.Context, c *api.Client, o Options, from consumer) error {
	if o.DeadLetterSubject == "" {
		return nil
	}
	stream, err := streamOf(ctx, c, o.DeadLetterSubject)
	switch class := receiver.ClassOf(err); {
	case err != nil && class == receiver.Denied:
		o.Warn("", "the streams may not be looked at: whether one takes the dead letters is not known", err)
		return nil
	case err != nil && class == receiver.NotFound:
		return fmt.Errorf("no stream takes what is published to %s (CARRIER_DEAD_LETTER_SUBJECT): %w", o.DeadLetterSubject, err)
	case err != nil:
		return fmt.Errorf("dead-letter subject %s: %w", o.DeadLetterSubject, err)
	case stream == from.stream && from.takes(o.DeadLetterSubject):
		return api.Invalid("consumer %s would hand out again what is published to %s (CARRIER_DEAD_LETTER_SUBJECT)", from.name, o.DeadLetterSubject)
	}
	return nil
}

// streamOf names the stream that takes what is published to subject.
func streamOf(ctx context.Context, c *api.Client, subject string) (string, error) {
	return api.Do(ctx, c, api.OpInfo, func(ctx context.Context) (string, error) {
		return c.JS.StreamNameBySubject(ctx, subject)
	})
}
