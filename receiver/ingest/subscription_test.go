package ingest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"carrier/internal/queue"
	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/ingest/request"
	"carrier/receiver/receivertest"
)

// TestEachOfFiveSubscriptionsKeepsItsPromises runs the suite over each of five subscriptions that get
// the same messages, while the other four leave them where they are.
func TestEachOfFiveSubscriptionsKeepsItsPromises(t *testing.T) {
	const lease, n = 5 * time.Second, 5
	for i := range n {
		t.Run(fmt.Sprint("number ", i), func(t *testing.T) {
			receivertest.Run(t, receivertest.Harness{
				Lease:  lease,
				Groups: true,
				Run:    func(t *testing.T, promise func(*testing.T)) { synctest.Test(t, promise) },
				Open: func(t *testing.T) (receiver.Receiver, receivertest.Source) {
					o := Options{DataDir: t.TempDir()}
					for j := range n {
						o.Subscriptions = append(o.Subscriptions, Subscription{Name: fmt.Sprint("s", j), Lease: lease})
					}
					s := New(o)
					if err := s.openQueue(); err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() {
						for j := range n {
							if err := s.Receiver(j).Close(); err != nil {
								t.Errorf("Close = %v", err)
							}
						}
					})
					return s.Receiver(i), several{s.Receiver(i)}
				},
			})
		})
	}
}

type several struct{ r *Receiver }

func (s several) Put(t *testing.T, p receivertest.Put) {
	t.Helper()
	e := queue.Entry{Group: p.Group, Delay: p.Delay, Head: request.Envelope{}.Encode(), Body: []byte(p.Body)}
	if _, err := s.r.opened().Put(context.Background(), e); err != nil {
		t.Fatalf("Put = %v", err)
	}
}

func (s several) Left(*testing.T) int { return s.r.Counts().Messages }

// startSeveral opens a server on a free port with a receiver for each subscription.
func startSeveral(t *testing.T, o Options) (*Server, []*Receiver) {
	t.Helper()
	if o.DataDir == "" {
		o.DataDir = t.TempDir()
	}
	o.Address = "127.0.0.1:0"
	s := New(o)
	var all []*Receiver
	for i := range s.options.Subscriptions {
		r := s.Receiver(i)
		if err := r.Open(t.Context()); err != nil {
			t.Fatalf("Open = %v", err)
		}
		t.Cleanup(func() {
			if err := r.Close(); err != nil {
				t.Errorf("Close = %v", err)
			}
		})
		all = append(all, r)
	}
	return s, all
}

func TestRequestGoesToThoseWhoSubscribeToItsPath(t *testing.T) {
	s, r := startSeveral(t, Options{Subscriptions: []Subscription{
		{Name: "orders", Topics: []string{"/orders/"}}, {Name: "all"}, {Name: "mail", Topics: []string{"/mail/"}},
	}})
	d := single{s, r[0]}
	send(t, d, "POST", "/orders/7", "a").id(t)
	send(t, d, "POST", "/mail", "b").id(t)
	for i, want := range []int{1, 2, 1} {
		if got := r[i].Counts().Messages; got != want {
			t.Errorf("subscription %d has %d messages, want %d", i, got, want)
		}
	}
	wantStored(t, d, 2)
	m := receive(t, single{s, r[2]})
	if string(m.Body) != "b" || m.Request.Path != "/mail" {
		t.Errorf("received %s of %s", m.Body, m.Request.Path)
	}
	if err := r[2].Settle(t.Context(), m, message.Outcome{Verdict: message.Delivered}); err != nil {
		t.Fatal(err)
	}
	wantStored(t, d, 2) // "all" waits for it still
}

func TestPathThatNobodySubscribesToIsNotFound(t *testing.T) {
	s, r := startSeveral(t, Options{Subscriptions: []Subscription{{Name: "orders", Topics: []string{"/orders/"}}}})
	d := single{s, r[0]}
	send(t, d, "POST", "/other", "a").problem(t, 404)
	send(t, d, "POST", "/orders/../x", "a").problem(t, 400)
	wantStored(t, d, 0)
}

func TestServerClosesWithTheLastReceiver(t *testing.T) {
	s, r := startSeveral(t, Options{Subscriptions: []Subscription{{Name: "a"}, {Name: "b"}}})
	if err := r[0].Close(); err != nil {
		t.Fatal(err)
	}
	send(t, single{s, r[1]}, "POST", "/", "a").id(t)
	if err := r[1].Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r[1].Receive(t.Context(), 1); receiver.ClassOf(err) != receiver.Broken {
		t.Errorf("Receive = %v, want the queue closed", err)
	}
}

func TestMessagesThatAreKeptForNoRouteAreNamedAtTheStart(t *testing.T) {
	dir := t.TempDir()
	reopen := func(keep time.Duration, names ...string) (warned string) {
		var log testLog
		o := Options{DataDir: dir, Address: "127.0.0.1:0", Warn: log.warn, RemovedKeep: keep}
		for _, name := range names {
			o.Subscriptions = append(o.Subscriptions, Subscription{Name: name})
		}
		s := New(o)
		if err := s.openQueue(); err != nil {
			t.Fatal(err)
		}
		mail := queue.Entry{To: 1 << 1, Head: request.Envelope{}.Encode(), Body: []byte("a")}
		if len(names) == 3 {
			if _, err := s.queue.Load().Put(t.Context(), mail); err != nil {
				t.Fatal(err)
			}
		}
		for i := range names {
			if err := s.Receiver(i).Close(); err != nil {
				t.Fatal(err)
			}
		}
		return log.text()
	}
	if warned := reopen(time.Hour, "orders", "mail", "empty"); warned != "" {
		t.Errorf("warned %q where all routes are configured", warned)
	}
	for keep, want := range map[time.Duration]string{time.Hour: "until 2", 0: "for ever"} {
		warned := reopen(keep, "orders")
		if !strings.Contains(warned, "route mail: 1 messages and 0 dead letters, "+want) || strings.Contains(warned, "empty") {
			t.Errorf("with %v: warned %q", keep, warned)
		}
	}
	if warned := reopen(time.Hour, "orders", "mail"); warned != "" {
		t.Errorf("warned %q after the route came back", warned)
	}
}
