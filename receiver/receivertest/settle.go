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

func failuresAreCounted(t *testing.T, b bench) {
	b.s.Put(t, Put{Body: "a"})
	settle := func(o message.Outcome, failures, deferrals int) {
		t.Helper()
		m := b.take(t, 1)[0]
		// Where the source does not tell deferrals apart each counts as a failure.
		if n := m.FailedAttempts() + m.Deferrals; n != failures+deferrals || m.Deferrals > deferrals || m.ReceiveCount != n+1 {
			t.Errorf("receive %d: %d failed attempts and %d deferrals, want %d and %d", m.ReceiveCount, m.FailedAttempts(), m.Deferrals, failures, deferrals)
		}
		b.settle(t, m, o)
	}
	settle(message.Outcome{Cause: message.Failed, Code: "5xx", Status: 500}, 0, 0)
	settle(message.Outcome{Cause: message.Deferred, Code: "4xx", Status: 429, Delay: time.Millisecond}, 1, 0)
	settle(message.Outcome{}, 1, 1)
	settle(message.Outcome{Verdict: message.Rejected, Code: "4xx", Status: 400}, 1, 2)
	settle(message.Outcome{Verdict: message.Delivered}, 2, 2)
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
