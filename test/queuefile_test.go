package test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Section 1: the commands about queue files.

// stoppedQueue is the data directory of a carrier that has stored bodies and has ended.
func stoppedQueue(t *testing.T, bodies ...string) (*bench, string) {
	t.Helper()
	b := onlyStored(t, nil)
	b.putAll(bodies...)
	b.stop()
	return b, filepath.Join(b.onIngest().dir, "queue.db")
}

func TestSoundQueueFileIsCalledSound(t *testing.T) {
	t.Parallel()
	_, file := stoppedQueue(t, "a", "b")
	p := run(t, nil, "queue", "check", file)
	if out := p.stdout.String(); p.code != 0 || !strings.Contains(out, "2 sound, 0 damaged, 0 missing") || !strings.Contains(out, "is sound\n") {
		t.Errorf("exit code %d:\n%s", p.code, out)
	}
}

func TestWhatIsSoundInADamagedFileIsServedAfterASalvage(t *testing.T) {
	t.Parallel()
	b, file := stoppedQueue(t, "first", "damaged", "third", "fourth")
	data, err := os.ReadFile(file)
	must(t, err)
	must(t, os.WriteFile(file, bytes.ReplaceAll(data, []byte("damaged"), []byte("Damaged")), 0o600))
	p := run(t, nil, "queue", "check", file)
	if out := p.stdout.String(); p.code != 1 || !strings.Contains(out, "is damaged") || !strings.Contains(out, "3 sound, 1 damaged") {
		t.Errorf("check: exit code %d:\n%s", p.code, out)
	}
	saved := file + ".salvaged"
	p = run(t, nil, "queue", "salvage", file, saved)
	if out := p.stdout.String(); p.code != 0 || !strings.Contains(out, "3 copied") {
		t.Fatalf("salvage: exit code %d:\n%s%s", p.code, out, p.stderr.String())
	}
	if again := run(t, nil, "queue", "salvage", file, saved); again.code != 1 || !strings.Contains(again.stderr.String(), "exists") {
		t.Errorf("salvage onto a file that is there: exit code %d, %s", again.code, again.stderr.String())
	}
	must(t, os.Rename(saved, file))
	b.worker.listen()
	b.start()
	b.awaitReady()
	b.worker.await(3)
	b.awaitEmpty()
	b.stop()
}

func TestQueueCommandsLeaveARunningCarrierAlone(t *testing.T) {
	t.Parallel()
	b := onlyStored(t, nil)
	b.putAll("a")
	file := filepath.Join(b.onIngest().dir, "queue.db")
	for name, args := range map[string][]string{
		"check": {"queue", "check", file}, "salvage": {"queue", "salvage", file, file + ".new"}, "drop": {"dead-letters", "drop"},
	} {
		if p := run(t, b.env, args...); p.code != 1 || !strings.Contains(p.stderr.String(), "a carrier runs on") {
			t.Errorf("%s: exit code %d: %s%s", name, p.code, p.stdout.String(), p.stderr.String())
		}
	}
	b.stop()
}

func TestQueueCommandsSayWhatTheyTake(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"queue"}, {"queue", "check"}, {"queue", "salvage", "x"}, {"dead-letters", "x", "y"}, {"dead-letters", "--body"}, {"dead-letters", "drop", "x"}, {"redrive", "--rate", "fast"}, {"redrive", "--body"}, {"subscriptions", "x"}} {
		if p := run(t, nil, args...); p.code != 2 || !strings.Contains(p.stderr.String(), "takes:") {
			t.Errorf("%v: exit code %d: %s", args, p.code, p.stderr.String())
		}
	}
	if p := run(t, nil, "queue", "check", "/nowhere"); p.code != 1 || !strings.Contains(p.stderr.String(), "/nowhere") {
		t.Errorf("a file that is not there: exit code %d: %s", p.code, p.stderr.String())
	}
}

