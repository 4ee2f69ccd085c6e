package receivertest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"carrier/message"
)

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
	case <-time.After(waitTimeout):
		t.Fatal("Receive did not end with its context")
	}
}

func manyCallers(t *testing.T, b bench) {
	const messages, callers = 60, 4
	for i := range messages {
		b.s.Put(t, Put{Body: fmt.Sprint(i)})
	}
	var mu sync.Mutex
	seen := map[string]int{}
	ctx, cancel := context.WithTimeout(context.Background(), waitTimeout)
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
