package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"carrier/dispatch"
	"carrier/message"
	"carrier/receiver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func facts() []receiver.Fact {
	return []receiver.Fact{{Name: "queue", Value: "https://sqs/q"}, {Name: "lease", Value: 30 * time.Second}, {Name: "messages", Value: 7}}
}

// logged returns the lines that events leave at level.
func logged(t *testing.T, level string, events ...dispatch.Event) []map[string]any {
	t.Helper()
	var out bytes.Buffer
	a := New(NewLogger(&out, level, false), facts)
	for _, e := range events {
		a.Observe(e)
	}
	return parsed(t, &out)
}

func parsed(t *testing.T, out *bytes.Buffer) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for text := range strings.Lines(out.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%q is no JSON: %v", text, err)
		}
		if _, err := time.Parse(time.RFC3339, fmt.Sprint(line["time"])); err != nil {
			t.Errorf("time: %v", err)
		}
		lines = append(lines, line)
	}
	return lines
}

func sample() *message.Message {
	return &message.Message{
		ID: "m-1", Body: []byte("hunter2"), ContentType: "hunter2", Trace: "hunter2", Group: "hunter2",
		Attributes: []message.Attribute{{Name: "hunter2", Value: "hunter2"}}, ReceiveCount: 3, Deferrals: 2,
		Request: &message.Request{Path: "/hunter2", Query: "hunter2", Header: http.Header{"A": {"hunter2"}}}, Receipt: "hunter2",
	}
}

func of(kind dispatch.Kind, o message.Outcome, err error) dispatch.Event {
	return dispatch.Event{Kind: kind, Message: sample(), Outcome: o, Err: err}
}

// again is the settlement of a message that failed before so many times, or, where it has not, was a
// dead letter.
func again(o message.Outcome, failures int, redriveTo string) dispatch.Event {
	e := of(dispatch.Settled, o, nil)
	e.Message.ReceiveCount, e.Message.Deferrals, e.Message.RedriveTo = failures+1, 0, redriveTo
	if failures == 0 {
		e.Message.OriginalID = "m-0"
	}
	return e
}

