package ingest

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"carrier/internal/queue"
	"carrier/receiver"
	"carrier/receiver/ingest/request"
	"carrier/receiver/receivertest"
)

// TestReceiverKeepsItsPromises runs over the queue without the handler: no network, so that
// time passes in a bubble.
func TestReceiverKeepsItsPromises(t *testing.T) {
	const lease = 5 * time.Second
	receivertest.Run(t, receivertest.Harness{
		Lease:  lease,
		Groups: true,
		Run:    func(t *testing.T, promise func(*testing.T)) { synctest.Test(t, promise) },
		Open: func(t *testing.T) (receiver.Receiver, receivertest.Source) {
			r := newSingle(Options{DataDir: t.TempDir(), Subscriptions: []Subscription{{Lease: lease}}})
			if err := r.openQueue(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := r.Close(); err != nil {
					t.Errorf("Close = %v", err)
				}
			})
			return r, source{r}
		},
	})
}

type source struct{ r single }

func (s source) Put(t *testing.T, p receivertest.Put) {
	t.Helper()
	e := queue.Entry{Group: p.Group, Delay: p.Delay, Head: request.Envelope{}.Encode(), Body: []byte(p.Body)}
	if _, err := s.r.queue.Load().Put(context.Background(), e); err != nil {
		t.Fatalf("Put = %v", err)
	}
}

func (s source) Left(*testing.T) int { return s.r.QueueMessages() }
