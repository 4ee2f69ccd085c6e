package trail

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"carrier/dispatch"
	"carrier/internal/observe/audit"
	"carrier/message"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, o Options) *Trail {
	t.Helper()
	trail, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return trail
}

// lines returns what is in the files of dir that match q.
func lines(t *testing.T, dir string, q Query) []string {
	t.Helper()
	var b bytes.Buffer
	if err := Find(dir, q, &b); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}

func TestLastThousandAreInMemoryAlsoWhenNothingIsWritten(t *testing.T) {
	trail := open(t, Options{})
	for i := range remembered + 10 {
		trail.Attempt(Attempt{MessageID: fmt.Sprint(i), Route: "default", Outcome: "failed"})
		trail.Settlement(Settlement{MessageID: fmt.Sprint(i), Outcome: "delivered", OK: true})
	}
	all := trail.Attempts(Query{})
	if len(all) != remembered || all[0].MessageID != fmt.Sprint(remembered+9) || all[remembered-1].MessageID != "10" {
		t.Errorf("%d attempts, from %s to %s", len(all), all[0].MessageID, all[len(all)-1].MessageID)
	}
	if got := trail.Settlements(Query{MessageID: "500"}); len(got) != 1 || got[0].Event != settled {
		t.Errorf("settlements of one message: %+v", got)
	}
	if got := trail.Attempts(Query{Limit: 3}); len(got) != 3 || got[2].MessageID != fmt.Sprint(remembered+7) {
		t.Errorf("three attempts: %+v", got)
	}
	if got := trail.Attempts(Query{Route: "other"}); got == nil || len(got) != 0 {
		t.Errorf("attempts of another route: %v", got)
	}
	trail.Close(time.Minute)
	if trail.Dropped() != 0 {
		t.Errorf("%d dropped", trail.Dropped())
	}
}

