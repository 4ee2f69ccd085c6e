package sqs

import (
	"flag"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"carrier/internal/testkit/awsenv"
	"carrier/internal/testkit/sqstest"
	"carrier/message"
	"carrier/receiver/receivertest"
)

// TestMain runs the tests in an environment without any AWS configuration.
func TestMain(m *testing.M) {
	awsenv.Clear()
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
	seen   *receivertest.Record
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
func receiverOn(t *testing.T, s *sqstest.Server, o Options) (*Receiver, *receivertest.Record) {
	t.Helper()
	client, stop := s.Pipe()
	seen := &receivertest.Record{}
	if o.QueueName == "" {
		o.QueueName = "q"
	}
	if o.WaitTime == 0 {
		o.WaitTime = time.Second // else a receive of nothing takes no time at all
	}
	o.Endpoint = "http://sqs.test"
	o.Transport = client.Transport.(*http.Transport)
	o.Observer, o.Warn = seen, noting(seen)
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
	return receivertest.Take(t, b.Receiver, n, 5*time.Minute)
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

// noting notes in seen what is warned about.
func noting(seen *receivertest.Record) func(Warning) {
	return func(w Warning) { seen.Warn(w.MessageID, w.Text, w.Err) }
}
