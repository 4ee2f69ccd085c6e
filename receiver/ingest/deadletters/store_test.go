package deadletters

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"carrier/internal/deadletter"
	"carrier/internal/deadletter/deadlettertest"
	"carrier/internal/queue"
	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/ingest/request"
)

// A place is a queue file with one subscription.
type place struct {
	queue *queue.Queue
}

func open(t *testing.T, o queue.Options) (Store, place) {
	t.Helper()
	o.Dir, o.Subscriptions = t.TempDir(), []queue.SubscriptionOptions{{Lease: time.Hour}}
	q, err := queue.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	s := Store{Letters: Letters{Queue: q}, Route: "default", CloseQueue: q.Close}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, place{q}
}

func (p place) take(t *testing.T, limit int) []*queue.Delivery {
	t.Helper()
	all, err := p.queue.Subscription(0).Receive(t.Context(), limit)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Put stores m and rejects it.
func (p place) Put(t *testing.T, m *message.Message) string {
	t.Helper()
	e := request.Envelope{ContentType: m.ContentType, Request: message.Request{Method: "POST", Path: "/"}}
	for _, a := range m.Attributes {
		if !receiver.IsDeadLetterAttribute(a.Name) {
			e.Attributes = append(e.Attributes, a)
		}
	}
	stored, err := p.queue.Put(t.Context(), queue.Entry{Group: m.Group, Head: e.Encode(), Body: m.Body})
	if err != nil {
		t.Fatal(err)
	}
	letter := deadletter.Of(m)
	why := queue.Reason{
		Text: letter.Reason, Status: letter.Status, Attempts: letter.Attempts, Endpoint: letter.Endpoint,
		FirstReceived: letter.FirstReceived, LastAttempt: letter.LastAttempt,
	}
	if err := p.take(t, 1)[0].DeadLetter(t.Context(), why); err != nil {
		t.Fatal(err)
	}
	return stored.ID
}

func (p place) Left(*testing.T) int { return p.queue.Subscription(0).Counts().DeadMessages }

func (p place) Back(t *testing.T) (all []*message.Message) {
	for p.queue.Subscription(0).Counts().Messages > 0 {
		for _, d := range p.take(t, 100) {
			e, err := request.DecodeEnvelope(d.Head)
			if err != nil {
				t.Fatal(err)
			}
			m := &message.Message{ID: d.ID, Body: d.Body, Group: d.Group, ContentType: e.ContentType, Attributes: e.Attributes}
			m.OriginalID, _ = m.Attribute(receiver.OriginalIDAttribute)
			all = append(all, m)
			if err := d.Remove(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	return all
}

func TestIngestQueueKeepsThePromises(t *testing.T) {
	deadlettertest.Run(t, deadlettertest.Harness{
		Open: func(t *testing.T) (deadletter.Store, deadlettertest.Place) {
			s, p := open(t, queue.Options{})
			return s, p
		},
		Places: true, Groups: true, Timed: true,
		Run: func(t *testing.T, promise func(*testing.T)) { synctest.Test(t, promise) },
	})
}

func TestQueueThatIsFullEndsTheRedriveAndKeepsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := open(t, queue.Options{MaxMessages: 3})
		for i := range 5 {
			p.Put(t, &message.Message{Body: fmt.Append(nil, i)})
		}
		got, err := s.Redrive(t.Context(), deadletter.Request{})
		if !errors.Is(err, queue.ErrFull) || got != (deadletter.Progress{Moved: 3, Left: 2}) || p.Left(t) != 2 {
			t.Errorf("%+v, %v, %d left", got, err, p.Left(t))
		}
	})
}

func TestLetterThatComesBackMeanwhileIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := open(t, queue.Options{})
		for i := range pageMost + 1 {
			p.Put(t, &message.Message{Body: fmt.Append(nil, i)})
		}
		time.Sleep(time.Second)
		notes := ""
		got, err := s.Redrive(t.Context(), deadletter.Request{
			Note: func(text string) { notes += text },
			Report: func(now deadletter.Progress) {
				if now.Moved != moveMost {
					return
				}
				time.Sleep(time.Millisecond)
				if err := p.take(t, 1)[0].DeadLetter(t.Context(), queue.Reason{Text: "again"}); err != nil {
					t.Error(err)
				}
			},
		})
		if err != nil || got != (deadletter.Progress{Moved: pageMost + 1}) || p.Left(t) != 1 || notes != "1 that were moved are dead letters again, and left" {
			t.Errorf("%+v, %v, %d left, %q", got, err, p.Left(t), notes)
		}
	})
}