func TestQueryMatchesEachField(t *testing.T) {
	at := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	a := Attempt{Time: at, Route: "mail", MessageID: "m", Outcome: "failed"}
	for name, c := range map[string]struct {
		q    Query
		want bool
	}{
		"nothing asked":   {Query{}, true},
		"all of it":       {Query{MessageID: "m", Route: "mail", Outcome: "failed", Since: at}, true},
		"another message": {Query{MessageID: "n"}, false},
		"another route":   {Query{Route: "orders"}, false},
		"another outcome": {Query{Outcome: "delivered"}, false},
		"too early":       {Query{Since: at.Add(time.Second)}, false},
	} {
		if got := c.q.matches(a.MessageID, a.Route, a.Outcome, a.Time); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestEveryLineIsInTheFilesInOrder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	trail := open(t, Options{Where: Files, Dir: dir, MaxSize: 2000, MaxFiles: 100})
	const n = 200
	for i := range n {
		trail.Attempt(Attempt{Time: time.Unix(int64(i), 0), MessageID: fmt.Sprint(i), Outcome: "failed", Reason: "a \"quoted\"\nreason"})
	}
	trail.Close(time.Minute)
	got := lines(t, dir, Query{})
	if len(got) != n {
		t.Fatalf("%d lines, want %d", len(got), n)
	}
	for i, line := range got {
		var a Attempt
		if err := json.Unmarshal([]byte(line), &a); err != nil || a.MessageID != fmt.Sprint(i) || a.Event != attempted {
			t.Fatalf("line %d is %q: %v", i, line, err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) < 10 {
		t.Fatalf("%d files: %v", len(entries), err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.Size() > 2000 || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has %d bytes and mode %v: %v", e.Name(), info.Size(), info.Mode(), err)
		}
	}
}

func TestFilesAreBounded(t *testing.T) {
	dir := t.TempDir()
	const maxFiles = 3
	for round := range 3 { // also over restarts
		trail := open(t, Options{Where: Files, Dir: dir, MaxSize: 500, MaxFiles: maxFiles})
		for i := range 100 {
			trail.Settlement(Settlement{MessageID: fmt.Sprint(round, "-", i), Outcome: "failed"})
		}
		trail.Close(time.Minute)
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) > maxFiles {
			t.Errorf("%d files: %v", len(entries), err)
		}
	}
	if got := lines(t, dir, Query{}); !strings.Contains(got[len(got)-1], `"2-99"`) {
		t.Errorf("the last line is %s", got[len(got)-1])
	}
}

func TestOldFilesAreRemoved(t *testing.T) {
	dir := t.TempDir()
	old := olderPath(dir, 7)
	if err := os.WriteFile(old, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(old, time.Time{}, time.Now().Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(dir, "audit-x.jsonl")
	if err := os.WriteFile(foreign, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	trail := open(t, Options{Where: Files, Dir: dir, MaxSize: 1 << 20, MaxFiles: 8, MaxAge: time.Hour})
	trail.Attempt(Attempt{})
	trail.Close(time.Minute)
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the old file: %v", err)
	}
	if _, err := os.Stat(foreign); err != nil {
		t.Errorf("a file that is not the trail's: %v", err)
	}
}

func TestLineThatWasCutOffHarmsNoOther(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, current), []byte(`{"event":"attempt","mess`), 0o600); err != nil {
		t.Fatal(err)
	}
	trail := open(t, Options{Where: Files, Dir: dir, MaxSize: 1 << 20, MaxFiles: 2})
	trail.Attempt(Attempt{MessageID: "whole"})
	trail.Close(time.Minute)
	if got := lines(t, dir, Query{}); len(got) != 1 || !strings.Contains(got[0], "whole") {
		t.Errorf("lines = %q", got)
	}
}

// A stuckWriter takes nothing until it is let go.
type stuckWriter struct {
	free chan struct{}
	got  bytes.Buffer // once it is
}

func (w *stuckWriter) Write(p []byte) (int, error) {
	<-w.free
	return w.got.Write(p)
}

func TestNobodyWaitsForTheWriterAndWhatDoesNotFitIsCounted(t *testing.T) {
	w := &stuckWriter{free: make(chan struct{})}
	output := audit.NewOutput(w)
	trail := open(t, Options{Where: Stdout, Stdout: output})
	const sent = 20_000 // of some 200 bytes: more than wait
	for i := range sent {
		trail.Attempt(Attempt{MessageID: fmt.Sprint(i), Outcome: "failed"})
	}
	dropped := trail.Dropped()
	if dropped == 0 || dropped == sent {
		t.Errorf("%d of %d dropped", dropped, sent)
	}
	close(w.free)
	trail.Close(time.Minute)
	output.Close(time.Minute)
	if written := uint64(bytes.Count(w.got.Bytes(), []byte("\n"))); written+dropped != sent || output.Dropped() != 0 {
		t.Errorf("%d lines written, %d dropped and %d counted as the log's, of %d", written, dropped, output.Dropped(), sent)
	}
}

func TestLinesThatCannotBeWrittenAreCountedAndToldOnce(t *testing.T) {
	dir := t.TempDir()
	var told []error
	trail := open(t, Options{Where: Files, Dir: dir, MaxSize: 1, MaxFiles: 2, Failed: func(err error) { told = append(told, err) }})
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	trail.Attempt(Attempt{})
	for range 5 {
		trail.Attempt(Attempt{})
	}
	trail.Close(time.Minute)
	if len(told) == 0 || trail.Dropped() == 0 {
		t.Errorf("told %v, dropped %d", told, trail.Dropped())
	}
}

// written returns what do has the trail write.
func written(t *testing.T, o Options, do func(*Trail)) string {
	t.Helper()
	var out bytes.Buffer
	output := audit.NewOutput(&out)
	o.Where, o.Stdout = Stdout, output
	trail := open(t, o)
	do(trail)
	trail.Close(time.Minute)
	output.Close(time.Minute)
	return out.String()
}

func TestOnlyFailuresAreWritten(t *testing.T) {
	got := written(t, Options{FailuresOnly: true}, func(trail *Trail) {
		trail.Attempt(Attempt{MessageID: "a", Outcome: "delivered"})
		trail.Settlement(Settlement{MessageID: "a", Outcome: "delivered", OK: true})
		trail.Attempt(Attempt{MessageID: "b", Outcome: "failed"})
		trail.Settlement(Settlement{MessageID: "c", Outcome: "lost"})
		if len(trail.Attempts(Query{})) != 2 {
			t.Error("memory has left out what was delivered")
		}
	})
	if strings.Contains(got, `"a"`) || !strings.Contains(got, `"b"`) || !strings.Contains(got, `"c"`) {
		t.Errorf("written: %s", got)
	}
}

// TestLinesAreThese holds the lines to the bytes that are read by others.
func TestLinesAreThese(t *testing.T) {
	zone := time.FixedZone("", -5*3600)
	at := time.Date(2026, 11, 28, 12, 0, 0, 123456000, time.UTC)
	for name, c := range map[string]struct {
		record record
		want   string
	}{
		"an attempt": {
			&Attempt{at, "attempt", "mail", "m-1", 2, 3, "http://w/?a=<b>", 500, 12, "failed", 2000, "status 500"},
			`{"time":"2026-11-28T12:00:00.123456Z","event":"attempt","route":"mail","message_id":"m-1","attempt":2,"receive_count":3,"endpoint":"http://w/?a=<b>","status":500,"took_ms":12,"outcome":"failed","delay_ms":2000,"reason":"status 500"}`,
		},
		"nothing known": {
			&Attempt{Time: at.Truncate(time.Hour), Event: "attempt"},
			`{"time":"2026-11-28T12:00:00Z","event":"attempt","route":"","message_id":"","attempt":0,"receive_count":0,"endpoint":"","status":0,"took_ms":0,"outcome":"","delay_ms":0,"reason":""}`,
		},
		"texts of others": {
			&Attempt{Time: at.In(zone), Event: "attempt", MessageID: "m\n\r\t\"\\é", Reason: "a\x01b\x7f"},
			`{"time":"2026-11-28T07:00:00.123456-05:00","event":"attempt","route":"","message_id":"m\n\r\t\"\\é","attempt":0,"receive_count":0,"endpoint":"","status":0,"took_ms":0,"outcome":"","delay_ms":0,"reason":"a\u0001b` + "\x7f" + `"}`,
		},
		"a settlement": {
			&Settlement{at.Truncate(time.Second), "settled", "mail", "m-1", "delivered", 3, 60_000, 5, true, "", 0},
			`{"time":"2026-11-28T12:00:00Z","event":"settled","route":"mail","message_id":"m-1","outcome":"delivered","attempts":3,"age_ms":60000,"settle_ms":5,"ok":true}`,
		},
		"a settlement by token": {
			&Settlement{at, "settled", "mail", "m-1", "lost", 3, -1, 5, false, "none", 900_000},
			`{"time":"2026-11-28T12:00:00.123456Z","event":"settled","route":"mail","message_id":"m-1","outcome":"lost","attempts":3,"age_ms":-1,"settle_ms":5,"ok":false,"verdict":"none","held_ms":900000}`,
		},
	} {
		if got := string(c.record.appendLine(nil)); got != c.want+"\n" {
			t.Errorf("%s:\n%swant\n%s", name, got, c.want)
		}
	}
}

// FuzzLines holds the lines to the structs, field by field and in their order.
func FuzzLines(f *testing.F) {
	f.Add("mail", "m\n\"<1>", "status 500 \x01 \u2028", int64(5), int64(-1), true)
	f.Add("", "\xff\x00", "\xed\xa0\x80 \ufffd", int64(1)<<62, int64(0), false)
	f.Fuzz(func(t *testing.T, route, id, reason string, n, m int64, ok bool) {
		at := time.Unix(n%(1<<35), m%1_000_000_000).In(time.FixedZone("", int(m%12)*1800))
		checkLine(t, &Attempt{at, attempted, route, id, int(n), int(m), reason + id, int(n), m, route, n, reason})
		checkLine(t, &Settlement{at, settled, route, id, reason, int(n), m, n, ok, route, m})
	})
}

// checkLine compares the line of r with what encoding/json makes of it, value by value.
func checkLine(t *testing.T, r record) {
	t.Helper()
	line := r.appendLine([]byte("before\n"))
	theirs, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := bytes.CutPrefix(line, []byte("before\n"))
	if !ok || bytes.IndexByte(got, '\n') != len(got)-1 {
		t.Errorf("not one line: %q", line)
	}
	a, b := tokens(t, got), tokens(t, theirs)
	if !slices.Equal(a, b) {
		t.Errorf("%s\nwant the values of\n%s", got, theirs)
	}
}

// tokens are the names and values of an object in their order.
func tokens(t *testing.T, object []byte) (all []json.Token) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(object))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%q: %v", object, err)
		}
		all = append(all, token)
	}
}

