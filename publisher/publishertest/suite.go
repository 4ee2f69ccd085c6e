// Package publishertest holds the promises every publisher keeps, as a suite of tests, and a
// publisher in memory that keeps them.
package publishertest

import (
	"testing"

	"carrier/message"
	"carrier/publisher"
)

// A Queue is what a publisher puts messages into, as a test sees it.
type Queue interface {
	// Stored returns the messages that the queue holds, each as carrier's receiver gives it, those
	// of a group in their order. It is called once, when nothing is under way.
	Stored(t *testing.T) []*message.Message
}

// A Fault is something that goes wrong with the calls to a queue.
type Fault uint8

const (
	// AnswerLost means that the next call is carried out, and its answer never comes.
	AnswerLost Fault = iota
	// Throttled means that the next call is refused since there are too many.
	Throttled
	// PartlyRefused means that of three messages that are published together the queue refuses the second,
	// which has a group of its own and a body of PartlyRefusedBody bytes.
	PartlyRefused
	// Away means that no call reaches the queue.
	Away
)

// PartlyRefusedBody is the size of the body that PartlyRefused is about. The others have 1 byte.
const PartlyRefusedBody = 100

// A Harness makes publishers for the suite.
type Harness struct {
	// Open returns an opened publisher over a new and empty queue, both closed by t's cleanup.
	Open func(t *testing.T) (publisher.Publisher, Queue)
	// Faults make the queue that Open returned last go wrong. A promise about a fault that is not
	// here is not tested: the server cannot be brought to it.
	Faults map[Fault]func(t *testing.T, q Queue)
	// Bad holds attributes that the queue cannot keep, by what is wrong with them.
	Bad map[string]message.Attribute
	// Trace and Group say that the queue keeps a Trace, and the name of a Group.
	Trace, Group bool
	// Run runs one promise; nil calls it as it is, beside others.
	Run func(t *testing.T, promise func(t *testing.T))
}

// Run holds the publishers of h to every promise of publisher.Publisher.
func Run(t *testing.T, h Harness) {
	promises := map[string]func(*testing.T, bench){
		"a body arrives byte for byte":                          bodyArrives,
		"what travels with a message arrives with it":           allArrives,
		"each message has its own result, in order":             eachHasItsResult,
		"a message beyond the limit is refused and no other":    tooLargeIsRefused,
		"a delay that cannot be kept is refused":                delayIsRefused,
		"an attribute that cannot be kept is refused":           attributeIsRefused,
		"binary attributes are kept or refused":                 binaryIsKeptOrRefused,
		"a second message of a key is not stored where it says": keysAreKept,
		"many callers are served at once":                       manyCallers,
		"a group keeps its order":                               groupKeepsOrder,
		"nothing is sent when the time is over":                 endedIsRefused,
	}
	faults := map[Fault]map[string]func(*testing.T, bench){
		AnswerLost:    {"a lost answer is no refusal": lostAnswerIsUnknown},
		Throttled:     {"a throttled message is refused for now": throttledIsRefused, "what is behind a message that failed is not stored": tailIsRefused},
		PartlyRefused: {"a refused message refuses no other": othersAreStored},
		Away:          {"a queue that is away has stored nothing": awayIsRefused},
	}
	for fault := range h.Faults {
		for name, promise := range faults[fault] {
			promises[name] = promise
		}
	}
	for name, promise := range promises {
		t.Run(name, func(t *testing.T) { h.run(t, promise) })
	}
}

func (h Harness) run(t *testing.T, promise func(*testing.T, bench)) {
	body := func(t *testing.T) {
		p, q := h.Open(t)
		promise(t, bench{Publisher: p, queue: q, h: h})
	}
	if h.Run != nil {
		h.Run(t, body)
		return
	}
	t.Parallel()
	body(t)
}

type bench struct {
	publisher.Publisher
	queue Queue
	h     Harness
}

// arrange makes fault happen.
func (b bench) arrange(t *testing.T, fault Fault) {
	t.Helper()
	b.h.Faults[fault](t, b.queue)
}

// bodies counts the messages of the queue by their bodies.
func (b bench) bodies(t *testing.T) map[string]int {
	t.Helper()
	n := map[string]int{}
	for _, m := range b.queue.Stored(t) {
		n[string(m.Body)]++
	}
	return n
}

// publish publishes messages that must be stored.
func (b bench) publish(t *testing.T, batch ...*message.Message) []publisher.Result {
	t.Helper()
	results := b.Publish(t.Context(), batch)
	if len(results) != len(batch) {
		t.Fatalf("%d results for %d messages", len(results), len(batch))
	}
	for i, r := range results {
		if r.Err != nil {
			t.Fatalf("message %d: %v", i, r.Err)
		}
	}
	return results
}

// refuses publishes a message that must be refused for a lasting reason, and finds none stored.
func (b bench) refuses(t *testing.T, m *message.Message, why publisher.Why) {
	t.Helper()
	r := b.Publish(t.Context(), []*message.Message{m})[0]
	if !publisher.IsRefused(r.Err) || publisher.WhyOf(r.Err) != why {
		t.Errorf("result = %+v, want a refusal, %d", r, why)
	}
	if n := len(b.queue.Stored(t)); n != 0 {
		t.Errorf("%d messages are stored", n)
	}
}

func plain(body string) *message.Message { return &message.Message{Body: []byte(body)} }
