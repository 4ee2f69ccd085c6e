package receiver

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"carrier/message"
)

func TestDeadLetterSaysWhatBecameOfTheMessage(t *testing.T) {
	first := time.Date(2026, 11, 28, 9, 0, 0, 5e8, time.FixedZone("east", 3600))
	attempted := first.Add(time.Minute)
	cases := map[string]struct {
		m    *message.Message
		o    message.Outcome
		want []string
	}{
		"everything is known": {
			&message.Message{ID: "m-1", ReceiveCount: 5, Deferrals: 2, FirstReceived: first},
			message.Outcome{Status: 422, Reason: "no", Endpoint: "http://worker/hook", Attempted: attempted},
			[]string{
				"Carrier.MessageId m-1", "Carrier.Reason no", "Carrier.Status 422", "Carrier.Attempts 3",
				"Carrier.Endpoint http://worker/hook", "Carrier.FirstReceived 2026-11-28T08:00:00Z", "Carrier.LastAttempt 2026-11-28T08:01:00Z",
			},
		},
		"it was not tried": {
			&message.Message{ID: "m-1", ReceiveCount: 1, FirstReceived: first}, message.Outcome{Reason: "older than 1h0m0s"},
			[]string{
				"Carrier.MessageId m-1", "Carrier.Reason older than 1h0m0s", "Carrier.Status 0", "Carrier.Attempts 0",
				"Carrier.FirstReceived 2026-11-28T08:00:00Z",
			},
		},
		"it was a dead letter before": {
			&message.Message{ID: "m-2", OriginalID: "m-1", ReceiveCount: 1}, message.Outcome{Attempted: attempted},
			[]string{
				"Carrier.MessageId m-1", "Carrier.Reason rejected", "Carrier.Status 0", "Carrier.Attempts 1",
				"Carrier.LastAttempt 2026-11-28T08:01:00Z",
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, a := range DeadLetterAttributes(c.m, c.o) {
				got = append(got, a.Name+" "+a.Value)
				if !IsDeadLetterAttribute(a.Name) {
					t.Errorf("%s is not known again", a.Name)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("attributes = %q, want %q", got, c.want)
			}
		})
	}
}

func TestDeadLetterValuesAreWhatSourcesTake(t *testing.T) {
	for reason, want := range map[string]string{
		"a\xffb":                       "a?b",
		"a\x00\ufffeb\n":               "a??b?",
		strings.Repeat("ü", 600):       strings.Repeat("ü", 512),
		"a" + strings.Repeat("ü", 600): "a" + strings.Repeat("ü", 511),
	} {
		got := DeadLetterAttributes(&message.Message{}, message.Outcome{Reason: reason})[0].Value
		if got != want || !utf8.ValidString(got) {
			t.Errorf("%q becomes %q, want %q", reason, got, want)
		}
	}
}

func TestDeadLetterIsSentOnceAndThenRemoved(t *testing.T) {
	var (
		d       DeadLetter
		calls   []string
		cut     = errors.New("cut")
		results = []error{cut, nil, cut, ErrLeaseLost, nil}
	)
	step := func(name string) func() error {
		return func() error {
			err := results[0]
			results = results[1:]
			calls = append(calls, fmt.Sprint(name, " ", err))
			return err
		}
	}
	if err := d.Settle(step("send"), step("remove")); !errors.Is(err, cut) || errors.Is(err, ErrNotRemoved) {
		t.Errorf("unsent: %v", err)
	}
	if err := d.Settle(step("send"), step("remove")); !errors.Is(err, cut) || !errors.Is(err, ErrNotRemoved) {
		t.Errorf("sent and not removed: %v", err)
	}
	if err := d.Settle(step("send"), step("remove")); !errors.Is(err, ErrLeaseLost) || !errors.Is(err, ErrNotRemoved) {
		t.Errorf("sent, and the lease is lost: %v", err)
	}
	if err := d.Settle(step("send"), step("remove")); err != nil {
		t.Errorf("removed: %v", err)
	}
	want := []string{"send cut", "send <nil>", "remove cut", "remove lease lost", "remove <nil>"}
	if !slices.Equal(calls, want) {
		t.Errorf("calls = %q, want %q", calls, want)
	}
}

func TestDeadLetterThatIsRefusedGoesWithoutItsReason(t *testing.T) {
	for name, c := range map[string]struct {
		class Class
		sends int
	}{
		"too large":  {Invalid, 2},
		"throttled":  {Throttled, 1},
		"it is sent": {"", 1},
	} {
		t.Run(name, func(t *testing.T) {
			sends, warnings := 0, 0
			err := SendDeadLetter([]message.Attribute{{Name: "a", Value: "b"}}, func(a []message.Attribute) error {
				if sends++; len(a) > 0 && c.class != "" {
					return &Error{Operation: "send", Class: c.class, Err: errors.New("no")}
				}
				return nil
			}, func(string, error) { warnings++ })
			if sends != c.sends || warnings != c.sends-1 || (err == nil) != (c.class != Throttled) {
				t.Errorf("%d sends, %d warnings, %v", sends, warnings, err)
			}
		})
	}
}
