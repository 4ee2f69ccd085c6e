package share

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// schedules is how many schedules are tried; each is made from its number.
const schedules = 40

// user takes places of m one after the other until ctx ends, and holds each for as long as hold
// says. It counts what it got.
func user(ctx context.Context, m *Member, hold func() time.Duration, got *atomic.Int64) {
	for m.Acquire(ctx) {
		got.Add(1)
		time.Sleep(hold())
		m.Release()
		if ctx.Err() != nil {
			return
		}
	}
}

// during runs users in a bubble for a time, checks that they end, and that all places are free then.
func during(t *testing.T, limit int, span time.Duration, p *Pool, users func(ctx context.Context)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	users(ctx)
	time.Sleep(span + time.Hour)
	synctest.Wait()
	if p.idle != limit {
		t.Errorf("%d of %d places are free at the end", p.idle, limit)
	}
	for i, m := range p.members {
		if m.held != 0 || len(m.waiters) != 0 {
			t.Errorf("at the end member %d has %d places and waits for %d", i, m.held, len(m.waiters))
		}
	}
}

func TestPlacesGoByWeight(t *testing.T) {
	for n := range uint64(schedules) {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(n, n))
				limit := 1 + r.IntN(20)
				p := New(limit)
				weights := make([]int, 2+r.IntN(5))
				got := make([]atomic.Int64, len(weights))
				total := 0
				during(t, limit, 3*time.Minute, p, func(ctx context.Context) {
					for i := range weights {
						weights[i] = 1 + r.IntN(5)
						total += weights[i]
						m := p.Member(weights[i])
						for range limit + 1 { // one waits always
							go user(ctx, m, func() time.Duration { return time.Duration(100+rand.IntN(100)) * time.Millisecond }, &got[i])
						}
					}
				})
				all := int64(0)
				for i := range got {
					all += got[i].Load()
				}
				for i, w := range weights {
					want := float64(all) * float64(w) / float64(total)
					if share := float64(got[i].Load()) / want; share < 0.9 || share > 1.1 {
						t.Errorf("weight %d of %v got %d of %d places, want about %.0f", w, weights, got[i].Load(), all, want)
					}
				}
			})
		})
	}
}

// Users come, go and give up as they like.
func TestNoPlaceIsLostAndNoneGivenTwice(t *testing.T) {
	for n := range uint64(schedules) {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(n, n))
				limit := 1 + r.IntN(6)
				p := New(limit)
				var held atomic.Int64
				during(t, limit, time.Minute, p, func(ctx context.Context) {
					for range 1 + r.IntN(5) {
						m := p.Member(r.IntN(4))
						for range 1 + r.IntN(8) {
							go func() {
								for ctx.Err() == nil {
									impatient, cancel := context.WithTimeout(ctx, time.Duration(rand.IntN(50))*time.Millisecond)
									if m.Acquire(impatient) {
										if now := held.Add(1); now > int64(limit) {
											t.Errorf("%d places of %d are taken", now, limit)
										}
										time.Sleep(time.Duration(rand.IntN(50)) * time.Millisecond)
										held.Add(-1)
										m.Release()
									}
									cancel()
									time.Sleep(time.Duration(rand.IntN(50)) * time.Millisecond)
								}
							}()
						}
					}
				})
			})
		})
	}
}

func TestWithoutAWeightAPlaceIsForWhenNobodyElseWantsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(2)
		weighted, none := p.Member(1), p.Member(0)
		var first, second atomic.Int64
		second100 := func() time.Duration { return 100 * time.Millisecond }
		during(t, 2, time.Minute, p, func(ctx context.Context) {
			busy, idle := context.WithTimeout(ctx, 30*time.Second)
			t.Cleanup(idle)
			for range 4 { // two wait also while both places come back at one moment
				go user(busy, weighted, second100, &first)
			}
			synctest.Wait()
			for range 3 {
				go user(ctx, none, second100, &second)
			}
			time.Sleep(29 * time.Second)
			if n := second.Load(); n != 0 {
				t.Errorf("it got %d places while others waited", n)
			}
		})
		if a, b := first.Load(), second.Load(); a < 590 || b < 590 {
			t.Errorf("they got %d and %d places, want about 600 each, one after the other", a, b)
		}
	})
}

// What a member did not use while it was idle is not owed to it.
func TestAMemberThatWasIdleDoesNotTakeAllPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(1)
		busy, idle := p.Member(1), p.Member(1)
		var first, second atomic.Int64
		hold := func() time.Duration { return 100 * time.Millisecond }
		during(t, 1, 70*time.Second, p, func(ctx context.Context) {
			for range 2 {
				go user(ctx, busy, hold, &first)
			}
			time.Sleep(time.Minute)
			before := first.Load()
			for range 2 {
				go user(ctx, idle, hold, &second)
			}
			time.Sleep(5 * time.Second)
			if a, b := first.Load()-before, second.Load(); a < 24 || b < 24 {
				t.Errorf("they got %d and %d of 50 places, want half each", a, b)
			}
		})
	})
}

func TestOnFreeIsToldOfEveryRelease(t *testing.T) {
	p := New(1)
	a, b := p.Member(1), p.Member(0)
	told := 0
	b.OnFree(func() { told++; _ = b.Free() })
	for range 3 {
		if !a.Acquire(t.Context()) || a.Free() || a.Held() != 1 {
			t.Fatalf("free: %v, held: %d", a.Free(), a.Held())
		}
		a.Release()
	}
	if told != 3 || !a.Free() {
		t.Errorf("told %d times of 3", told)
	}
}

func TestANilMemberSetsNoLimit(t *testing.T) {
	var m *Member
	m.OnFree(func() { t.Error("told") })
	for range 3 {
		if !m.Acquire(t.Context()) || !m.Free() || m.Held() != 0 {
			t.Error("it does")
		}
	}
	m.Release()
}
