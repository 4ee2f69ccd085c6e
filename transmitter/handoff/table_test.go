package handoff

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"carrier/message"
	"carrier/transmitter"
	"carrier/transmitter/transmittertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const lease = 30 * time.Second

// settleTimeout is how long a consumer of the tests waits for the source.
const settleTimeout = 10 * time.Second

var _ transmitter.Transmitter = (*Table)(nil)

func TestTableKeepsThePromises(t *testing.T) {
	transmittertest.Run(t, func(t *testing.T, worker transmittertest.Worker) transmitter.Transmitter {
		table := New(Options{Lease: lease})
		asking := table.Ask(1000, 0)
		ctx, cancel := context.WithCancel(t.Context())
		var consumers sync.WaitGroup
		consumers.Go(func() {
			for {
				select {
				case h := <-asking.Messages():
					consumers.Go(func() {
						v := map[transmittertest.Word]Verdict{
							transmittertest.Done: {Kind: Ack}, transmittertest.Fail: {Kind: Retry},
							transmittertest.Later: {Kind: Retry, Delay: transmittertest.DeferredFor}, transmittertest.Never: {Kind: DeadLetter},
						}[worker(h.ID, h.Body)]
						settled, done := context.WithTimeout(ctx, time.Millisecond)
						defer done()
						if p, err := table.Decide(h.Token, v); err == nil {
							_ = p.Wait(settled) // nobody confirms it here
						}
					})
				case <-ctx.Done():
					return
				}
			}
		})
		t.Cleanup(func() {
			cancel()
			consumers.Wait()
			asking.Close()
		})
		return table
	})
}

// A source settles what Transmit returns, and says that it has.
type source struct {
	table *Table
	err   error

	mu       sync.Mutex
	outcomes map[string]message.Outcome
}

func newSource() *source {
	return &source{table: New(Options{Lease: lease}), outcomes: map[string]message.Outcome{}}
}

// offer has a message transmitted and settled.
func (s *source) offer(ctx context.Context, id string) {
	m := &message.Message{ID: id}
	o := s.table.Transmit(ctx, m)
	s.mu.Lock()
	s.outcomes[id] = o
	s.mu.Unlock()
	s.table.Settled(m, s.err)
}

func (s *source) outcome(id string) message.Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.outcomes[id]
}

func settle(t *testing.T, table *Table, token string, v Verdict) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), settleTimeout)
	defer cancel()
	p, err := table.Decide(token, v)
	if err != nil {
		return err
	}
	return p.Wait(ctx)
}

func TestReadyIsWhatConsumersAskFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := New(Options{Lease: lease})
		got := make(chan int, 1)
		go func() {
			n, _ := table.Ready(t.Context(), 3)
			got <- n
		}()
		a, b := table.Ask(2, 0), table.Ask(1, 0)
		synctest.Wait()
		if len(got) != 0 {
			t.Fatalf("ready for %d although three are promised", <-got)
		}
		c := table.Ask(5, 0)
		if n := <-got; n != 8 {
			t.Errorf("ready for %d, want 8", n)
		}
		b.Close()
		c.Close()
		if n, err := table.Ready(t.Context(), 0); n != 2 || err != nil {
			t.Errorf("ready for %d, %v after two have left", n, err)
		}
		a.Close()
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := table.Ready(ended, 0); !errors.Is(err, context.Canceled) {
			t.Errorf("ready without consumers: %v", err)
		}
	})
}

func TestWhoAsksFirstIsServedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSource()
		first, second := s.table.Ask(2, 0), s.table.Ask(2, 0)
		for i := range 3 {
			go s.offer(t.Context(), fmt.Sprint(i))
			synctest.Wait()
		}
		if len(first.Messages()) != 2 || len(second.Messages()) != 1 {
			t.Errorf("%d and %d messages", len(first.Messages()), len(second.Messages()))
		}
		for _, a := range []*Asking{first, second} {
			for _, h := range a.Close() {
				if err := settle(t, s.table, h.Token, Verdict{Kind: Ack}); err != nil {
					t.Error(err)
				}
			}
		}
	})
}

