// Package builtin knows which receivers this binary holds, and makes them from the
// configuration. The build tags nosqs, nopubsub, nonats and noingest each leave one out, with what it
// imports.
package builtin

import (
	"context"
	"fmt"
	"net/http"

	"go.uber.org/zap"

	"carrier/config"
	"carrier/internal/deadletter"
	"carrier/publisher"
	"carrier/receiver"
	"carrier/receiver/preflight"
)

// A Route is a route of the configuration, and who is told of its source.
type Route struct {
	*config.Route
	// Observer is told of calls at the source.
	Observer receiver.Observer
	Log      *zap.Logger
	// Queue is where the route's messages go, where that is a queue; nil will do for a Check. It is
	// closed by its owner, after the receiver.
	Queue *publisher.Target
}

// Options is what all receivers need beside the configuration.
type Options struct {
	// Answered is told the status of each answer to a producer.
	Answered func(status int)
	// Kept is told what has become of each message of a producer, where CARRIER_INGEST_STORE is not
	// file, in one of the words of function Kept.
	Kept func(word string)
	// Log takes what is said of all routes' messages taken over HTTP.
	Log *zap.Logger
	// OnBroken is told once that the source is damaged and the program must stop, which may be
	// while nothing is received; nil tells nobody.
	OnBroken func(error)
	// TryQueueFile tries to open a queue file where a panic does no harm; nil does not try.
	TryQueueFile func(path string) error
	// Agent names the program to the source, as "carrier/1.2.3".
	Agent string
}

// An Assembled is one receiver, with what else the program wants of it.
type Assembled struct {
	receiver.Receiver
	// Batch is the most messages to ask for in one receive.
	Batch int
	// Receives is the most receives worth having open at once; zero means as
	// many as the pace of the work is worth.
	Receives int
	// StopAccepting refuses new messages from producers, of all routes; nil where there are none.
	StopAccepting func()
	// Online says that the route's worker was found up, after it was not; nil where nobody asks.
	Online func()
	// API serves what the receiver answers on the admin port; nil where it answers nothing.
	API http.Handler
	// DeadLetters opens the store of the route's dead letters. It is safe for concurrent use, and its
	// error wraps deadletter.ErrUnsupported where they cannot be looked into; nil is the same.
	DeadLetters func(context.Context) (deadletter.Store, error)
	// Ingest tells of the embedded queue and its producers; nil without one.
	Ingest func() receiver.EmbeddedQueue
	// DeferralsHeld counts messages that are kept away for longer than the source allows;
	// nil where it allows whatever carrier does.
	DeferralsHeld func() int64
	// CountsReceives reports whether the source counts receives toward moving a message away. It is
	// called after Open, and is safe for concurrent use; nil where the source never does.
	CountsReceives func() bool
	// Facts is what the receiver learned of its source. It is called after Open.
	Facts func() []receiver.Fact
	// Check looks at the source without taking or changing a message, and at everything for which
	// the start would fail. carrierRuns says that a carrier with the same configuration runs.
	Check func(ctx context.Context, carrierRuns bool) []preflight.Finding
}

// Names lists the receivers in this binary.
func Names() []string {
	var names []string
	for _, name := range []string{config.SQS, config.PubSub, config.NATS, config.Ingest} {
		if _, ok := kinds()[name]; ok {
			names = append(names, name)
		}
	}
	return names
}

// Operations lists what the receiver called name does at its source, for metrics
// that are there from the start.
func Operations(name string) []string { return kinds()[name].operations }

// Duplicates lists why the receiver called name may say that a message came twice,
// likewise.
func Duplicates(name string) []string { return kinds()[name].duplicates }

// New makes the receivers of routes, which are c's, in their order. It dials nothing. Its error
// names a receiver that is not in this binary.
func New(c config.Config, routes []Route, o Options) ([]Assembled, error) {
	all := make([]Assembled, len(routes))
	for name, k := range kinds() {
		var at []int
		var of []Route
		for i, r := range routes {
			if r.Receiver == name {
				at, of = append(at, i), append(of, r)
			}
		}
		if len(of) == 0 {
			continue
		}
		built, err := k.build(c, of, o)
		if err != nil {
			return nil, err
		}
		for i, assembled := range built {
			all[at[i]] = assembled
		}
	}
	for i, r := range routes {
		if all[i].Receiver == nil {
			return nil, fmt.Errorf("the %s receiver is not in this binary", r.Receiver)
		}
	}
	return all, nil
}

// each is the build of a kind whose receivers have nothing in common.
func each(build func(Route, Options) Assembled) func(config.Config, []Route, Options) ([]Assembled, error) {
	return func(_ config.Config, routes []Route, o Options) ([]Assembled, error) {
		all := make([]Assembled, len(routes))
		for i, r := range routes {
			all[i] = build(r, o)
		}
		return all, nil
	}
}

// withOpen adds to the findings of check the error, if there is one, of opening r, which is what the
// start does. Where check has failed already it would only say the same again.
func withOpen(r receiver.Receiver, check func(context.Context) []preflight.Finding) func(context.Context, bool) []preflight.Finding {
	return func(ctx context.Context, _ bool) []preflight.Finding {
		findings := check(ctx)
		if preflight.HasFailed(findings) {
			return findings
		}
		if err := r.Open(ctx); err != nil {
			findings = append(findings, preflight.Failed("the start", err))
		}
		return findings
	}
}

// A kind is one sort of receiver.
type kind struct {
	operations []string
	duplicates []string
	// build makes the receivers of all routes that have one of this kind, in their order.
	build func(config.Config, []Route, Options) ([]Assembled, error)
	// deadLetters opens the store of a route's dead letters without its receiver; nil where that
	// cannot be done.
	deadLetters func(context.Context, *config.Route, Options) (deadletter.Store, error)
}

// kinds holds the receivers whose build tags let them in.
func kinds() map[string]kind {
	all := map[string]kind{}
	for name, k := range map[string]*kind{config.SQS: sqsKind(), config.PubSub: pubsubKind(), config.NATS: natsKind(), config.Ingest: ingestKind()} {
		if k != nil {
			all[name] = *k
		}
	}
	return all
}
