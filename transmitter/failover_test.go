package transmitter_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"carrier/message"
	"carrier/transmitter"
	"carrier/transmitter/transmittertest"
)

var (
	accepted  = message.Outcome{Verdict: message.Delivered, Status: 200, Code: "2xx"}
	refused   = message.Outcome{Cause: message.Unreached, Code: "refused", Reason: "refused"}
	timedOut  = message.Outcome{Cause: message.Failed, Code: "timeout", Reason: "timeout"}
	permanent = message.Outcome{Verdict: message.Rejected, Status: 400, Code: "4xx", Reason: "400"}
	asked     = message.Outcome{Cause: message.Failed, Status: 200, Code: "2xx", Reason: "asked for a retry"}
	stopped   = message.Outcome{Reason: "not posted: stopping"}
	later     = message.Outcome{Cause: message.Failed, Status: 202, Code: "2xx", Later: time.Minute, Reason: "later"}
	byToken   = message.Outcome{Cause: message.Failed, Code: "2xx", TokenVerdict: message.RetryByToken, Reason: "again"}
)

func failedWith(status int) message.Outcome {
	return message.Outcome{Cause: message.Failed, Status: status, Code: fmt.Sprintf("%dxx", status/100), Reason: fmt.Sprint(status)}
}

func deferredFor(d time.Duration) message.Outcome {
	return message.Outcome{Cause: message.Deferred, Delay: d, Status: 503, Code: "5xx", Reason: "503"}
}

// plain is o without what a Failover adds.
func plain(o message.Outcome) message.Outcome {
	o.Attempted, o.Took = time.Time{}, 0
	return o
}

// An attemptLog keeps the attempts that a Failover tells of.
type attemptLog struct {
	mu   sync.Mutex
	told []message.Outcome
}

func (l *attemptLog) note(_ *message.Message, o message.Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, o)
}

func TestAFailoverGoesOnUntilAWordEndsIt(t *testing.T) {
	type words []message.Outcome
	cases := map[string]struct {
		words words
		posts int
		want  message.Outcome
		told  words
	}{
		"the first accepts":                 {words{accepted, accepted}, 1, accepted, nil},
		"the first fails":                   {words{failedWith(500), accepted}, 2, accepted, words{failedWith(500)}},
		"the first has no time":             {words{failedWith(408), accepted}, 2, accepted, words{failedWith(408)}},
		"the first is too early":            {words{failedWith(425), accepted}, 2, accepted, words{failedWith(425)}},
		"the first is busy":                 {words{failedWith(429), accepted}, 2, accepted, words{failedWith(429)}},
		"the first defers":                  {words{deferredFor(time.Minute), accepted}, 2, accepted, words{deferredFor(time.Minute)}},
		"the first gives no answer":         {words{timedOut, accepted}, 2, accepted, words{timedOut}},
		"the first refuses connections":     {words{refused, accepted}, 2, accepted, words{refused}},
		"the first says never":              {words{permanent, accepted}, 1, permanent, nil},
		"the first asks for it again":       {words{asked, accepted}, 1, asked, nil},
		"the first puts its word off":       {words{later, accepted}, 1, later, nil},
		"the first asks for it by token":    {words{byToken, accepted}, 1, byToken, nil},
		"the second says never":             {words{failedWith(500), permanent, accepted}, 2, permanent, words{failedWith(500)}},
		"all fail":                          {words{failedWith(500), timedOut}, 2, timedOut, words{failedWith(500)}},
		"one of all defers":                 {words{deferredFor(time.Minute), failedWith(502)}, 2, message.Outcome{Cause: message.Deferred, Delay: time.Minute, Status: 502, Code: "5xx", Reason: "502"}, words{deferredFor(time.Minute)}},
		"the shortest delay counts":         {words{deferredFor(time.Second), deferredFor(time.Minute)}, 2, deferredFor(time.Second), words{deferredFor(time.Second)}},
		"none is reached":                   {words{refused, refused}, 2, refused, words{refused}},
		"one fails and one is not reached":  {words{failedWith(500), refused}, 2, failedWith(500), words{refused}},
		"one is not reached and one fails":  {words{refused, failedWith(500)}, 2, failedWith(500), words{refused}},
		"one defers, one is not reached":    {words{deferredFor(time.Minute), refused}, 2, deferredFor(time.Minute), words{refused}},
		"the stop comes before the second":  {words{failedWith(500), stopped}, 2, failedWith(500), nil},
		"no request may be made of it":      {words{{Verdict: message.Rejected, Reason: "climbs"}, accepted}, 1, message.Outcome{Verdict: message.Rejected, Reason: "climbs"}, nil},
		"the third of three, and each told": {words{failedWith(500), failedWith(503), accepted}, 3, accepted, words{failedWith(500), failedWith(503)}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var log attemptLog
			var endpoints []transmitter.Transmitter
			posts := 0
			for _, word := range c.words {
				endpoints = append(endpoints, transmittertest.NewMemory(func(context.Context, *message.Message) message.Outcome {
					posts++
					return word
				}))
			}
			f := transmitter.NewFailover(transmitter.FailoverOptions{Endpoints: endpoints, Attempted: log.note})
			o := f.Transmit(t.Context(), &message.Message{ID: "a"})
			if plain(o) != c.want || posts != c.posts {
				t.Errorf("outcome %+v after %d posts, want %+v after %d", o, posts, c.want, c.posts)
			}
			var told words
			for _, o := range log.told {
				told = append(told, plain(o))
			}
			if !slices.Equal(told, c.told) {
				t.Errorf("told of %+v, want %+v", told, c.told)
			}
		})
	}
}

func TestAnAttemptOfAFailoverHasItsOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log attemptLog
		slow := func(d time.Duration, o message.Outcome) transmitter.Transmitter {
			return transmittertest.NewMemory(func(context.Context, *message.Message) message.Outcome {
				time.Sleep(d)
				return o
			})
		}
		begun := time.Now()
		f := transmitter.NewFailover(transmitter.FailoverOptions{
			Endpoints: []transmitter.Transmitter{slow(time.Second, timedOut), slow(time.Minute, accepted)}, Attempted: log.note,
		})
		o := f.Transmit(t.Context(), &message.Message{ID: "a"})
		if !o.Attempted.Equal(begun.Add(time.Second)) || o.Took != time.Minute {
			t.Errorf("the second began after %v and took %v", o.Attempted.Sub(begun), o.Took)
		}
		if first := log.told[0]; !first.Attempted.Equal(begun) || first.Took != time.Second {
			t.Errorf("the first began after %v and took %v", first.Attempted.Sub(begun), first.Took)
		}
	})
}

func TestAnEndpointThatTakesNoneIsPassedOver(t *testing.T) {
	first, second := transmittertest.NewMemory(nil), transmittertest.NewMemory(nil)
	f := transmitter.NewFailover(transmitter.FailoverOptions{Endpoints: []transmitter.Transmitter{first, second}})
	first.SetReady(false)
	if o := f.Transmit(t.Context(), &message.Message{ID: "a"}); o.Verdict != message.Delivered || len(first.Handed()) != 0 {
		t.Errorf("outcome %+v, and the first got %v", o, first.Handed())
	}
	second.SetReady(false)
	if o := f.Transmit(t.Context(), &message.Message{ID: "b"}); o.Cause != message.Unreached || o.Code != "" || !f.Down() {
		t.Errorf("outcome %+v with none ready, down is %v", o, f.Down())
	}
	first.SetReady(true)
	if o := f.Transmit(t.Context(), &message.Message{ID: "c"}); o.Verdict != message.Delivered || len(first.Handed()) != 1 || f.Down() {
		t.Errorf("outcome %+v; the first got %v once it was ready", o, first.Handed())
	}
}

func TestAMessageDoesNotGoOnWithoutALeaseOrAfterTheEnd(t *testing.T) {
	for name, end := range map[string]func(m *message.Message, cancel func()){
		"its lease is lost":        func(m *message.Message, _ func()) { m.Lose() },
		"its lease is nearly over": func(m *message.Message, _ func()) { m.Renew(time.Now().Add(time.Second)) },
		"the drain time is over":   func(_ *message.Message, cancel func()) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			m := &message.Message{ID: "a", Lease: 30 * time.Second}
			m.Renew(time.Now().Add(30 * time.Second))
			first := transmittertest.NewMemory(func(context.Context, *message.Message) message.Outcome {
				end(m, cancel)
				return failedWith(500)
			})
			second := transmittertest.NewMemory(nil)
			f := transmitter.NewFailover(transmitter.FailoverOptions{Endpoints: []transmitter.Transmitter{first, second}})
			if o := f.Transmit(ctx, m); plain(o) != failedWith(500) || len(second.Handed()) != 0 {
				t.Errorf("outcome %+v, and the second got %v", o, second.Handed())
			}
		})
	}
}

func TestAFailoverIsReadyForWhatItsEndpointsTakeTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := transmittertest.NewMemory(nil), transmittertest.NewMemory(nil)
		first.SetLimit(0)
		second.SetLimit(2)
		f := transmitter.NewFailover(transmitter.FailoverOptions{Endpoints: []transmitter.Transmitter{first, second}})
		if n, err := f.Ready(t.Context(), 1); n != 2 || err != nil {
			t.Errorf("Ready = %d, %v; want 2", n, err)
		}
		time.AfterFunc(time.Hour, func() { first.SetLimit(1) }) // half open
		begun := time.Now()
		if n, err := f.Ready(t.Context(), 2); n != 3 || err != nil || time.Since(begun) != time.Hour {
			t.Errorf("Ready = %d, %v after %v; want 3 after an hour", n, err, time.Since(begun))
		}
		first.SetReady(true)
		if n, err := f.Ready(t.Context(), 1000); n != transmitter.Unlimited || err != nil {
			t.Errorf("Ready = %d, %v; want no limit", n, err)
		}
	})
}

