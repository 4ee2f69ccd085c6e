package trail

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
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
		if got := c.q.attempt(a); got != c.want {
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
	mu   sync.Mutex
	got  bytes.Buffer
}

func (w *stuckWriter) Write(p []byte) (int, error) {
	<-w.free
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.got.Write(p)
}

func TestNobodyWaitsForTheWriterAndWhatDoesNotFitIsCounted(t *testing.T) {
	w := &stuckWriter{free: make(chan struct{})}
	trail := open(t, Options{Where: Stdout, Stdout: w})
	const more = 100
	for i := range 2*maxWaiting + more {
		trail.Attempt(Attempt{MessageID: fmt.Sprint(i), Outcome: "failed"})
	}
	dropped := trail.Dropped()
	if dropped == 0 {
		t.Error("nothing was dropped")
	}
	close(w.free)
	trail.Close(time.Minute)
	if written := uint64(bytes.Count(w.got.Bytes(), []byte("\n"))); written+dropped != 2*maxWaiting+more {
		t.Errorf("%d lines written and %d dropped of %d", written, dropped, 2*maxWaiting+more)
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

func TestOnlyFailuresAreWritten(t *testing.T) {
	var out bytes.Buffer
	trail := open(t, Options{Where: Stdout, Stdout: &out, FailuresOnly: true})
	trail.Attempt(Attempt{MessageID: "a", Outcome: "delivered"})
	trail.Settlement(Settlement{MessageID: "a", Outcome: "delivered", OK: true})
	trail.Attempt(Attempt{MessageID: "b", Outcome: "failed"})
	trail.Settlement(Settlement{MessageID: "c", Outcome: "delivered"})
	trail.Close(time.Minute)
	if got := out.String(); strings.Contains(got, `"a"`) || !strings.Contains(got, `"b"`) || !strings.Contains(got, `"c"`) {
		t.Errorf("written: %s", got)
	}
	if len(trail.Attempts(Query{})) != 2 {
		t.Error("memory has left out what was delivered")
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

func BenchmarkAttempt(b *testing.B) {
	for name, where := range map[string]Where{"off": Nowhere, "on": Stdout} {
		b.Run(name, func(b *testing.B) {
			trail, err := Open(Options{Where: where, Stdout: io.Discard})
			if err != nil {
				b.Fatal(err)
			}
			defer trail.Close(time.Minute)
			for b.Loop() {
				trail.Attempt(Attempt{Time: time.Now(), Route: "default", MessageID: "0123456789abcdef", Endpoint: "http://localhost:9000", Outcome: "delivered"})
			}
		})
	}
}
