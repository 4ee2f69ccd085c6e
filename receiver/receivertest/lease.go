package receivertest

import (
	"context"
	"errors"
	"testing"
	"time"

	"carrier/message"
	"carrier/receiver"
)

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