func TestEachEventHasItsLine(t *testing.T) {
	trouble := &receiver.Error{Operation: "receive", Class: receiver.Network, Err: errors.New("reset")}
	denied := &receiver.Error{Operation: "receive", Class: receiver.Denied, Err: errors.New("no")}
	failed := message.Outcome{Cause: message.Failed, Status: 500, Code: "5xx", Reason: "status 500", Delay: 2 * time.Second}
	for name, tt := range map[string]struct {
		event dispatch.Event
		level string // empty: no line
		want  map[string]any
	}{
		"source up":                              {dispatch.Event{Kind: dispatch.SourceUp}, "info", map[string]any{"msg": "source reached", "queue": "https://sqs/q", "lease": 30, "messages": 7}},
		"source down":                            {dispatch.Event{Kind: dispatch.SourceDown, Err: trouble}, "warn", map[string]any{"class": "network", "error": "receive: reset"}},
		"source denied":                          {dispatch.Event{Kind: dispatch.SourceDown, Err: denied}, "error", map[string]any{"class": "denied"}},
		"a receive":                              {dispatch.Event{Kind: dispatch.Polled, Count: 3}, "", nil},
		"an attempt":                             {dispatch.Event{Kind: dispatch.Attempted, Message: sample(), Outcome: message.Outcome{Code: "2xx"}, Took: time.Second}, "debug", map[string]any{"message_id": "m-1", "code": "2xx", "took": 1}},
		"nothing tried":                          {of(dispatch.Attempted, message.Outcome{}, nil), "", nil},
		"worker unreached":                       {of(dispatch.Attempted, message.Outcome{Cause: message.Unreached, Code: "refused"}, nil), "", nil},
		"delivered":                              {of(dispatch.Settled, message.Outcome{Verdict: message.Delivered, Status: 204}, nil), "debug", map[string]any{"message_id": "m-1", "msg": "message delivered", "status": 204.0, "receive_count": 3.0}},
		"delivered later":                        {of(dispatch.Settled, message.Outcome{Verdict: message.Delivered, Status: 202, TokenVerdict: message.AckByToken, Held: time.Hour}, nil), "debug", map[string]any{"verdict": "ack", "held": 3600, "status": 202.0}},
		"returned":                               {of(dispatch.Settled, message.Outcome{}, nil), "debug", map[string]any{"msg": "message returned"}},
		"deferred":                               {of(dispatch.Settled, message.Outcome{Cause: message.Deferred, Delay: time.Minute}, nil), "info", map[string]any{"msg": "message deferred", "delay": 60}},
		"failed":                                 {of(dispatch.Settled, failed, nil), "warn", map[string]any{"message_id": "m-1", "msg": "message failed", "reason": "status 500", "code": "5xx", "delay": 2}},
		"dead-lettered":                          {of(dispatch.Settled, message.Outcome{Verdict: message.Rejected, Action: message.DeadLetter}, nil), "warn", map[string]any{"msg": "message rejected", "action": "dead-letter"}},
		"rejected to retry":                      {of(dispatch.Settled, message.Outcome{Verdict: message.Rejected, Delay: time.Second}, nil), "warn", map[string]any{"action": "retry", "delay": 1}},
		"rejected for good":                      {of(dispatch.Settled, message.Outcome{Verdict: message.Rejected, Action: message.DeadLetter, Delay: time.Second}, nil), "warn", map[string]any{"action": "dead-letter", "delay": nil}},
		"lost":                                   {of(dispatch.Settled, message.Outcome{Verdict: message.Delivered}, receiver.ErrLeaseLost), "warn", map[string]any{"msg": "lease lost; the queue may hand the message out again", "message_id": "m-1", "error": "lease lost", "outcome": "delivered"}},
		"not confirmed":                          {of(dispatch.Settled, failed, trouble), "warn", map[string]any{"msg": "settlement not confirmed; the queue hands the message out again unless it was removed", "outcome": "failed", "error": "receive: reset"}},
		"settling failed":                        {of(dispatch.SettleFailed, message.Outcome{}, trouble), "warn", map[string]any{"message_id": "m-1", "error": "receive: reset"}},
		"renewed":                                {of(dispatch.Extended, message.Outcome{}, nil), "", nil},
		"not renewed":                            {of(dispatch.Extended, message.Outcome{}, trouble), "warn", map[string]any{"message_id": "m-1"}},
		"lease lost":                             {of(dispatch.Extended, message.Outcome{}, receiver.ErrLeaseLost), "warn", map[string]any{"message_id": "m-1"}},
		"redelivered":                            {of(dispatch.Redelivered, message.Outcome{}, nil), "info", map[string]any{"cause": "in_flight", "msg": "received again while the earlier receive is not settled; not posted a second time"}},
		"stopping":                               {dispatch.Event{Kind: dispatch.Stopping}, "", nil},
		"delivered after failures":               {again(message.Outcome{Verdict: message.Delivered}, 2, ""), "info", map[string]any{"msg": "message delivered", "receive_count": 3}},
		"delivered after a redrive":              {again(message.Outcome{Verdict: message.Delivered}, 0, ""), "info", map[string]any{"original_message_id": "m-0"}},
		"failed at the last receive":             {again(failed, 2, "orders-dead"), "warn", map[string]any{"msg": "message failed, last receive: the queue moves it to orders-dead", "delay": nil}},
		"deferred at the last receive":           {again(message.Outcome{Cause: message.Deferred, Delay: time.Minute}, 2, "orders-dead"), "warn", map[string]any{"msg": "message deferred, last receive: the queue moves it to orders-dead", "delay": nil}},
		"redelivered after it was accepted":      {of(dispatch.Redelivered, message.Outcome{Verdict: message.Delivered}, nil), "info", map[string]any{"cause": "undeleted", "msg": "received again after it had been settled for good; removed without a second POST"}},
		"redelivered after it was dead-lettered": {of(dispatch.Redelivered, message.Outcome{Verdict: message.Rejected, Action: message.DeadLetter}, nil), "info", map[string]any{"cause": "undeleted", "msg": "received again after it had been settled for good; removed without a second POST"}},
		"abandoned":                              {dispatch.Event{Kind: dispatch.Abandoned, IDs: []string{"a", "b"}}, "warn", map[string]any{"message_ids": []any{"a", "b"}}},
		"a panic":                                {of(dispatch.Panicked, message.Outcome{}, errors.New("boom")), "error", map[string]any{"message_id": "m-1", "error": "boom"}},
		"a panic of nobody":                      {dispatch.Event{Kind: dispatch.Panicked, Err: errors.New("boom")}, "error", map[string]any{"error": "boom"}},
	} {
		t.Run(name, func(t *testing.T) {
			lines := logged(t, "debug", tt.event)
			if tt.level == "" {
				if len(lines) != 0 {
					t.Errorf("lines %v", lines)
				}
				return
			}
			if len(lines) != 1 || lines[0]["level"] != tt.level {
				t.Fatalf("lines %v, want one at %s", lines, tt.level)
			}
			for key, want := range tt.want {
				if fmt.Sprint(lines[0][key]) != fmt.Sprint(want) {
					t.Errorf("%s is %v, want %v", key, lines[0][key], want)
				}
			}
			if tt.event.Message != nil && lines[0]["message_id"] != "m-1" {
				t.Error("a line about a message does not name it")
			}
			if strings.Contains(fmt.Sprint(lines), "hunter2") {
				t.Errorf("the producer's words are logged: %v", lines)
			}
		})
	}
}

