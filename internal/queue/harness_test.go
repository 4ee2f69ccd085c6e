package queue

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"carrier/internal/queue/queuefile"

	"go.uber.org/goleak"
)

func verifyNoLeaks(m *testing.M) { goleak.VerifyTestMain(m) }

// events keeps what was reported.
type events struct {
	mu  sync.Mutex
	all []string
}

func (e *events) report(event string, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, fmt.Sprintf("%s: %v", event, err))
}

func (e *events) count(event string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, line := range e.all {
		if strings.HasPrefix(line, event+": ") {
			n++
		}
	}
	return n
}

// open opens a queue that the test's end closes.
func open(t *testing.T, o Options) *Queue {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	q, err := Open(o)
	if err != nil {
		t.Fatalf("Open = %v", err)
	}
	t.Cleanup(func() { _ = q.Close() })
	return q
}

// Receive and Counts are those of the first subscription, for tests that have one.
func (q *Queue) Receive(ctx context.Context, limit int) ([]*Delivery, error) {
	return q.Subscription(0).Receive(ctx, limit)
}

func (q *Queue) Counts() Counts { return q.Subscription(0).Counts() }

func (q *Queue) mustPut(t *testing.T, e Entry) string {
	t.Helper()
	stored, err := q.Put(t.Context(), e)
	if err != nil {
		t.Fatalf("Put(%q) = %v", e.Body, err)
	}
	return stored.ID
}

func (q *Queue) putAll(t *testing.T, group, bodies string) {
	t.Helper()
	for _, body := range strings.Fields(bodies) {
		q.mustPut(t, Entry{Group: group, Body: []byte(body)})
	}
}

// takeN receives n messages, however many receives that needs. It waits for as long as
// the test may run.
func (q *Queue) takeN(t *testing.T, n int) []*Delivery {
	t.Helper()
	var batch []*Delivery
	for len(batch) < n {
		more, err := q.Receive(t.Context(), n-len(batch))
		if err != nil {
			t.Fatalf("Receive = %v, with %d of %d taken", err, len(batch), n)
		}
		batch = append(batch, more...)
	}
	return batch
}

func (q *Queue) take(t *testing.T) *Delivery {
	t.Helper()
	return q.takeN(t, 1)[0]
}

// none fails if a message is due.
func (q *Queue) none(t *testing.T) {
	t.Helper()
	if due := dueOf(t, q.Subscription(0)); len(due) > 0 {
		t.Fatalf("%q is due", bodies(due))
	}
}

// dueOf receives what is due for s, up to a hundred messages, without waiting.
func dueOf(t *testing.T, s *Subscription) []*Delivery {
	t.Helper()
	batch, err := s.Receive(&unwaiting{}, 100)
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Fatalf("Receive = %v", err)
	}
	return batch
}

// An unwaiting context is over as soon as somebody waits for its end.
type unwaiting struct{ over atomic.Bool }

// Deadline and Value are those of no context.
func (c *unwaiting) Deadline() (deadline time.Time, ok bool) { return time.Time{}, false }
func (c *unwaiting) Value(any) any                           { return nil }

// Done is closed.
func (c *unwaiting) Done() <-chan struct{} {
	c.over.Store(true)
	done := make(chan struct{})
	close(done)
	return done
}

// Err is Canceled once Done was called.
func (c *unwaiting) Err() error {
	if c.over.Load() {
		return context.Canceled
	}
	return nil
}

func (q *Queue) remove(t *testing.T, batch ...*Delivery) {
	t.Helper()
	for _, d := range batch {
		if err := d.Remove(t.Context()); err != nil {
			t.Fatalf("Remove(%s) = %v", d.Body, err)
		}
	}
}

func bodies(batch []*Delivery) string {
	all := make([]string, len(batch))
	for i, d := range batch {
		all[i] = string(d.Body)
	}
	return strings.Join(all, " ")
}

// killed copies the file as it is on the disk at this moment, as a process that dies now
// would leave it, and returns the directory of the copy.
func (q *Queue) killed(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(q.options.Dir, queuefile.Name))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, queuefile.Name), data, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s = %v, want %v", what, err, want)
	}
}