func TestDeadLettersAreDropped(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(400)))
	b := newBench(t, ofIngest, w, nil)
	b.putAll("a", "b", "c")
	b.awaitEmpty()
	b.stop()
	p := run(t, b.env, "dead-letters", "drop")
	if out := p.stdout.String(); p.code != 0 || !strings.Contains(out, "3 dead letters dropped") {
		t.Errorf("exit code %d: %s%s", p.code, out, p.stderr.String())
	}
	if p = run(t, b.env, "dead-letters", "drop"); !strings.Contains(p.stdout.String(), "0 dead letters dropped") {
		t.Errorf("again: %s%s", p.stdout.String(), p.stderr.String())
	}
	none := b.env.with(env{"CARRIER_INGEST_DATA_DIR": t.TempDir()})
	if p = run(t, none, "dead-letters", "drop"); p.code != 1 || !strings.Contains(p.stderr.String(), "CARRIER_INGEST_DATA_DIR") {
		t.Errorf("without a queue: exit code %d: %s", p.code, p.stderr.String())
	}
}

func TestSubscriptionsAreListedAndDroppedWhereNoCarrierRuns(t *testing.T) {
	t.Parallel()
	b := onlyStored(t, nil)
	b.putAll("a", "b")
	if p := run(t, b.env, "subscriptions"); p.code != 1 || !strings.Contains(p.stderr.String(), "CARRIER_ADMIN_TOKEN") {
		t.Errorf("while carrier runs, without a token: exit code %d: %s%s", p.code, p.stdout.String(), p.stderr.String())
	}
	b.stop()
	p := run(t, b.env, "subscriptions")
	if out := strings.Join(strings.Fields(p.stdout.String()), " "); p.code != 0 || !strings.Contains(out, "default / active 2 ") {
		t.Errorf("exit code %d: %s%s", p.code, out, p.stderr.String())
	}
	if p = run(t, b.env, "subscriptions", "drop", "none"); p.code != 1 || !strings.Contains(p.stderr.String(), "none") {
		t.Errorf("one that is not there: exit code %d: %s%s", p.code, p.stdout.String(), p.stderr.String())
	}
	if p = run(t, b.env, "subscriptions", "drop", "default"); p.code != 0 || !strings.Contains(p.stdout.String(), "2 messages and 0 dead letters of default dropped; it is configured") {
		t.Errorf("drop: exit code %d: %s%s", p.code, p.stdout.String(), p.stderr.String())
	}
	if p = run(t, b.env, "dead-letters", "drop", "--route", "default"); p.code != 0 || !strings.Contains(p.stdout.String(), "0 dead letters dropped") {
		t.Errorf("dead letters of one: exit code %d: %s%s", p.code, p.stdout.String(), p.stderr.String())
	}
	none := b.env.with(env{"CARRIER_INGEST_DATA_DIR": t.TempDir()})
	if p = run(t, none, "subscriptions"); p.code != 1 || !strings.Contains(p.stderr.String(), "CARRIER_INGEST_DATA_DIR") {
		t.Errorf("without a queue: exit code %d: %s", p.code, p.stderr.String())
	}
}

func TestCarrierStopsWhenItsFileIsRemoved(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(dir string) error{
		"file":      func(dir string) error { return os.Remove(filepath.Join(dir, "queue.db")) },
		"directory": os.RemoveAll,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := onlyStored(t, nil)
			b.putAll("a")
			must(t, remove(b.onIngest().dir))
			b.wait()
			said := false
			for _, l := range b.log() {
				said = said || l.text("level") == "error" && strings.Contains(l.text("error"), "removed or replaced")
			}
			if b.code != 1 || !said {
				t.Errorf("exit code %d, no clear error:\n%s", b.code, b.stdout.String())
			}
		})
	}
}

// TestStartAfterAKillServes: the file is tried in another process, which must not harm it.
func TestStartAfterAKillServes(t *testing.T) {
	t.Parallel()
	b := onlyStored(t, nil)
	b.putAll("a", "b")
	b.kill()
	b.worker.listen()
	b.start()
	b.awaitReady()
	b.worker.await(2)
	b.awaitEmpty()
	b.stop()
}
