package sqs

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"carrier/internal/testkit/sqstest"
	"carrier/message"
	"carrier/receiver"
)

// TestMain runs the tests in an environment without any AWS configuration.
func TestMain(m *testing.M) {
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "AWS_") {
			_ = os.Unsetenv(name)
		}
	}
	nowhere := filepath.Join(os.TempDir(), "carrier-no-aws-configuration")
	_ = os.Setenv("AWS_CONFIG_FILE", nowhere)
	_ = os.Setenv("AWS_SHARED_CREDENTIALS_FILE", nowhere)
	// Tests against a server in real time wait most of theirs.
	flag.Parse()
	_ = flag.Set("test.parallel", "16")
	goleak.VerifyTestMain(m)
}

// A bench is an opened receiver on a queue of the fake server.
type bench struct {
	*Receiver
	server *sqstest.Server
	queue  *sqstest.Queue
	seen   *record
}

// bubble runs f with a bench whose time and network are a bubble's of
// testing/synctest. The queue is called q, or q.fifo where the options say so.
func bubble(t *testing.T, o Options, f func(t *testing.T, b bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := sqstest.New(sqstest.Options{})
		b := benchOn(t, s, o)
		f(t, b)
	})
}

func benchOn(t *testing.T, s *sqstest.Server, o Options) bench {
	t.Helper()
	name := "q"
	if o.QueueName != "" {
		name = o.QueueName
	}
	q := mustCreate(t, s, name)
	r, seen := receiverOn(t, s, o)
	must(t, r.Open(t.Context()))
	return bench{r, s, q, seen}
}

// receiverOn makes a receiver that reaches s through a pipe; it is not opened.
func receiverOn(t *testing.T, s *sqstest.Server, o Options) (*Receiver, *record) {
	t.Helper()
	client, stop := s.Pipe()
	seen := &record{}
	if o.QueueName == "" {
		o.QueueName = "q"
	}
	if o.WaitTime == 0 {
		o.WaitTime = time.Second // else a receive of nothing takes no time at all
	}
	o.Endpoint = "http://sqs.test"
	o.Transport = client.Transport.(*http.Transport)
	o.Observer, o.Warn = seen, seen.warn
	r := New(o)
	t.Cleanup(func() {
		must(t, r.Close())
		stop()
	})
	return r, seen
}

func mustCreate(t *testing.T, s *sqstest.Server, name string) *sqstest.Queue {
	t.Helper()
	q, err := s.CreateQueue(name, nil)
	must(t, err)
	return q
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// send puts n messages into the queue, in one group if there is one.
func (b bench) send(t *testing.T, n int, group string) {
	t.Helper()
	for i := range n {
		l := sqstest.Message{Body: fmt.Sprint(i), Group: group}
		if strings.HasSuffix(b.queue.Name(), ".fifo") {
			l.Dedup = fmt.Sprint(group, i)
		}
		_, err := b.queue.Send(l)
		must(t, err)
	}
}

// take receives n messages.
func (b bench) take(t *testing.T, n int) []*message.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var batch []*message.Message
	for len(batch) < n {
		more, err := b.Receive(ctx, n-len(batch))
		if err != nil {
			t.Fatalf("Receive: %v, after %d of %d messages", err, len(batch), n)
		}
		batch = append(batch, more...)
	}
	return batch
}

// settle settles every message of batch at once and returns their errors.
func (b bench) settle(t *testing.T, batch []*message.Message, o message.Outcome) []error {
	t.Helper()
	errs := make([]error, len(batch))
	var all sync.WaitGroup
	for i, m := range batch {
		all.Go(func() { errs[i] = b.Settle(t.Context(), m, o) })
	}
	all.Wait()
	return errs
}

// A record is an Observer that writes everything down.
type record struct {
	mu         sync.Mutex
	calls      map[string]int
	failures   map[string]int // by "operation class"
	duplicates map[string]int
	warnings   []string
}

func (r *record) count(counts *map[string]int, key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if *counts == nil {
		*counts = map[string]int{}
	}
	(*counts)[key]++
}

func (r *record) SourceCall(operation string) { r.count(&r.calls, operation) }
func (r *record) Duplicate(cause string)      { r.count(&r.duplicates, cause) }
func (r *record) SourceError(operation string, class receiver.Class) {
	r.count(&r.failures, operation+" "+string(class))
}

func (r *record) warn(w Warning) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.warnings = append(r.warnings, fmt.Sprint(w.Text, " [", w.MessageID, "]: ", w.Err))
}

// of reads one count.
func (r *record) of(counts *map[string]int, key string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return (*counts)[key]
}

// warned reports whether a warning held text.
func (r *record) warned(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Contains(strings.Join(r.warnings, "\n"), text)
}