func TestEventsBecomeRecords(t *testing.T) {
	m := &message.Message{ID: "m", Body: []byte("hunter2"), ReceiveCount: 4, Deferrals: 1, Sent: time.Now().Add(-time.Hour)}
	failed := message.Outcome{Cause: message.Failed, Code: "5xx", Status: 500, Endpoint: "http://w/", Delay: time.Second, Reason: "status 500 of http://u:p@w/?q", Attempted: time.Now()}
	trail := open(t, Options{})
	defer trail.Close(0)
	route := trail.Route("mail")
	for _, e := range []dispatch.Event{
		{Kind: dispatch.Polled, Count: 1},
		{Kind: dispatch.Attempted, Message: m, Outcome: message.Outcome{Cause: message.Unreached, Code: "refused"}},
		{Kind: dispatch.Attempted, Message: m},
		{Kind: dispatch.Attempted, Message: m, Outcome: failed, Took: 3 * time.Millisecond},
		{Kind: dispatch.Settled, Message: m, Outcome: failed, Took: 7 * time.Millisecond},
		{Kind: dispatch.Settled, Message: m, Outcome: message.Outcome{Verdict: message.Delivered}, Err: errors.New("gone")},
	} {
		route.Observe(e)
	}
	// A delay of what is a dead letter from now on would say that it comes back.
	dead := message.Outcome{Verdict: message.Rejected, Action: message.DeadLetter, Code: "4xx", Delay: time.Second}
	route.Observe(dispatch.Event{Kind: dispatch.Attempted, Message: &message.Message{ID: "dead"}, Outcome: dead})
	dead.Action = message.Redrive
	route.Observe(dispatch.Event{Kind: dispatch.Attempted, Message: &message.Message{ID: "back"}, Outcome: dead})
	if got := trail.Attempts(Query{Outcome: "rejected"}); len(got) != 2 || got[1].DelayMS != 0 || got[0].DelayMS != 1000 {
		t.Errorf("rejected: %+v", got)
	}
	attempts, ends := trail.Attempts(Query{Outcome: "failed"}), trail.Settlements(Query{})
	if len(attempts) != 1 || len(ends) != 2 {
		t.Fatalf("%d attempts and %d settlements: what was not tried is none", len(attempts), len(ends))
	}
	a := attempts[0]
	a.Time = time.Time{}
	if want := (Attempt{time.Time{}, "attempt", "mail", "m", 3, 4, "http://w/", 500, 3, "failed", 1000, a.Reason}); a != want {
		t.Errorf("%+v, want %+v", a, want)
	}
	if strings.Contains(fmt.Sprint(attempts, ends), "u:p") || strings.Contains(fmt.Sprint(attempts, ends), "hunter2") {
		t.Errorf("a secret in %v %v", attempts, ends)
	}
	if s := ends[1]; s.Outcome != "failed" || !s.OK || s.Attempts != 3 || s.SettleMS != 7 || s.AgeMS < time.Hour.Milliseconds() {
		t.Errorf("%+v", s)
	}
	if s := ends[0]; s.Outcome != "lost" || s.OK || s.Attempts != 2 {
		t.Errorf("%+v", s)
	}
}