func TestMessagesGoBackToTheFirstEndpointOnceItsProbeSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := newFakeWorker(false)
		held, _ := held(first, transmitter.HoldOptions{})
		second := transmittertest.NewMemory(nil)
		f := transmitter.NewFailover(transmitter.FailoverOptions{Endpoints: []transmitter.Transmitter{held, second}})
		ctx, cancel := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() { f.Run(ctx) })
		for _, id := range []string{"a", "b"} {
			f.Transmit(ctx, &message.Message{ID: id})
		}
		first.open.Store(true)
		time.Sleep(10 * time.Second)
		f.Transmit(ctx, &message.Message{ID: "c"})
		if got := second.Handed(); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("the second got %v, want a and b alone", got)
		}
		cancel()
		run.Wait()
	})
}

// TestAFailoverKeepsItsPromisesWhateverItsEndpointsSay: an outcome is never better than what the
// endpoints said, each attempt has one record, and no two endpoints hold a message at once.
func TestAFailoverKeepsItsPromisesWhateverItsEndpointsSay(t *testing.T) {
	for n := range uint64(300) {
		synctest.Test(t, func(t *testing.T) { runFailover(t, rand.New(rand.NewPCG(n, n))) })
	}
}

func runFailover(t *testing.T, chance *rand.Rand) {
	all := []message.Outcome{accepted, refused, timedOut, permanent, asked, failedWith(500), failedWith(429), deferredFor(time.Second), deferredFor(time.Minute)}
	var mu sync.Mutex
	said, holders, records := map[string][]message.Outcome{}, map[string]int{}, map[string]int{}
	var endpoints []transmitter.Transmitter
	for range 1 + chance.IntN(3) {
		e := transmittertest.NewMemory(func(ctx context.Context, m *message.Message) message.Outcome {
			mu.Lock()
			o, work := all[chance.IntN(len(all))], time.Duration(chance.IntN(1000))*time.Millisecond
			if holders[m.ID]++; holders[m.ID] > 1 {
				t.Errorf("%d endpoints hold %s at once", holders[m.ID], m.ID)
			}
			said[m.ID] = append(said[m.ID], o)
			mu.Unlock()
			select {
			case <-time.After(work):
			case <-ctx.Done():
			}
			mu.Lock()
			defer mu.Unlock()
			holders[m.ID]--
			return o
		})
		if chance.IntN(4) == 0 {
			e.SetReady(false)
			time.AfterFunc(time.Duration(chance.IntN(1000))*time.Millisecond, func() { e.SetReady(true) })
		}
		endpoints = append(endpoints, e)
	}
	f := transmitter.NewFailover(transmitter.FailoverOptions{Endpoints: endpoints, Attempted: func(m *message.Message, _ message.Outcome) {
		mu.Lock()
		defer mu.Unlock()
		records[m.ID]++
	}})
	var messages sync.WaitGroup
	for i := range 8 {
		mu.Lock()
		id, pause := fmt.Sprint(i), time.Duration(chance.IntN(500))*time.Millisecond
		mu.Unlock()
		messages.Go(func() {
			time.Sleep(pause)
			o := f.Transmit(t.Context(), &message.Message{ID: id})
			mu.Lock()
			defer mu.Unlock()
			if o.Code != "" {
				records[id]++ // as the dispatcher does
			}
			if len(said[id]) != records[id] {
				t.Errorf("%s: %d attempts have %d records", id, len(said[id]), records[id])
			}
			if best := bestOf(said[id]); o.Verdict == message.Delivered && best != "delivered" || o.Verdict == message.Rejected && best == "failed" {
				t.Errorf("%s: outcome %+v, but the endpoints said %v", id, o, said[id])
			}
			if shortest := shortestOf(said[id]); o.Cause == message.Deferred && o.Delay != shortest {
				t.Errorf("%s: deferred by %v, the shortest said was %v", id, o.Delay, shortest)
			}
		})
	}
	messages.Wait()
}

func bestOf(said []message.Outcome) string {
	var labels []string
	for _, o := range said {
		labels = append(labels, o.Label())
	}
	for _, label := range []string{"delivered", "rejected"} {
		if strings.Contains(strings.Join(labels, " "), label) {
			return label
		}
	}
	return "failed"
}

func shortestOf(said []message.Outcome) (shortest time.Duration) {
	for _, o := range said {
		if o.Cause == message.Deferred && (shortest == 0 || o.Delay < shortest) {
			shortest = o.Delay
		}
	}
	return shortest
}
