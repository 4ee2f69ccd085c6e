package nats

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"carrier/receiver"
	"carrier/receiver/nats/api"
	"carrier/receiver/preflight"
)

const (
	// defaultMaxWaiting is how many pulls may wait at a consumer that does not say otherwise.
	defaultMaxWaiting = 512
	// shortestLease is the shortest ack_wait that is not warned about: below it a message may come
	// again while its lease is being renewed.
	shortestLease = 10 * time.Second
	// pendingPerSlot is how many messages that wait for an acknowledgement a consumer should allow
	// for each of the worker's slots: deferred ones wait too.
	pendingPerSlot = 10
)

// Check looks at everything that can be looked at without taking or changing a message: the
// connection, stream, consumer and where dead letters go. Where something is missing it prints the
// command that would make it. attempt is how long the worker may take for one message, concurrency
// how many it holds at once. It neither needs an Open nor replaces it.
func (r *Receiver) Check(ctx context.Context, attempt time.Duration, concurrency int) []preflight.Finding {
	c, err := api.Connect(ctx, r.options.api())
	if err != nil {
		return []preflight.Finding{preflight.Failed("the NATS server", err)}
	}
	defer c.Close()
	findings := []preflight.Finding{preflight.OK.Finding("NATS server " + c.Conn.ConnectedUrlRedacted() + ", version " + c.Conn.ConnectedServerVersion())}
	found, err := find(ctx, c, r.options)
	if err != nil {
		findings = append(findings, preflight.Failed("the consumer", err))
		if receiver.ClassOf(err) == receiver.NotFound || receiver.ClassOf(err) == receiver.Invalid {
			findings = append(findings, r.commands(ctx, c, concurrency)...)
		}
		return findings
	}
	findings = append(findings,
		preflight.OK.Finding(fmt.Sprintf("consumer %s of stream %s: %d messages waiting, %d in flight or deferred", found.name, found.stream, found.info.NumPending, found.info.NumAckPending)),
		leaseFinding(found, attempt), pendingFinding(found, concurrency), waitingFinding(found), deliveriesFinding(found, r.options.DeadLetterSubject), orderFinding(found))
	findings = append(findings, duplicatesFinding(ctx, c, found.stream)...)
	return append(findings, r.deadLetterFindings(ctx, c, found)...)
}

// commands prints what would make what is missing.
func (r *Receiver) commands(ctx context.Context, c *api.Client, concurrency int) []preflight.Finding {
	var findings []preflight.Finding
	_, err := api.Do(ctx, c, api.OpInfo, func(ctx context.Context) (jetstream.Stream, error) { return c.JS.Stream(ctx, r.options.Stream) })
	if receiver.ClassOf(err) == receiver.NotFound {
		findings = append(findings, preflight.Warn.Finding(fmt.Sprintf(
			"this would make the stream: nats stream add %s --subjects '%s.>' --retention work --storage file --replicas 3 --defaults", r.options.Stream, r.options.Stream)))
	}
	return append(findings, preflight.Warn.Finding(fmt.Sprintf(
		"this would make the consumer: nats consumer add %s %s --pull --ack explicit --deliver all --replay instant --wait 30s --max-deliver=-1 --max-pending %d --max-waiting 1024 --defaults",
		r.options.Stream, r.options.Consumer, max(pendingPerSlot*concurrency, 1000))))
}

func leaseFinding(c consumer, attempt time.Duration) preflight.Finding {
	shortest := c.config.AckWait
	for _, step := range c.config.BackOff {
		shortest = min(shortest, step)
	}
	if shortest < shortestLease {
		return preflight.Warn.Finding(fmt.Sprintf("ack_wait %s is under %s: a message may come again while its lease is being renewed", shortest, shortestLease))
	}
	return preflight.LeaseFor(attempt, "ack_wait", shortest)
}

func pendingFinding(c consumer, concurrency int) preflight.Finding {
	most := c.config.MaxAckPending
	if most > 0 && most < pendingPerSlot*concurrency {
		return preflight.Warn.Finding(fmt.Sprintf("max_ack_pending %d is below ten times the concurrency of %d: deferred messages count, and at the limit nothing is handed out", most, concurrency))
	}
	return preflight.OK.Finding(fmt.Sprintf("max_ack_pending %d", most))
}

func waitingFinding(c consumer) preflight.Finding {
	if c.config.MaxWaiting == defaultMaxWaiting {
		return preflight.Warn.Finding(fmt.Sprintf("max_waiting is %d, the default: so many pulls of all replicas together may wait", defaultMaxWaiting))
	}
	return preflight.OK.Finding(fmt.Sprintf("max_waiting %d", c.config.MaxWaiting))
}

func deliveriesFinding(c consumer, subject string) preflight.Finding {
	switch {
	case c.config.MaxDeliver <= 0:
		return preflight.OK.Finding("max_deliver: no limit")
	case subject == "":
		return preflight.Warn.Finding(fmt.Sprintf("max_deliver %d without CARRIER_DEAD_LETTER_SUBJECT: a message that fails so often stays in the stream and is handed out to nobody", c.config.MaxDeliver))
	}
	return preflight.OK.Finding(fmt.Sprintf("dead letters after %d deliveries: %s", c.config.MaxDeliver, subject))
}

func orderFinding(c consumer) preflight.Finding {
	switch {
	case c.config.PriorityPolicy == jetstream.PriorityPolicyPinned:
		return preflight.OK.Finding("groups are handled in order: the consumer is pinned to one client")
	case c.ordered:
		return preflight.Warn.Finding("groups are handled in order within this replica alone: the consumer is not pinned to one client")
	}
	return preflight.OK.Finding("messages are handled in any order")
}

// duplicatesFinding says for how long the stream knows a key, where it may be read.
func duplicatesFinding(ctx context.Context, c *api.Client, stream string) []preflight.Finding {
	found, err := api.Do(ctx, c, api.OpInfo, func(ctx context.Context) (jetstream.Stream, error) { return c.JS.Stream(ctx, stream) })
	if err != nil {
		return nil
	}
	return []preflight.Finding{preflight.OK.Finding(fmt.Sprintf("duplicate window of the stream %s", found.CachedInfo().Config.Duplicates))}
}

// deadLetterFindings says where carrier publishes dead letters. Whether it may is not tried: that
// would publish one.
func (r *Receiver) deadLetterFindings(ctx context.Context, c *api.Client, found consumer) []preflight.Finding {
	if r.options.DeadLetterSubject == "" {
		return nil
	}
	if err := findDeadLetters(ctx, c, r.options, found); err != nil {
		findings := []preflight.Finding{preflight.Failed("dead letters", err)}
		if receiver.ClassOf(err) == receiver.NotFound {
			findings = append(findings, preflight.Warn.Finding(fmt.Sprintf(
				"this would make their stream: nats stream add %s-dead --subjects '%s' --retention limits --storage file --replicas 3 --defaults", r.options.Stream, r.options.DeadLetterSubject)))
		}
		return findings
	}
	return []preflight.Finding{preflight.OK.Finding("what carrier rejects goes to " + r.options.DeadLetterSubject + "; permission to publish: not tried")}
}