func FuzzFind(f *testing.F) {
	f.Add([]byte(`{"event":"attempt","message_id":"a"}` + "\n" + `nonsense`))
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, current), content, 0o600); err != nil {
			t.Fatal(err)
		}
		_ = Find(dir, Query{MessageID: "a"}, io.Discard)
	})
}

// BenchmarkMessage is what an attempt and a settlement cost, at most 10,000 messages a second: without
// a pause the disk would be measured, and what is dropped. The processor's time is told, the writer's
// included: on a busy machine the other one says nothing.
func BenchmarkMessage(b *testing.B) {
	const atOnce = 50
	for name, where := range map[string]Where{"off": Nowhere, "on": Files} {
		b.Run(name, func(b *testing.B) {
			trail, err := Open(Options{Where: where, Dir: b.TempDir(), MaxSize: 64 << 20, MaxFiles: 2})
			if err != nil {
				b.Fatal(err)
			}
			route := trail.Route("default")
			m := &message.Message{ID: "0123456789abcdef-0123456789abcdef", ReceiveCount: 1, Sent: time.Now()}
			o := message.Outcome{Verdict: message.Delivered, Code: "2xx", Status: 200, Endpoint: "http://localhost:9000/hook", Attempted: time.Now()}
			before, n := processorTime(), 0
			for b.Loop() {
				route.Observe(dispatch.Event{Kind: dispatch.Attempted, Message: m, Outcome: o, Took: time.Millisecond})
				route.Observe(dispatch.Event{Kind: dispatch.Settled, Message: m, Outcome: o, Took: time.Millisecond})
				if n++; n%atOnce == 0 {
					time.Sleep(5 * time.Millisecond)
				}
			}
			trail.Close(time.Minute)
			b.ReportMetric(float64(processorTime()-before)/float64(b.N), "cpu-ns/op")
			b.ReportMetric(float64(trail.Dropped())/float64(b.N), "dropped/op")
		})
	}
}

func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
