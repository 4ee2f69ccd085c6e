package receivertest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"carrier/message"
	"carrier/receiver"
)

// A Source is the queue behind a receiver, as a test sees it.
type Source interface {
	// Put adds one message.
	Put(t *testing.T, p Put)
	// Left counts the messages that were not removed, in hand or not.
	Left(t *testing.T) int
}

// A Harness makes receivers for the suite.
type Harness struct {
	// Open returns an opened receiver over a new and empty source, both closed by
	// t's cleanup. Every lease is Lease long.
	Open func(t *testing.T) (receiver.Receiver, Source)
	// Lease is the shortest lease that the source gives; the suite waits for it
	// to end a few times.
	Lease time.Duration
	// Groups says that the receivers made are ordered by group.
	Groups bool
	// Run runs one promise; nil calls it as it is. A receiver without a network
	// is run in a bubble of testing/synctest.
	Run func(t *testing.T, promise func(t *testing.T))
}

// patience bounds the waiting for what must come; nothing is measured with it.
const patience = 30 * time.Second

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
		"a dead letter leaves the queue or says it cannot": deadLetterLeaves,
		"one outcome never changes another's":              outcomesStayApart,
		"many callers settle every message once":           manyCallers,
	}
	if h.Groups {
		promises["a group gives nothing past a message in hand"] = groupWaits
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
		promise(t, bench{r: r, s: s, lease: h.Lease})
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
}

func arrivesWhole(t *testing.T, b bench) {
	const body = "a body with \"quotes\", <tags>, ümlauts\nand lines\r\n"
	before := time.Now()
	b.s.Put(t, Put{Body: body})
	m := b.take(t, 1)[0]
	if string(m.Body) != body {
		t.Errorf("body = %q, want %q", m.Body, body)
	}
	if m.ID == "" || m.Source == "" || m.ReceiveCount != 1 || m.Receipt == nil {
		t.Errorf("message = %+v; want an id, a source, a receipt and the receive count 1", m)
	}
	if m.Lease != b.lease || !m.Expires().After(time.Now()) || m.Expires().After(time.Now().Add(b.lease)) {
		t.Errorf("lease = %v until %v, want %v from now at most", m.Lease, m.Expires(), b.lease)
	}
	// Sources keep whole milliseconds, some whole seconds.
	if m.Sent.Before(before.Add(-2*time.Second)) || m.FirstReceived.Before(m.Sent.Add(-time.Second)) || m.Received.Before(before) {
		t.Errorf("times: sent %v, first received %v, received %v; put at %v", m.Sent, m.FirstReceived, m.Received, before)
	}
}

func keepsLimit(t *testing.T, b bench) {
	for i := range 5 {
		b.s.Put(t, Put{Body: fmt.Sprint(i)})
	}
	seen := map[string]bool{}
	for len(seen) < 5 {
		batch, err := b.r.Receive(context.Background(), 2)
		if err != nil || len(batch) > 2 {
			t.Fatalf("Receive(2) = %d messages, %v", len(batch), err)
		}
		for _, m := range batch {
			if seen[m.ID] {
				t.Fatalf("message %s was handed out twice", m.ID)
			}
			seen[m.ID] = true
			b.settle(t, m, message.Outcome{Verdict: message.Delivered})
		}
	}
}

func endsWithContext(t *testing.T, b bench) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		var err error
		for err == nil {
			_, err = b.r.Receive(ctx, 1)
		}
		done <- err
	}()
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Receive = %v, want context.Canceled", err)
		}
	case <-time.After(patience):
		t.Fatal("Receive did not end with its context")
	}
}

func comesBack(t *testing.T, b bench) {
	b.s.Put(t, Put{Body: "a"})
	first := b.take(t, 1)[0]
	again := b.take(t, 1)[0]
	if again.ID != first.ID || again.ReceiveCount != 2 {
		t.Errorf("again = %s, receive count %d; want %s, 2", again.ID, again.ReceiveCount, first.ID)
	}
	if again.Received.Before(first.Received.Add(b.lease - slack(b.lease))) {
		t.Errorf("came back %v after it was received, under a lease of %v", again.Received.Sub(first.Received), b.lease)
	}
}

func extendKeeps(t *testing.T, b bench) {
	b.s.Put(t, Put{Body: "a"})
	m := b.take(t, 1)[0]
	start := time.Now()
	for time.Since(start) < 2*b.lease {
		time.Sleep(b.lease / 3)
		before := m.Expires()
		if err := b.r.Extend(context.Background(), []*message.Message{m})[0]; err != nil {
			t.Fatalf("Extend = %v", err)
		}
		if !m.Expires().After(before) {
			t.Fatalf("Expires = %v, was %v before the renewal", m.Expires(), before)
		}
	}
	if other, err := b.poll(b.lease / 4); len(other) != 0 {
		t.Fatalf("an extended message was handed out again (%v)", err)
	}
	b.settle(t, m, message.Outcome{Verdict: message.Delivered})
}

