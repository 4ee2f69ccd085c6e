package receivertest

import (
	"context"
	"testing"
	"time"

	"carrier/message"
	"carrier/receiver"
)

// A Source is the queue behind a receiver, as a test sees it.
type Source interface {
	// Put adds one message.
	Put(t *testing.T, p Put)
	// Left counts the messages that were not removed, in flight or not.
	Left(t *testing.T) int
}

// A Harness makes receivers for the suite.
type Harness struct {
	// Open returns an opened receiver over a new and empty source, both closed by t's cleanup.
	// Every lease is Lease long.
	Open func(t *testing.T) (receiver.Receiver, Source)
	// Lease is the shortest lease that the source gives; the suite waits for it to end a few times.
	Lease time.Duration
	// Groups says that the receivers made are ordered by group.
	Groups bool
	// Tails says that the source hands out what is behind a message in flight. A receiver returns
	// that in its order, and its caller keeps it behind its head.
	Tails bool
	// Run runs one promise; nil calls it as it is. A receiver without a network is run in a bubble
	// of testing/synctest.
	Run func(t *testing.T, promise func(t *testing.T))
}

// waitTimeout bounds the waiting for what must come; nothing is measured with it.
const waitTimeout = 30 * time.Second

// Run holds the receivers of h to every promise of receiver.Receiver.
func Run(t *testing.T, h Harness) {
	promises := map[string]func(*testing.T, bench){
		"a message arrives whole and under a lease":        arrivesWhole,
		"receive returns no more than its limit":           keepsLimit,
		"receive ends promptly with its context":           endsWithContext,
		"a leased message comes back when its lease ends":  comesBack,
		"an extended lease keeps its message":              extendKeeps,
		"a settled message cannot be extended":             settledCannotBeExtended,
		"a delivered message is removed":                   deliveredIsRemoved,
		"a dropped message is removed":                     droppedIsRemoved,
		"the zero outcome gives a message back at once":    zeroGivesBack,
		"a retried message stays hidden for its delay":     delayIsKept,
		"a message left to redrive comes back":             redriveComesBack,
		"failures are counted and deferrals not twice":     failuresAreCounted,
		"a dead letter leaves the queue or says it cannot": deadLetterLeaves,
		"one outcome never changes another's":              outcomesStayApart,
		"many callers settle every message once":           manyCallers,
	}
	if h.Groups {
		if h.Tails {
			promises["a group comes in order behind a message in flight"] = groupFollows
		} else {
			promises["a group gives nothing past a message in flight"] = groupWaits
		}
		promises["a group returned tail first keeps its order"] = groupKeepsOrder
		promises["a busy group does not stop another"] = groupsRunApart
	}
	for name, promise := range promises {
		t.Run(name, func(t *testing.T) { h.run(t, promise) })
	}
}

func (h Harness) run(t *testing.T, promise func(*testing.T, bench)) {
	body := func(t *testing.T) {
		r, s := h.Open(t)
		promise(t, bench{r: r, s: s, lease: h.Lease, tails: h.Tails})
	}
	if h.Run != nil {
		h.Run(t, body)
		return
	}
	t.Parallel()
	body(t)
}

type bench struct {
	r     receiver.Receiver
	s     Source
	lease time.Duration
	tails bool
}

// take receives n messages, however many receives that needs.
func (b bench) take(t *testing.T, n int) []*message.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitTimeout)
	defer cancel()
	var batch []*message.Message
	for len(batch) < n {
		more, err := b.r.Receive(ctx, n-len(batch))
		if err != nil {
			t.Fatalf("Receive = %v, with %d of %d messages taken", err, len(batch), n)
		}
		batch = append(batch, more...)
	}
	return batch
}

// poll receives once, for at most d.
func (b bench) poll(d time.Duration) ([]*message.Message, error) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return b.r.Receive(ctx, 10)
}

func (b bench) settle(t *testing.T, m *message.Message, o message.Outcome) {
	t.Helper()
	if err := b.r.Settle(context.Background(), m, o); err != nil {
		t.Errorf("Settle(%s, %s) = %v", m.ID, o.Label(), err)
	}
}

// slack is what a real source may be early by: its clock is not ours.
func slack(d time.Duration) time.Duration { return d / 10 }