func TestSuccessIsSilentAtInfo(t *testing.T) {
	lines := logged(t, "info",
		of(dispatch.Attempted, message.Outcome{Verdict: message.Delivered, Code: "2xx"}, nil),
		of(dispatch.Settled, message.Outcome{Verdict: message.Delivered}, nil))
	if len(lines) != 0 {
		t.Errorf("lines %v", lines)
	}
}

func TestFailureOfAMessageIsWarnedAboutOnce(t *testing.T) {
	m, other := sample(), sample()
	trouble := errors.New("reset")
	failed := dispatch.Event{Kind: dispatch.SettleFailed, Message: m, Err: trouble}
	lines := logged(t, "warn", failed, failed,
		dispatch.Event{Kind: dispatch.Extended, Message: m, Err: trouble},
		dispatch.Event{Kind: dispatch.Extended, Message: m, Err: trouble},
		dispatch.Event{Kind: dispatch.SettleFailed, Message: other, Err: trouble})
	if len(lines) != 3 {
		t.Errorf("%d warnings, want 3: %v", len(lines), lines)
	}
}

func TestFailureIsForgottenWithItsMessage(t *testing.T) {
	a := New(NewLogger(new(bytes.Buffer), "warn", false), facts)
	m := sample()
	for _, kind := range []dispatch.Kind{dispatch.SettleFailed, dispatch.Extended} {
		a.Observe(dispatch.Event{Kind: kind, Message: m, Err: errors.New("reset")})
	}
	a.Observe(dispatch.Event{Kind: dispatch.Settled, Message: m})
	if len(a.failing) != 0 {
		t.Errorf("%d failures are kept", len(a.failing))
	}
}

func TestWorkerIsNamedWhenItGoesAndComes(t *testing.T) {
	var out bytes.Buffer
	a := New(NewLogger(&out, "info", false), facts)
	const at = "http://localhost:9000/hook"
	refused := errors.New("connection refused")
	for _, w := range []struct {
		up    bool
		cause error
	}{{false, refused}, {true, nil}, {false, refused}, {true, nil}, {false, nil}} {
		a.Worker(at, w.up, w.cause, "none is received until it does")
	}
	lines := parsed(t, &out)
	for i, want := range []struct{ level, msg, cause string }{
		{"info", "worker does not take messages yet, none is received until it does", "connection refused"},
		{"info", "worker takes messages", "<nil>"},
		{"warn", "worker does not take messages, none is received until it does", "connection refused"},
		{"info", "worker takes messages", "<nil>"},
		{"warn", "worker does not take messages, none is received until it does", "<nil>"},
	} {
		if l := lines[i]; l["level"] != want.level || l["msg"] != want.msg || fmt.Sprint(l["error"]) != want.cause || l["endpoint"] != at {
			t.Errorf("line %d: %v, want %v", i, l, want)
		}
	}
}

