package receiver

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"carrier/message"
)

func TestWholeSecondsAreRoundedUpAndBounded(t *testing.T) {
	for d, want := range map[time.Duration]int32{
		-time.Hour: 0, 0: 0, 1: 1, time.Second: 1, 1001 * time.Millisecond: 2, time.Minute: 60, 1 << 62: 60,
	} {
		if got := WholeSeconds(d, time.Minute); got != want {
			t.Errorf("WholeSeconds(%v) = %d, want %d", d, got, want)
		}
	}
}

func TestReceiptIsTheReceiversOwn(t *testing.T) {
	type receipt struct{ handle string }
	m := &message.Message{Receipt: &receipt{"h"}}
	if got := ReceiptOf[receipt](m).handle; got != "h" {
		t.Errorf("handle = %q, want h", got)
	}
	if got := ReceiptOf[receipt](&message.Message{Receipt: 7}).handle; got != "" {
		t.Errorf("handle of another's message = %q, want none", got)
	}
}

// A tally counts what an Observer is told of.
type tally struct {
	NoObserver
	calls, errors int
}

func (c *tally) SourceCall(string)         { c.calls++ }
func (c *tally) SourceError(string, Class) { c.errors++ }

func TestACallIsLimitedCountedAndSorted(t *testing.T) {
	cut := errors.New("cut")
	cases := map[string]struct {
		limit   time.Duration // of the caller
		request func(context.Context) (int, error)
		want    error
		errors  int
	}{
		"it succeeds":     {time.Hour, func(context.Context) (int, error) { return 1, nil }, nil, 0},
		"it fails":        {time.Hour, func(context.Context) (int, error) { return 0, cut }, cut, 1},
		"it takes long":   {time.Hour, hang, context.DeadlineExceeded, 1},
		"its caller left": {time.Second, hang, context.DeadlineExceeded, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				seen := &tally{}
				ctx, cancel := context.WithTimeout(t.Context(), c.limit)
				defer cancel()
				_, err := Do(ctx, Call{Operation: "op", Timeout: time.Minute, Observer: seen, Sort: func(operation string, err error) *Error {
					return &Error{Operation: operation, Class: Network, Err: err}
				}}, c.request)
				if !errors.Is(err, c.want) || seen.calls != 1 || seen.errors != c.errors || (ClassOf(err) == Network) != (c.errors == 1) {
					t.Errorf("error %v, %d calls, %d errors; want %v, 1, %d", err, seen.calls, seen.errors, c.want, c.errors)
				}
			})
		})
	}
}

func hang(ctx context.Context) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

func TestWhatIsGivenBackGoesLastOneFirst(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var back []string
	GiveBack(ctx, []Unwanted{{Handle: "a"}, {}, {Handle: "b"}, {Handle: "c"}}, time.Minute, func(ctx context.Context, u Unwanted) error {
		if ctx.Err() != nil {
			t.Errorf("%s: %v", u.Handle, ctx.Err())
		}
		back = append(back, u.Handle)
		return errors.New("cut")
	})
	if want := []string{"c", "b", "a"}; !slices.Equal(back, want) {
		t.Errorf("given back: %q, want %q", back, want)
	}
}
