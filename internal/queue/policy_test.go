package queue

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// said keeps what a subscription warns of.
type said struct {
	mu  sync.Mutex
	all []string
}

func (s *said) warn(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, text)
}

func (s *said) count(part string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range s.all {
		if strings.Contains(text, part) {
			n++
		}
	}
	return n
}

// TestFullSubscription maps what is to happen to what is due afterwards, for a subscription of at
// most three messages that gets five, two of them after one is in flight and another was given back.
func TestFullSubscription(t *testing.T) {
	for name, c := range map[string]struct {
		full    Eviction
		dead    DeadFull
		maxDead int
		due     string
		refused int
		letters int
	}{
		"refuses":                                               {full: Refuse, due: "3", refused: 2},
		"drops the oldest that is not in flight":                {full: DropThem, due: "4 5"},
		"makes dead letters of them":                            {full: DeadLetterThem, due: "4 5", letters: 2},
		"refuses where there is no room for dead letters":       {full: DeadLetterThem, maxDead: 1, due: "3 4", refused: 1, letters: 1},
		"makes dead letters where the oldest of them make room": {full: DeadLetterThem, maxDead: 1, dead: DropOldest, due: "4 5", letters: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var warned said
				q := open(t, Options{MaxDeadMessages: c.maxDead, DeadFull: c.dead, Subscriptions: []SubscriptionOptions{
					{Name: "a", MaxMessages: 3, Full: c.full, Warn: warned.warn, Lease: time.Hour}, {Name: "b"},
				}})
				a := q.Subscription(0)
				q.putAll(t, "", "1 2 3")
				inFlight := takeNOf(t, a, 1)
				if err := takeNOf(t, a, 1)[0].GiveBack(t.Context(), Retry{Delay: time.Hour, Failed: true}); err != nil {
					t.Fatal(err)
				}
				refused := 0
				for _, body := range []string{"4", "5"} {
					if _, err := q.Put(t.Context(), Entry{Body: []byte(body)}); errors.Is(err, ErrFull) && strings.Contains(err.Error(), "subscription a") {
						refused++
					} else if err != nil {
						t.Fatal(err)
					}
				}
				if got := a.Counts(); got.Messages != 3 || got.DeadMessages != c.letters || refused != c.refused {
					t.Errorf("counts = %+v, %d refused; want 3 messages, %d dead letters, %d refused", got, refused, c.letters, c.refused)
				}
				if got := q.Subscription(1).Counts(); got.Messages != 5-c.refused || got.Evicted != 0 {
					t.Errorf("the other one has %+v, want all that was stored", got)
				}
				wantDueOf(t, a, c.due)
				q.remove(t, inFlight...)
				time.Sleep(time.Minute)
				synctest.Wait()
				if got := warned.count("subscription a is full"); got > 1 || got == 0 && c.refused < 2 {
					t.Errorf("told of what was taken away %d times: %q", got, warned.all)
				}
				_ = q.Close()
			})
		})
	}
}

func TestFullFileMakesRoomWhereMostWaits(t *testing.T) {
	q := open(t, Options{MaxMessages: 4, Subscriptions: []SubscriptionOptions{{Name: "dead", Full: DropThem}, {Name: "good"}}})
	q.putAll(t, "", "1 2 3 4")
	q.remove(t, takeNOf(t, q.Subscription(1), 4)...)
	q.putAll(t, "", "5 6")
	q.wantUsage(t, 4, 4)
	wantDueOf(t, q.Subscription(0), "3 4 5 6")
	wantDueOf(t, q.Subscription(1), "5 6")
	if _, err := q.Put(t.Context(), Entry{Body: []byte("7")}); !errors.Is(err, ErrFull) {
		t.Errorf("Put while all is in flight = %v, want ErrFull", err)
	}
}

func TestNearlyFullIsToldOnChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var warned said
		q := open(t, Options{Subscriptions: []SubscriptionOptions{{Name: "a", MaxMessages: 10, Warn: warned.warn}}})
		for range 2 {
			for range 8 {
				q.putAll(t, "", "x")
				time.Sleep(time.Second)
			}
			batch := q.takeN(t, 8)
			for _, d := range batch {
				q.remove(t, d)
				time.Sleep(time.Second)
			}
		}
		if warned.count("80 %") != 2 || warned.count("room again") != 2 {
			t.Errorf("said %q", warned.all)
		}
		_ = q.Close()
	})
}

