package test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// Section 8: what is stored, for how long, and how much.

func TestFullQueueRefusesUntilThereIsRoom(t *testing.T) {
	t.Parallel()
	for name, quota := range map[string]env{
		"messages": {"CARRIER_INGEST_MAX_MESSAGES": "3"},
		"bytes":    {"CARRIER_INGEST_MAX_BYTES": "3KiB", "CARRIER_INGEST_MAX_BODY": "1KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := onlyStored(t, quota)
			url, body := b.onIngest().url(), strings.Repeat("x", 1000)
			for range 3 {
				stored(t, send(t, http.MethodPost, url, body))
			}
			r := send(t, http.MethodPost, url, body)
			isProblem(t, "the fourth", r, 503)
			if r.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			if n := b.source.left(b.program); n != 3 {
				t.Errorf("%d messages are stored, want 3", n)
			}
			b.worker.listen()
			b.awaitEmpty()
			stored(t, send(t, http.MethodPost, url, body))
			b.awaitEmpty()
			b.stop()
			if n := len(b.worker.got()); n != 4 {
				t.Errorf("%d posts, want 4", n)
			}
		})
	}
}

func TestSameKeyIsStoredOnce(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"Idempotency-Key", "webhook-id"} {
		t.Run(header, func(t *testing.T) {
			t.Parallel()
			b := onlyStored(t, nil)
			url := b.onIngest().url()
			id := stored(t, send(t, http.MethodPost, url, "a", header, "k-1"))
			if again := stored(t, send(t, http.MethodPost, url, "a", header, "k-1")); again != id {
				t.Errorf("the same key: id %s, then %s", id, again)
			}
			other := stored(t, send(t, http.MethodPost, url, "b", header, "k-2"))
			b.kill()
			b.start()
			b.awaitLog("source reached")
			if again := stored(t, send(t, http.MethodPost, url, "a", header, "k-1")); again != id {
				t.Errorf("the same key after a restart: id %s, then %s", id, again)
			}
			b.worker.listen()
			b.awaitEmpty()
			// Also when it was delivered long since.
			if again := stored(t, send(t, http.MethodPost, url, "b", header, "k-2")); again != other {
				t.Errorf("the same key after the delivery: id %s, then %s", other, again)
			}
			b.awaitEmpty()
			b.stop()
			onePostEach(t, b.worker, []string{id, other})
			for _, r := range b.worker.got() {
				if r.has("Idempotency-Key") {
					t.Error("the key was sent to the worker outside replay")
				}
			}
		})
	}
}

func TestDelayedMessageWaits(t *testing.T) {
	t.Parallel()
	onEveryWay(t, func(t *testing.T, by way) {
		w := by.newWorker(t, always(says(200)))
		b := newBench(t, ofIngest, w, nil)
		url := b.onIngest().url()
		begun := time.Now()
		late := stored(t, send(t, http.MethodPost, url, "late", "X-Carrier-Delay", "1500ms"))
		later := stored(t, send(t, http.MethodPost, url, "later", "X-Carrier-Delay", "2"))
		w.await(2)
		for id, least := range map[string]time.Duration{late: 1500 * time.Millisecond, later: 2 * time.Second} {
			if r := w.of(id)[0]; r.At.Sub(begun) < least {
				t.Errorf("%s was posted after %v, want %v at least", r.Body, r.At.Sub(begun), least)
			}
		}
		for _, bad := range []string{"-1", "soon", "1e3", ""} {
			isProblem(t, "delay "+bad, send(t, http.MethodPost, url, "x", "X-Carrier-Delay", bad), 400)
		}
		b.awaitEmpty()
		b.stop()
	})
}

func TestStoredMessagesOutliveTheProgram(t *testing.T) {
	t.Parallel()
	for how, end := range map[string]func(b *bench){"SIGTERM": func(b *bench) { b.stop() }, "SIGKILL": func(b *bench) { b.kill() }} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			b := onlyStored(t, nil)
			ids := b.putAll("a", "b", "c")
			end(b)
			b.worker.listen()
			b.start()
			b.awaitEmptyAfterRestart()
			b.stop()
			onePostEach(t, b.worker, ids)
		})
	}
}

// awaitEmptyAfterRestart waits for the program to be up, and then for an empty queue.
func (b *bench) awaitEmptyAfterRestart() {
	b.t.Helper()
	b.awaitReady()
	b.awaitEmpty()
}
