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
	"carrier/publisher"
	"carrier/publisher/publishertest"
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

// deadLettersTo returns where dead letters go, and what was warned about.
func deadLettersTo(p publisher.Publisher) (d DeadLetters, warnings *[]string) {
	warnings = new([]string)
	return DeadLetters{
		To: p, Reserved: func(name string) bool { return strings.HasPrefix(name, "goog") },
		Warn: func(messageID, text string, err error) {
			*warnings = append(*warnings, fmt.Sprint(messageID, ": ", text, ": ", err))
		},
	}, warnings
}

func TestDeadLetterKeepsWhatTheMessageWas(t *testing.T) {
	p := publishertest.NewMemory(publisher.Limits{Binary: true})
	d, _ := deadLettersTo(p)
	m := &message.Message{
		ID: "m-2", OriginalID: "m-1", Body: []byte("b"), ContentType: "text/plain", Trace: "t", Group: "g", ReceiveCount: 1,
		Attributes:       []message.Attribute{{Name: "own", Value: "v", Type: "String.x"}, {Name: "Carrier.Reason", Value: "old"}, {Name: "googleid", Value: "v"}},
		BinaryAttributes: []message.Attribute{{Name: "blob", Value: "\x00"}},
	}
	for range 2 { // the second is dropped by its key
		if err := d.Send(t.Context(), m, message.Outcome{Reason: "no", Status: 422}); err != nil {
			t.Fatal(err)
		}
	}
	stored := p.Messages()
	if len(stored) != 1 {
		t.Fatalf("%d dead letters", len(stored))
	}
	got := stored[0]
	if string(got.Body) != "b" || got.ContentType != "text/plain" || got.Trace != "t" || got.Group != "g" || len(got.BinaryAttributes) != 1 {
		t.Errorf("dead letter = %+v", got)
	}
	want := []message.Attribute{
		{Name: "own", Value: "v", Type: "String.x"}, {Name: "Carrier.MessageId", Value: "m-1"}, {Name: "Carrier.Reason", Value: "no"},
		{Name: "Carrier.Status", Value: "422", Type: "Number"}, {Name: "Carrier.Attempts", Value: "1", Type: "Number"},
	}
	if !slices.Equal(got.Attributes, want) {
		t.Errorf("attributes = %v, want %v", got.Attributes, want)
	}
}

func TestReasonTakesOnlyTheRoomThereIs(t *testing.T) {
	for own, want := range map[int]string{0: "MessageId Reason Status Attempts", 7: "MessageId Reason Status", 9: "MessageId", 10: ""} {
		p := publishertest.NewMemory(publisher.Limits{})
		d, _ := deadLettersTo(p)
		m := &message.Message{ID: "m-1"}
		for i := range own {
			m.Attributes = append(m.Attributes, message.Attribute{Name: fmt.Sprint("a", i), Value: "v"})
		}
		if err := d.Send(t.Context(), m, message.Outcome{}); err != nil {
			t.Fatal(err)
		}
		var ours []string
		for _, a := range p.Messages()[0].Attributes[own:] {
			ours = append(ours, strings.TrimPrefix(a.Name, "Carrier."))
		}
		if got := strings.Join(ours, " "); got != want {
			t.Errorf("with %d of its own: %s, want %s", own, got, want)
		}
	}
}

func TestDeadLetterThatIsRefusedGoesWithoutItsReason(t *testing.T) {
	for name, c := range map[string]struct {
		why   publisher.Why
		sends int
		class Class // empty where it is stored in the end
	}{
		"too large": {publisher.TooLarge, 2, ""},
		"throttled": {publisher.NotNow, 1, Throttled},
	} {
		t.Run(name, func(t *testing.T) {
			p := publishertest.NewMemory(publisher.Limits{})
			d, warnings := deadLettersTo(p)
			sends := 0
			p.Fail(func(m *message.Message) publishertest.Failure {
				if sends++; len(m.Attributes) < 2 {
					return publishertest.Failure{}
				}
				return publishertest.Failure{Refusal: &Error{Operation: "send", Class: Throttled, Err: errors.New("no")}, Why: c.why}
			})
			err := d.Send(t.Context(), &message.Message{ID: "m-2", OriginalID: "m-1"}, message.Outcome{})
			if sends != c.sends || len(*warnings) != c.sends-1 || (err == nil) != (c.class == "") || err != nil && ClassOf(err) != c.class {
				t.Errorf("%d sends, warnings %q, %v", sends, *warnings, err)
			}
			if err == nil && !slices.Equal(p.Messages()[0].Attributes, []message.Attribute{{Name: "Carrier.MessageId", Value: "m-1"}}) {
				t.Errorf("attributes = %v, want the id it had first", p.Messages()[0].Attributes)
			}
		})
	}
}

// A dead letter that breaks a rule of its queue, which then was not asked, is Invalid all the same.
func TestDeadLetterThatNobodyTakesIsInvalid(t *testing.T) {
	d, _ := deadLettersTo(publishertest.NewMemory(publisher.Limits{Bytes: 10}))
	err := d.Send(t.Context(), &message.Message{ID: "m", Body: make([]byte, 11)}, message.Outcome{})
	if ClassOf(err) != Invalid || !publisher.IsPermanent(err) {
		t.Errorf("Send = %v of class %s", err, ClassOf(err))
	}
}