// TestOfflineSubscription: after the limit without a success what it has is taken away, what is in
// flight stays, nothing is stored for it until it is online, and each change is told once.
func TestOfflineSubscription(t *testing.T) {
	for name, c := range map[string]struct {
		action  Eviction
		letters int
	}{"dead-letters": {Refuse, 5}, "drops": {DropThem, 0}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var warned said
				q := open(t, Options{Subscriptions: []SubscriptionOptions{
					{Name: "a", OfflineLimit: time.Hour, OfflineAction: c.action, Warn: warned.warn, Lease: 24 * time.Hour}, {Name: "b"},
				}})
				a := q.Subscription(0)
				q.remove(t, func() []*Delivery { q.putAll(t, "", "0"); return takeNOf(t, a, 1) }()...)
				time.Sleep(3 * time.Hour) // nothing is due
				q.putAll(t, "", "1 2 3")
				q.putAll(t, "g", "4 5 6")
				time.Sleep(50 * time.Minute)
				q.remove(t, takeNOf(t, a, 1)...) // a success
				inFlight := takeNOf(t, a, 1)
				if err := takeNOf(t, a, 1)[0].GiveBack(t.Context(), Retry{Delay: 10 * time.Hour, Failed: true}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(50 * time.Minute)
				if a.Counts().Offline {
					t.Fatal("it is offline 50 minutes after a success")
				}
				q.mustPut(t, Entry{Body: []byte("7"), To: to(0)})
				time.Sleep(11 * time.Minute)
				synctest.Wait()
				if got := a.Counts(); !got.Offline || got.Messages != 1 || got.InFlight != 1 || got.DeadMessages != c.letters || got.Evicted != 5 || got.EvictedDead != uint64(c.letters) {
					t.Errorf("counts = %+v, want one in flight and %d dead letters", got, c.letters)
				}
				_, err := q.Put(t.Context(), Entry{Body: []byte("8"), To: to(0)})
				wantErr(t, "Put for it alone", err, ErrOffline)
				wantErr(t, "HasRoom for it alone", q.HasRoom(1, to(0)), ErrOffline)
				q.putAll(t, "", "9") // b gets it
				q.remove(t, inFlight...)
				a.Online()
				a.Online()
				q.putAll(t, "", "10")
				wantDueOf(t, a, "10")
				if warned.count("is offline") != 1 || warned.count("is online again") != 1 || len(warned.all) != 2 {
					t.Errorf("said %q", warned.all)
				}
				_ = q.Close()
			})
		})
	}
}

func TestRestartFindsAnOfflineSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := Options{Subscriptions: []SubscriptionOptions{{Name: "a", OfflineLimit: time.Minute}}}
		q := open(t, o)
		q.putAll(t, "", "1")
		time.Sleep(2 * time.Minute)
		_, err := q.Put(t.Context(), Entry{Body: []byte("2")})
		wantErr(t, "Put", err, ErrOffline)
		q = reopen(t, q, o)
		q.putAll(t, "", "3")
		wantDueOf(t, q.Subscription(0), "3")
		_ = q.Close()
	})
}

func TestManyAreTakenAwayInBoundedCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, Options{Subscriptions: []SubscriptionOptions{
			{Name: "a", OfflineLimit: time.Minute, OfflineAction: DropThem, Lease: time.Hour},
		}})
		var wg sync.WaitGroup
		const most = 5000 // more than one commit takes away
		for i := range most {
			wg.Go(func() { q.mustPut(t, Entry{Body: []byte("x"), Group: fmt.Sprint("g", i%3)}) })
		}
		wg.Wait()
		q.takeN(t, 1) // holds up its group
		time.Sleep(63 * time.Second)
		synctest.Wait()
		if got := q.Counts(); got.Messages != 1 || got.InFlight != 1 || got.Evicted != most-1 {
			t.Errorf("counts = %+v, want the one in flight", got)
		}
		_ = q.Close()
	})
}
