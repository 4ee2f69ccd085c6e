package ingest

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"carrier/message"
	"carrier/receiver"
)

func TestModesThatLetOthersWriteAreWarnedAboutOnce(t *testing.T) {
	chmod := func(t *testing.T, name string, mode os.FileMode) {
		t.Helper()
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	cases := map[string]struct {
		prepare func(t *testing.T, dir string)
		warns   string
	}{
		"of its own":         {func(*testing.T, string) {}, ""},
		"of a group":         {func(t *testing.T, dir string) { chmod(t, dir, 0o775) }, ""},
		"a directory of all": {func(t *testing.T, dir string) { chmod(t, dir, 0o777) }, "mode 0777"},
		"a file of all":      {func(t *testing.T, dir string) { chmod(t, filepath.Join(dir, "queue.db"), 0o606) }, "queue.db (mode 0606)"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			chmod(t, dir, 0o700)
			if err := start(t, Options{DataDir: dir}).Close(); err != nil {
				t.Fatal(err)
			}
			c.prepare(t, dir)
			var log testLog
			r := start(t, Options{DataDir: dir, Warn: log.warn})
			send(t, r, "POST", "/", "a").id(t)
			if got := log.text(); c.warns == "" && got != "" || !strings.Contains(got, c.warns) || strings.Count(got, "\n") > 0 {
				t.Errorf("warned %q, want %q", got, c.warns)
			}
		})
	}
}

type duplicates struct {
	receiver.NoObserver
	mu     sync.Mutex
	causes []string
}

func (d *duplicates) Duplicate(cause string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.causes = append(d.causes, cause)
}

func TestMessageWithoutAnOutcomeOnRecordIsToldWhenItComesAgain(t *testing.T) {
	for name, c := range map[string]struct {
		settle func(t *testing.T, r single, m *message.Message)
		told   int
	}{
		"its carrier ended with it": {func(*testing.T, single, *message.Message) {}, 1},
		"it was given back": {func(t *testing.T, r single, m *message.Message) {
			if err := r.Settle(t.Context(), m, message.Outcome{}); err != nil {
				t.Fatal(err)
			}
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var log testLog
			var seen duplicates
			o := Options{DataDir: t.TempDir(), Subscriptions: []Subscription{{Warn: log.warn, Observer: &seen}}}
			r := start(t, o)
			id := send(t, r, "POST", "/", "a").id(t)
			c.settle(t, r, receive(t, r))
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			if m := receive(t, start(t, o)); m.ID != id || m.ReceiveCount != 2 {
				t.Errorf("received %s the %d. time, want %s", m.ID, m.ReceiveCount, id)
			}
			if len(seen.causes) != c.told || strings.Count(log.text(), id) != c.told {
				t.Errorf("counted %v, logged %q; want %d", seen.causes, log.text(), c.told)
			}
		})
	}
}

func TestAgeCountsFromWhenADelayedMessageIsDue(t *testing.T) {
	var p pipes
	bubble(t, Options{}, &p, func(t *testing.T, r single) {
		w := p.wire()
		w.say(t, "POST / HTTP/1.1\r\nHost: x\r\nX-Carrier-Delay: 1h\r\nContent-Length: 1\r\n\r\na")
		w.hear(t).id(t)
		stored := time.Now()
		_ = w.Close()
		m := receive(t, r) // an hour later
		synctest.Wait()
		if age := m.Age(); age > time.Second || !m.Sent.Equal(stored) || !m.Due.Equal(stored.Add(time.Hour)) {
			t.Errorf("age %v, sent %v, due %v; want it due an hour after %v", age, m.Sent, m.Due, stored)
		}
		time.Sleep(time.Minute)
		if age := m.Age(); age < time.Minute || age > time.Minute+time.Second {
			t.Errorf("age %v, want a minute", age)
		}
	})
}

func TestFileThatIsGoneEndsTheReceiver(t *testing.T) {
	for name, remove := range map[string]func(dir string) error{
		"the file":      func(dir string) error { return os.Remove(filepath.Join(dir, "queue.db")) },
		"the directory": os.RemoveAll,
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			r := start(t, Options{DataDir: dir})
			ended := make(chan error, 1)
			go func() {
				_, err := r.Receive(t.Context(), 1)
				ended <- err
			}()
			if err := remove(dir); err != nil {
				t.Fatal(err)
			}
			send(t, r, "POST", "/", "a").problem(t, 503)
			if err := <-ended; receiver.ClassOf(err) != receiver.Broken {
				t.Errorf("Receive = %v of class %s, want broken", err, receiver.ClassOf(err))
			}
		})
	}
}
