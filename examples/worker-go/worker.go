package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// remembered is how many ids of finished messages are kept at least.
const remembered = 10_000

// A worker works on messages. It knows those it has finished: carrier delivers at
// least once, and a message in flight at a fault comes twice. What must never happen
// twice keeps the id in its own database, in the transaction that does the work.
type worker struct {
	limit, status int
	delay         time.Duration

	mu             sync.Mutex
	busy           map[string]bool
	done, doneOnce map[string]bool // the newer ids, and those before them
}

func newWorker(getenv func(string) string) (*worker, error) {
	limit, err1 := number(getenv, "WORKER_LIMIT", 8)
	status, err2 := number(getenv, "WORKER_STATUS", http.StatusOK)
	delay, err3 := number(getenv, "WORKER_DELAY", 0)
	return &worker{
		limit: int(limit), status: int(status), delay: time.Duration(delay * float64(time.Second)),
		busy: map[string]bool{}, done: map[string]bool{},
	}, errors.Join(err1, err2, err3)
}

// ServeHTTP is the whole of the contract with carrier: 2xx and the message is done,
// 429 and it comes back after Retry-After, 5xx and it comes back after a while, any
// other 4xx and it is a dead letter.
func (w *worker) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		out.WriteHeader(http.StatusInternalServerError)
		return
	}
	id := r.Header.Get("X-Carrier-Message-Id")
	switch taken, doneBefore := w.take(id); {
	case doneBefore:
		fmt.Printf("worker: %s was done before\n", id)
	case !taken:
		out.Header().Set("Retry-After", "1")
		out.WriteHeader(http.StatusTooManyRequests)
	default:
		w.work(r, body)
		w.finish(id)
		out.WriteHeader(w.status)
	}
}

// work prints the message.
func (w *worker) work(r *http.Request, body []byte) {
	var text strings.Builder
	_, _ = fmt.Fprintf(&text, "worker: %s %s\n", r.Method, r.URL)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if strings.HasPrefix(name, "X-Carrier-") || name == "Content-Type" {
			_, _ = fmt.Fprintf(&text, "  %s: %s\n", name, r.Header.Get(name))
		}
	}
	fmt.Printf("%s  %s\n", &text, body)
	time.Sleep(w.delay)
}

// take reports whether to work on the message now, or that there is no need to.
func (w *worker) take(id string) (taken, doneBefore bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done[id] || w.doneOnce[id] {
		return false, true
	}
	if w.busy[id] || len(w.busy) >= w.limit {
		return false, false
	}
	w.busy[id] = true
	return true, false
}

func (w *worker) finish(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.busy, id)
	if id == "" || w.status >= 300 {
		return
	}
	if len(w.done) == remembered {
		w.done, w.doneOnce = map[string]bool{}, w.done
	}
	w.done[id] = true
}