func TestFactsAreLoggedOnce(t *testing.T) {
	lines := logged(t, "info", dispatch.Event{Kind: dispatch.SourceUp}, dispatch.Event{Kind: dispatch.SourceUp})
	if len(lines) != 2 || lines[0]["queue"] == nil || lines[1]["queue"] != nil {
		t.Errorf("lines %v", lines)
	}
}

func TestManyAbandonedMessagesAreAllNamed(t *testing.T) {
	var ids []string
	for i := range 45 {
		ids = append(ids, fmt.Sprint("m-", i))
	}
	lines := logged(t, "info", dispatch.Event{Kind: dispatch.Abandoned, IDs: ids})
	var named []string
	for _, l := range lines {
		for _, id := range l["message_ids"].([]any) {
			named = append(named, id.(string))
		}
	}
	if len(lines) != 3 || !slices.Equal(named, ids) {
		t.Errorf("%d lines name %q", len(lines), named)
	}
}

func TestLevelsAndColours(t *testing.T) {
	for level, want := range map[string]int{"debug": 4, "info": 3, "warn": 2, "error": 1, "nonsense": 3} {
		var out bytes.Buffer
		log := NewLogger(&out, level, false)
		log.Debug("a")
		log.Info("a")
		log.Warn("a")
		log.Error("a")
		if lines := parsed(t, &out); len(lines) != want {
			t.Errorf("%s: %d lines, want %d", level, len(lines), want)
		}
	}
	var out bytes.Buffer
	NewLogger(&out, "info", true).Info("hello")
	if text := out.String(); !strings.Contains(text, "\x1b[") || !strings.Contains(text, "hello") || strings.HasPrefix(text, "{") {
		t.Errorf("not for people: %q", text)
	}
}

func TestNoLineIsSampledAway(t *testing.T) {
	var events []dispatch.Event
	for range 500 {
		events = append(events, of(dispatch.Settled, message.Outcome{Cause: message.Failed}, nil))
	}
	if lines := logged(t, "warn", events...); len(lines) != 500 {
		t.Errorf("%d lines", len(lines))
	}
}

func TestStatisticsComeAtIntervals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		a := New(NewLogger(&out, "info", false), facts)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { a.RunStats(ctx, time.Minute, func() int { return 2 }) })
		a.Observe(dispatch.Event{Kind: dispatch.Polled, Count: 5})
		a.Observe(of(dispatch.Settled, message.Outcome{Verdict: message.Delivered}, nil))
		time.Sleep(61 * time.Second)
		a.Observe(dispatch.Event{Kind: dispatch.Polled, Count: 1})
		a.Observe(of(dispatch.Settled, message.Outcome{Verdict: message.Delivered}, receiver.ErrLeaseLost))
		time.Sleep(time.Minute)
		cancel()
		running.Wait()
		var lines []map[string]any
		for _, line := range parsed(t, &out) {
			if line["msg"] == "statistics" {
				lines = append(lines, line)
			}
		}
		if len(lines) != 2 {
			t.Fatalf("%d lines", len(lines))
		}
		for i, want := range []map[string]float64{
			{"received": 5, "delivered": 1, "failed": 0, "lost": 0, "received_total": 5, "in_flight": 2},
			{"received": 1, "delivered": 0, "lost": 1, "received_total": 6, "delivered_total": 1},
		} {
			for key, value := range want {
				if lines[i][key] != value {
					t.Errorf("line %d: %s is %v, want %v", i, key, lines[i][key], value)
				}
			}
			if lines[i]["goroutines"] == nil || lines[i]["memory_bytes"] == nil {
				t.Errorf("line %d: %v", i, lines[i])
			}
		}
	})
}

func TestManyMayLogAtOnce(t *testing.T) {
	var out bytes.Buffer
	a := New(NewLogger(&out, "debug", false), facts)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				a.Observe(of(dispatch.SettleFailed, message.Outcome{}, errors.New("x")))
				a.Observe(of(dispatch.Settled, message.Outcome{Verdict: message.Delivered}, nil))
			}
		})
	}
	all.Wait()
	if lines := parsed(t, &out); len(lines) != 800 {
		t.Errorf("%d lines", len(lines))
	}
}
