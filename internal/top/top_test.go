package top

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"carrier/internal/route/state"
)

func look(at time.Time, routes ...state.Route) Look {
	return Look{State: state.Process{Version: "1.2", Routes: routes}, At: at}
}

func TestEachRouteHasALineAndItsTroubles(t *testing.T) {
	at := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	mail := state.Route{Name: "mail", Receiver: "sqs", Source: "mails", State: "up", InFlight: 3, Limit: 10, Received: 100, Settled: map[string]int64{"delivered": 90}}
	later := mail
	later.Received, later.Settled, later.State = 120, map[string]int64{"delivered": 100, "failed": 4, "rejected": 7}, "down"
	later.OldestSeconds, later.Queued, later.DeadLetters = 90, 12, 5
	later.Reasons = []string{"worker offline"}
	later.Endpoints = []state.Endpoint{{URL: "http://a/", Breaker: "closed"}, {URL: "http://b/", Breaker: "half-open"}}
	got := strings.Join(Lines(look(at, mail), look(at.Add(2*time.Second), later), 0), "\n")
	for what, want := range map[string]string{
		"the version and the time": "carrier 1.2, 12:00:02", "in flight of limit": "3/10", "received": "120 10.0/s", "delivered": "100 5.0/s",
		"failed": "4 2.0/s", "the age": "1m30s", "the source": "sqs mails", "the reason": "mail: not ready: worker offline",
		"the breaker": "mail: breaker half-open: http://b/",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s, %q, in\n%s", what, want, got)
		}
	}
	if strings.Contains(got, "http://a/") {
		t.Errorf("an endpoint with nothing to say in\n%s", got)
	}
}

func TestRatesNeedAnEarlierLookAtTheSameCarrier(t *testing.T) {
	at := time.Now()
	now := look(at, state.Route{Name: "mail", Received: 10})
	for name, before := range map[string]Look{
		"none":                {},
		"of another route":    look(at.Add(-time.Second), state.Route{Name: "orders", Received: 5}),
		"before a restart":    look(at.Add(-time.Second), state.Route{Name: "mail", Received: 500}),
		"of the same instant": look(at, state.Route{Name: "mail", Received: 5}),
	} {
		if got := strings.Join(Lines(before, now, 0), "\n"); strings.Contains(got, "10 ") && strings.Contains(got, "10 1") {
			t.Errorf("%s: a rate in\n%s", name, got)
		}
	}
}

func TestNoTextMovesTheCursor(t *testing.T) {
	hostile := "a\x1b[2J\r\nb\tc\u202e"
	lines := Lines(Look{}, look(time.Now(), state.Route{
		Name: hostile, Receiver: "sqs", Source: hostile, State: hostile, Reasons: []string{hostile}, Endpoints: []state.Endpoint{{URL: hostile, Breaker: hostile}},
	}), 0)
	if len(lines) != 6 {
		t.Errorf("%d lines:\n%q", len(lines), lines)
	}
	for _, line := range lines {
		if strings.ContainsAny(line, "\x1b\r\n\t\u202e") {
			t.Errorf("%q", line)
		}
	}
}

func TestLinesAreAsLongAsTheTerminalIsWide(t *testing.T) {
	for _, line := range Lines(Look{}, look(time.Now(), state.Route{Name: strings.Repeat("ä", 100)}), 40) {
		if n := len([]rune(line)); n > 40 {
			t.Errorf("%d characters: %s", n, line)
		}
	}
}

// TestScreenGoesOnWhenCarrierDoesNotAnswer draws at each look, says what is wrong with one, and ends with
// its context.
func TestScreenGoesOnWhenCarrierDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var screens bytes.Buffer
		looks := 0
		err := keepLooking(ctx, &screens, look(time.Now(), state.Route{Name: "mail", Received: 1}), func(context.Context) (Look, error) {
			looks++
			switch looks {
			case 1:
				return Look{}, errors.New("gone\x1b[2J")
			case 2:
				return look(time.Now(), state.Route{Name: "mail", Received: 21}), nil
			default:
				cancel()
				return Look{}, ctx.Err()
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(screens.String(), cursorHome)[1:]
		if len(parts) != 4 || !strings.HasPrefix(parts[0], "\x1b[2J") {
			t.Fatalf("%d screens: %q", len(parts), parts)
		}
		if !strings.Contains(parts[1], "gone?[2J") || strings.Contains(parts[2], "gone") || !strings.Contains(parts[2], "21 5.0/s") {
			t.Errorf("%q", parts)
		}
	})
}

func TestWithoutATerminalItIsShownOnce(t *testing.T) {
	var text bytes.Buffer
	again := func(context.Context) (Look, error) { return look(time.Now(), state.Route{Name: "mail"}), nil }
	if err := Show(t.Context(), &text, false, again); err != nil || strings.Count(text.String(), "mail") != 1 || strings.Contains(text.String(), "\x1b") {
		t.Errorf("%v, %q", err, text.String())
	}
	if err := Show(t.Context(), &text, true, func(context.Context) (Look, error) { return Look{}, errors.New("gone") }); err == nil {
		t.Error("a carrier that does not answer is no error")
	}
}
