package transmitter_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"carrier/message"
	"carrier/publisher"
	"carrier/publisher/publishertest"
	"carrier/transmitter"
)

// forwarding returns a transmitter that forwards to q, and what closes it.
func forwarding(t *testing.T, q *publishertest.Memory, failures int) (transmitter.Transmitter, func()) {
	t.Helper()
	target := publisher.NewTarget(publisher.TargetOptions{Publisher: q, Most: 10, Calls: 2, Failures: failures})
	if err := target.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return transmitter.Forward(transmitter.ForwardOptions{Target: target, Name: "sqs:q", OriginalID: "First"}), func() {
		if err := target.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestWordOfTheQueueBecomesTheOutcome(t *testing.T) {
	broken := errors.New("throttled")
	for name, c := range map[string]struct {
		failure publishertest.Failure
		want    message.Outcome
	}{
		"stored":          {publishertest.Failure{}, message.Outcome{Verdict: message.Delivered, Code: "2xx"}},
		"not now":         {publishertest.Failure{Refusal: broken}, message.Outcome{Cause: message.Failed, Code: "error"}},
		"too large":       {publishertest.Failure{Refusal: broken, Why: publisher.TooLarge}, message.Outcome{Verdict: message.Rejected, Code: "error"}},
		"not kept":        {publishertest.Failure{Refusal: broken, Why: publisher.Unsupported}, message.Outcome{Verdict: message.Rejected, Code: "error"}},
		"nobody knows":    {publishertest.Failure{Lost: broken}, message.Outcome{Cause: message.Failed, Code: "error"}},
		"no answer known": {publishertest.Failure{Lost: context.DeadlineExceeded}, message.Outcome{Cause: message.Failed, Code: "timeout"}},
	} {
		t.Run(name, func(t *testing.T) {
			q := publishertest.NewMemory(publisher.Limits{})
			q.Fail(func(*message.Message) publishertest.Failure { return c.failure })
			f, done := forwarding(t, q, 5)
			defer done()
			o := f.Transmit(t.Context(), &message.Message{ID: "a", Body: []byte("x")})
			got := message.Outcome{Verdict: o.Verdict, Cause: o.Cause, Code: o.Code}
			if got != c.want || (o.Reason == "") != (c.want.Verdict == message.Delivered) {
				t.Errorf("outcome %+v, want %+v", o, c.want)
			}
		})
	}
}

func TestForwardedMessageKeepsWhatTheQueueHolds(t *testing.T) {
	q := publishertest.NewMemory(publisher.Limits{Binary: true})
	f, done := forwarding(t, q, 5)
	defer done()
	in := &message.Message{
		ID: "a", Body: []byte{0, 255}, ContentType: "text/plain", Trace: "Root=1", Group: "g",
		Attributes: []message.Attribute{{Name: "n", Value: "v"}}, BinaryAttributes: []message.Attribute{{Name: "b", Value: "\x00"}},
	}
	for range 2 { // the answer to the first may have been lost
		if o := f.Transmit(t.Context(), in); o.Verdict != message.Delivered {
			t.Fatalf("outcome %+v", o)
		}
	}
	stored := q.Messages()
	if len(stored) != 1 {
		t.Fatalf("%d messages stored, want one for one id", len(stored))
	}
	m := stored[0]
	if string(m.Body) != "\x00\xff" || m.ContentType != "text/plain" || m.Trace != "Root=1" || m.Group != "g" || m.Key != "a" ||
		m.Attributes[0].Value != "v" || m.BinaryAttributes[0].Value != "\x00" {
		t.Errorf("stored %+v", m)
	}
}

func TestNothingIsForwardedWhileTheQueueIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := publishertest.NewMemory(publisher.Limits{})
		away := true
		q.Fail(func(*message.Message) publishertest.Failure {
			if away {
				return publishertest.Failure{Refusal: errors.New("away")}
			}
			return publishertest.Failure{}
		})
		f, done := forwarding(t, q, 1)
		f.Transmit(t.Context(), &message.Message{ID: "a"})
		if o := f.Transmit(t.Context(), &message.Message{ID: "b"}); o.Verdict != message.Retry || o.Cause != message.Unreached || o.Code != "" {
			t.Errorf("outcome %+v, want one that was not tried", o)
		}
		began := time.Now()
		if n, err := f.Ready(t.Context(), 0); n != 1 || err != nil || time.Since(began) < time.Second/2 {
			t.Errorf("Ready = %d, %v after %v, want one probe after a while", n, err, time.Since(began))
		}
		away = false
		if o := f.Transmit(t.Context(), &message.Message{ID: "b"}); o.Verdict != message.Delivered {
			t.Errorf("outcome %+v of the probe", o)
		}
		if n, err := f.Ready(t.Context(), 100); n <= 100 || err != nil {
			t.Errorf("Ready = %d, %v when the queue is there again", n, err)
		}
		done()
	})
}

// The receiver has taken that id out of the attributes.
func TestForwardedDeadLetterKeepsTheIDItHadFirst(t *testing.T) {
	own := message.Attribute{Name: "own", Value: "v"}
	first := message.Attribute{Name: "First", Value: "m-1"}
	for name, c := range map[string]struct {
		room int
		m    *message.Message
		want []message.Attribute
	}{
		"it was none":       {10, &message.Message{Attributes: []message.Attribute{own}}, []message.Attribute{own}},
		"there is room":     {10, &message.Message{OriginalID: "m-1", Attributes: []message.Attribute{own}}, []message.Attribute{own, first}},
		"there is no room":  {1, &message.Message{OriginalID: "m-1", Attributes: []message.Attribute{own}}, []message.Attribute{own}},
		"it is still there": {10, &message.Message{OriginalID: "m-1", Attributes: []message.Attribute{first}}, []message.Attribute{first}},
	} {
		t.Run(name, func(t *testing.T) {
			q := publishertest.NewMemory(publisher.Limits{Attributes: c.room})
			f, done := forwarding(t, q, 5)
			defer done()
			c.m.ID = "m-2"
			if o := f.Transmit(t.Context(), c.m); o.Verdict != message.Delivered {
				t.Fatalf("%+v", o)
			}
			if got := q.Messages()[0].Attributes; !slices.Equal(got, c.want) {
				t.Errorf("attributes %v, want %v", got, c.want)
			}
		})
	}
}