func TestVerdictOnceGivenStaysWhatItIs(t *testing.T) {
	for name, c := range map[string]struct {
		agreed     error // what the source says
		want       error
		again      error
		otherwise  error
		afterwards error // when it is forgotten
	}{
		"the source agrees":   {nil, nil, nil, ErrOtherVerdict, ErrUnknown},
		"the source does not": {errors.New("lost"), ErrLeaseEnded, ErrLeaseEnded, ErrLeaseEnded, ErrUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSource()
				s.err = c.agreed
				asking := s.table.Ask(1, 0)
				go s.offer(t.Context(), "a")
				h := <-asking.Messages()
				for want, v := range map[error]Verdict{c.want: {Kind: Ack}} {
					if err := settle(t, s.table, h.Token, v); !errors.Is(err, want) {
						t.Errorf("settled: %v, want %v", err, want)
					}
				}
				if err := settle(t, s.table, h.Token, Verdict{Kind: Ack}); !errors.Is(err, c.again) {
					t.Errorf("again: %v, want %v", err, c.again)
				}
				if err := settle(t, s.table, h.Token, Verdict{Kind: Retry}); !errors.Is(err, c.otherwise) {
					t.Errorf("otherwise: %v, want %v", err, c.otherwise)
				}
				time.Sleep(rememberFor + time.Second)
				if err := settle(t, s.table, h.Token, Verdict{Kind: Ack}); !errors.Is(err, c.afterwards) {
					t.Errorf("afterwards: %v, want %v", err, c.afterwards)
				}
			})
		})
	}
}

func TestLeaseThatEndsIsAFailedAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSource()
		asking := s.table.Ask(1, 0)
		go s.offer(t.Context(), "a")
		h := <-asking.Messages()
		time.Sleep(lease - time.Second)
		if err := settle(t, s.table, h.Token, Verdict{Kind: Extend, For: time.Minute}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute - time.Second)
		if o := s.outcome("a"); o.Code != "" {
			t.Fatalf("ended although it was extended: %+v", o)
		}
		time.Sleep(2 * time.Second)
		if o := s.outcome("a"); o.Cause != message.Failed || o.Code != "timeout" {
			t.Errorf("outcome %+v", o)
		}
		for _, v := range []Verdict{{Kind: Ack}, {Kind: Extend, For: time.Minute}} {
			if err := settle(t, s.table, h.Token, v); !errors.Is(err, ErrLeaseEnded) {
				t.Errorf("%s after the end: %v", v.Kind, err)
			}
		}
	})
}

func TestSettlingWaitsForTheSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := New(Options{Lease: lease})
		asking := table.Ask(1, 0)
		m := &message.Message{ID: "a"}
		go table.Transmit(t.Context(), m)
		h := <-asking.Messages()
		if err := settle(t, table, h.Token, Verdict{Kind: Ack}); !errors.Is(err, ErrUnconfirmed) {
			t.Fatalf("settled without the source: %v", err)
		}
		go func() {
			time.Sleep(time.Second)
			table.Settled(m, nil)
		}()
		if err := settle(t, table, h.Token, Verdict{Kind: Ack}); err != nil {
			t.Errorf("asked again: %v", err)
		}
	})
}

func TestWhatCouldNotBeWrittenWasNotHandedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSource()
		asking := s.table.Ask(1, 0)
		go s.offer(t.Context(), "a")
		h := <-asking.Messages()
		s.table.Unread(h.Token)
		synctest.Wait()
		if o := s.outcome("a"); o.Cause != message.Unreached || o.Code != "" {
			t.Errorf("outcome %+v", o)
		}
		if err := settle(t, s.table, h.Token, Verdict{Kind: Ack}); !errors.Is(err, ErrUnknown) {
			t.Errorf("settled: %v", err)
		}
		s.offer(t.Context(), "b") // nobody asks
		if o := s.outcome("b"); o.Cause != message.Unreached {
			t.Errorf("outcome %+v", o)
		}
	})
}

