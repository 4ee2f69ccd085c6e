package confirmed

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// confirm claims a key that is not known and ends the claim with id.
func confirm(t *testing.T, k *Keys, key, body, id string) {
	t.Helper()
	known, c, err := k.Claim(t.Context(), key, []byte(body))
	if known != "" || err != nil {
		t.Fatalf("Claim = %q, %v, want a claim", known, err)
	}
	c.End(id)
}

func TestWhatWasConfirmedIsKnownForTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := New(time.Minute)
		confirm(t, k, "a", "body", "")
		confirm(t, k, "a", "body", "1")
		confirm(t, k, "b", "body", "2")
		confirm(t, k, "", "body", "3")
		confirm(t, k, "", "body", "4")
		time.Sleep(keep - time.Second)
		for name, c := range map[string]struct {
			key, body, id string
			err           error
		}{
			"known":             {"a", "body", "1", nil},
			"another key":       {"b", "body", "2", nil},
			"with another body": {"a", "", "", ErrReused},
		} {
			if id, _, err := k.Claim(t.Context(), c.key, []byte(c.body)); id != c.id || !errors.Is(err, c.err) {
				t.Errorf("%s: Claim = %q, %v, want %q, %v", name, id, err, c.id, c.err)
			}
		}
		time.Sleep(2 * time.Second)
		confirm(t, k, "a", "other", "5")
	})
}

func TestNoMoreKeysAreKnownThanThereIsRoomFor(t *testing.T) {
	k := New(time.Minute)
	for i := range limit + 1 {
		confirm(t, k, fmt.Sprint(i), "", "id")
	}
	confirm(t, k, "0", "", "another")
	if id, _, _ := k.Claim(t.Context(), "2", nil); id != "id" {
		t.Errorf("the id is %q, want that of a key that is not the oldest", id)
	}
	if n := len(k.open); n != 0 {
		t.Errorf("%d claims are open", n)
	}
}

func TestRepeatWaitsForTheMessageThatIsOnItsWay(t *testing.T) {
	for name, c := range map[string]struct {
		id     string // that the first ends with
		wait   time.Duration
		wanted string // the answer of the repeat
		err    error
	}{
		"it is confirmed":   {"1", time.Minute, "1", nil},
		"it is not":         {"", time.Minute, "", nil},
		"it takes too long": {"1", time.Second, "", context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := New(c.wait)
				_, first, _ := k.Claim(t.Context(), "a", nil)
				began := time.Now()
				time.AfterFunc(10*time.Second, func() { first.End(c.id) })
				id, again, err := k.Claim(t.Context(), "a", nil)
				if id != c.wanted || !errors.Is(err, c.err) || (again != nil) != (c.wanted == "" && c.err == nil) {
					t.Errorf("Claim = %q, %v, %v; want %q, %v", id, again, err, c.wanted, c.err)
				}
				if took := time.Since(began); took != min(c.wait, 10*time.Second) {
					t.Errorf("it waited %v", took)
				}
				again.End("")
				time.Sleep(time.Minute)
			})
		})
	}
}
