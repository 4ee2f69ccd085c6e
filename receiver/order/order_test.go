package order

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestGuardKeepsTheLatestGroups(t *testing.T) {
	g := NewGuard(2, nil)
	for i := range 5 {
		g.ExpectFirst(fmt.Sprint(i), "x", time.Now().Add(time.Hour), 0)
	}
	if n := g.byKey.Len(); n > 2 {
		t.Errorf("%d groups", n)
	}
}

func TestWhatWasGivenBackComesInItsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGuard(10, nil)
		for _, id := range []string{"3", "2", "1"} { // last one first
			g.ExpectFirst("g", id, time.Now().Add(time.Second), time.Minute)
		}
		if delay, wait := g.Pass("g", "2", time.Minute); !wait || delay != time.Second {
			t.Errorf("before it is due: %v, %v", delay, wait)
		}
		if _, wait := g.Pass("h", "9", time.Minute); wait {
			t.Error("another group waits")
		}
		time.Sleep(time.Second)
		var passed []string
		for _, id := range []string{"3", "2", "1", "3", "2", "4", "3", "4"} {
			if _, wait := g.Pass("g", id, time.Minute); !wait {
				passed = append(passed, id)
			}
		}
		if got := strings.Join(passed, " "); got != "1 2 3 4" {
			t.Errorf("passed %s", got)
		}
	})
}

func TestWhatDoesNotComeAgainIsWaitedForNoLongerThanTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGuard(10, nil)
		g.ExpectFirst("g", "1", time.Now(), time.Minute)
		for n := range maxReturns {
			if delay, wait := g.Pass("g", "2", time.Minute); !wait || delay != 0 {
				t.Errorf("return %d: %v, %v", n, delay, wait)
			}
		}
		if delay, wait := g.Pass("g", "2", time.Minute); !wait || delay != time.Minute {
			t.Errorf("after %d returns: %v, %v", maxReturns, delay, wait)
		}
		time.Sleep(time.Minute)
		if _, wait := g.Pass("g", "2", time.Minute); wait {
			t.Error("it waits on")
		}
	})
}

// The emulator puts what was given back behind all the others.
func TestAllThatWasGivenBackComesInItsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGuard(10, nil)
		for _, id := range []string{"2", "1", "0"} {
			g.ExpectFirst("k", id, time.Now(), time.Minute)
		}
		queue, passed := []string{"3", "4", "1", "2", "0"}, []string{}
		for range 50 {
			if len(queue) == 0 {
				break
			}
			id := queue[0]
			queue = queue[1:]
			if delay, wait := g.Pass("k", id, time.Minute); wait {
				queue = append(queue, id)
				if delay != 0 {
					t.Errorf("%s is kept back for %v", id, delay)
				}
				continue
			}
			passed = append(passed, id)
		}
		if got := strings.Join(passed, ""); got != "01234" || g.byKey.Len() != 0 {
			t.Errorf("passed %q, want 01234; %d keys are left", got, 0)
		}
	})
}

func TestGroupWhoseIdsHaveAnOrderComesInIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGuard(10, strings.Compare)
		for _, id := range []string{"3", "2", "1", "5", "4"} { // the last two had been handed out too early
			g.ExpectFirst("k", id, time.Now(), time.Minute)
		}
		for _, id := range []string{"1", "2", "3", "4", "5"} {
			for _, later := range []string{"6", "5", "4", "3", "2"} {
				if later <= id {
					break
				}
				if _, wait := g.Pass("k", later, time.Minute); !wait {
					t.Errorf("%s passed before %s", later, id)
				}
			}
			if _, wait := g.Pass("k", id, time.Minute); wait {
				t.Errorf("%s has to wait", id)
			}
		}
	})
}