// TestEveryMessageHasOneEnd lets many consumers do at random what consumers do.
func TestEveryMessageHasOneEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const messages, consumers = 300, 7
		s := newSource()
		random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test's
		var mu sync.Mutex
		dice := func(n int) int { mu.Lock(); defer mu.Unlock(); return random.IntN(n) }
		acked := map[string]int{}
		var all, offers sync.WaitGroup
		stop := make(chan struct{})
		for range consumers {
			all.Go(func() {
				for {
					asking := s.table.Ask(1+dice(5), 0)
					select {
					case <-stop:
						for _, h := range asking.Close() {
							s.table.Unread(h.Token)
						}
						return
					case h := <-asking.Messages():
						for _, h := range append(asking.Close(), h) {
							switch dice(5) {
							case 0:
								s.table.Unread(h.Token)
							case 1: // forgets it
							case 2:
								_ = settle(t, s.table, h.Token, Verdict{Kind: Retry})
							default:
								if settle(t, s.table, h.Token, Verdict{Kind: Ack}) == nil {
									mu.Lock()
									acked[h.ID]++
									mu.Unlock()
								}
							}
						}
					}
				}
			})
		}
		for i := range messages {
			offers.Go(func() {
				for id := fmt.Sprint(i); s.outcome(id).Verdict != message.Delivered; {
					if _, err := s.table.Ready(t.Context(), 0); err != nil {
						return
					}
					s.offer(t.Context(), id)
					time.Sleep(time.Millisecond)
				}
			})
		}
		offers.Wait()
		close(stop)
		all.Wait()
		for id, n := range acked {
			if n != 1 {
				t.Errorf("%s was acknowledged %d times", id, n)
			}
		}
		if len(acked) != messages || len(s.table.held) != 0 || len(s.table.deciding) != 0 || s.table.wanted != 0 {
			t.Errorf("%d acknowledged, %d held, %d deciding, %d wanted", len(acked), len(s.table.held), len(s.table.deciding), s.table.wanted)
		}
	})
}

func TestWhatIsNoTokenIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSource()
		asking := s.table.Ask(1, 0)
		go s.offer(t.Context(), "a")
		token := (<-asking.Messages()).Token
		for name, other := range map[string]string{
			"none": "", "another": strings.Repeat("0", len(token)), "in capitals": strings.ToUpper(token), "shorter": token[1:], "longer": token + "0",
			"no digits": strings.Repeat("g", len(token)),
		} {
			if _, err := s.table.Decide(other, Verdict{Kind: Ack}); !errors.Is(err, ErrUnknown) {
				t.Errorf("%s: %v", name, err)
			}
			s.table.Abandon(other)
		}
		if err := settle(t, s.table, token, Verdict{Kind: Ack}); err != nil {
			t.Error(err)
		}
	})
}

// Whoever asks again and again of a source that says nothing is not remembered each time.
func TestWhoWaitsNoMoreIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSource()
		asking := s.table.Ask(1, 0)
		go s.table.Transmit(t.Context(), &message.Message{ID: "a"})
		h := <-asking.Messages()
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		for range 3 {
			p, err := s.table.Decide(h.Token, Verdict{Kind: Ack})
			if err != nil || !errors.Is(p.Wait(ended), ErrUnconfirmed) {
				t.Errorf("decided with %v", err)
			}
			if n := len(p.held.listeners); n != 0 {
				t.Errorf("%d wait", n)
			}
		}
		s.table.Settled(h.Message, nil)
		if err := settle(t, s.table, h.Token, Verdict{Kind: Ack}); err != nil {
			t.Error(err)
		}
	})
}

func TestTokensDiffer(t *testing.T) {
	var from tokens
	seen := map[string]bool{}
	for range 1000 {
		k := from.next()
		token := tokenOf(k)
		if back, is := keyOf(token); !is || back != k || seen[token] {
			t.Fatalf("%q was given out before, or is no token", token)
		}
		seen[token] = true
	}
}