func settledCannotBeExtended(t *testing.T, b bench) {
	b.s.Put(t, Put{Body: "a"})
	b.s.Put(t, Put{Body: "b"})
	batch := b.take(t, 2)
	b.settle(t, batch[0], message.Outcome{Verdict: message.Delivered})
	errs := b.r.Extend(context.Background(), batch)
	if !errors.Is(errs[0], receiver.ErrLeaseLost) || errs[1] != nil {
		t.Errorf("Extend = %v, want the first lost and the second renewed", errs)
	}
}

func deliveredIsRemoved(t *testing.T, b bench) {
	b.removes(t, message.Outcome{Verdict: message.Delivered})
}

func droppedIsRemoved(t *testing.T, b bench) {
	b.removes(t, message.Outcome{Verdict: message.Rejected, Action: message.Drop})
}

func (b bench) removes(t *testing.T, o message.Outcome) {
	t.Helper()
	b.s.Put(t, Put{Body: "a"})
	b.settle(t, b.take(t, 1)[0], o)
	if n := b.s.Left(t); n != 0 {
		t.Errorf("%d messages left, want 0", n)
	}
}

func zeroGivesBack(t *testing.T, b bench) {
	b.s.Put(t, Put{Body: "a"})
	first := b.take(t, 1)[0]
	b.settle(t, first, message.Outcome{})
	again := b.take(t, 1)[0]
	if again.ReceiveCount != 2 || !again.Received.Before(first.Received.Add(b.lease)) {
		t.Errorf("receive count %d, %v later; want 2 before the lease of %v had ended",
			again.ReceiveCount, again.Received.Sub(first.Received), b.lease)
	}
}

func delayIsKept(t *testing.T, b bench) {
	delay := b.lease
	b.s.Put(t, Put{Body: "a"})
	m := b.take(t, 1)[0]
	b.settle(t, m, message.Outcome{Cause: message.Deferred, Delay: delay})
	settled := time.Now()
	again := b.take(t, 1)[0]
	if again.Received.Before(settled.Add(delay - slack(delay))) {
		t.Errorf("came back %v after it was deferred by %v", again.Received.Sub(settled), delay)
	}
}

func redriveComesBack(t *testing.T, b bench) {
	b.s.Put(t, Put{Body: "a"})
	b.settle(t, b.take(t, 1)[0], message.Outcome{Verdict: message.Rejected})
	if again := b.take(t, 1)[0]; again.ReceiveCount != 2 {
		t.Errorf("receive count = %d, want 2", again.ReceiveCount)
	}
}

func deadLetterLeaves(t *testing.T, b bench) {
	b.s.Put(t, Put{Body: "a"})
	m := b.take(t, 1)[0]
	err := b.r.Settle(context.Background(), m, message.Outcome{Verdict: message.Rejected, Action: message.DeadLetter})
	switch {
	case err == nil:
		if n := b.s.Left(t); n != 0 {
			t.Errorf("%d messages left, want 0", n)
		}
	case errors.Is(err, receiver.ErrNoDeadLetter):
		b.settle(t, m, message.Outcome{Verdict: message.Delivered}) // the lease is still there
	default:
		t.Errorf("Settle = %v, want nil or ErrNoDeadLetter", err)
	}
}

func outcomesStayApart(t *testing.T, b bench) {
	outcomes := []message.Outcome{
		{Verdict: message.Delivered}, {}, {Verdict: message.Rejected, Action: message.Drop}, {Verdict: message.Delivered},
		{}, {Verdict: message.Delivered}, {}, {Verdict: message.Delivered},
	}
	for i := range outcomes {
		b.s.Put(t, Put{Body: fmt.Sprint(i)})
	}
	batch := b.take(t, len(outcomes))
	back := map[string]bool{}
	var wg sync.WaitGroup
	for i, m := range batch {
		if !outcomes[i].Ends() {
			back[m.ID] = true
		}
		wg.Go(func() {
			if err := b.r.Settle(context.Background(), m, outcomes[i]); err != nil {
				t.Errorf("Settle(%d) = %v", i, err)
			}
		})
	}
	wg.Wait()
	for _, m := range b.take(t, len(back)) {
		if !back[m.ID] {
			t.Errorf("%s came back, though it was removed", m.ID)
		}
		b.settle(t, m, message.Outcome{Verdict: message.Delivered})
	}
	if n := b.s.Left(t); n != 0 {
		t.Errorf("%d messages left, want 0", n)
	}
}

func manyCallers(t *testing.T, b bench) {
	const messages, callers = 60, 4
	for i := range messages {
		b.s.Put(t, Put{Body: fmt.Sprint(i)})
	}
	var mu sync.Mutex
	seen := map[string]int{}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for ctx.Err() == nil {
				batch, err := b.r.Receive(ctx, 10)
				if err != nil && ctx.Err() == nil {
					t.Errorf("Receive = %v", err)
				}
				for _, m := range batch {
					b.settle(t, m, message.Outcome{Verdict: message.Delivered}) //nolint:contextcheck // what ends the receiving does not end a settlement
					mu.Lock()
					seen[string(m.Body)]++
					if len(seen) == messages {
						cancel()
					}
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	for i := range messages {
		if n := seen[fmt.Sprint(i)]; n != 1 {
			t.Errorf("message %d was handed out %d times, want once", i, n)
		}
	}
}

// take receives n messages, however many receives that needs.
func (b bench) take(t *testing.T, n int) []*message.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
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
