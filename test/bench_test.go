package test

import (
	"path/filepath"
	"testing"

	"carrier/internal/testkit/programtest"
	"carrier/internal/testkit/sqstest"
	"carrier/internal/testkit/sqstest/fauxqs"
)

// A testMessage is a message before it is in a queue. Only Body is needed.
type testMessage struct {
	Body        string
	ContentType string
	Group       string
	Attributes  map[string]string
	Trace       string
}

// A source is a queue that a test can put messages into and look at.
type source interface {
	// env is what the program has to know.
	env() env
	// put stores a message and returns its id. The program runs.
	put(l testMessage) string
	// left is how many messages the queue holds, those in flight included. The program runs.
	left(p *program) int
}

// The kinds of sources.
const (
	ofSQS     = "sqs"
	ofSQSFIFO = "sqs fifo"
	ofFaux    = "fauxqs"
	ofIngest  = "ingest"
)

// A bench is the program between a source and a worker.
type bench struct {
	*program
	t      *testing.T
	worker *worker
	source source
	env    env
}

// onEverySource runs promise once on a queue of SQS and once on the embedded one.
func onEverySource(t *testing.T, promise func(t *testing.T, kind string)) {
	t.Helper()
	for _, kind := range []string{ofSQS, ofIngest} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			promise(t, kind)
		})
	}
}

// newBench starts the program in front of w and waits until it is ready.
func newBench(t *testing.T, kind string, w *worker, e env) *bench {
	t.Helper()
	b := prepare(t, kind, w, e)
	b.start()
	b.awaitReady()
	return b
}

// prepare is newBench without the program's start.
func prepare(t *testing.T, kind string, w *worker, e env) *bench {
	t.Helper()
	return prepareOn(t, newSource(t, kind), w, e)
}

// prepareOn is prepare on a source of the test's own.
func prepareOn(t *testing.T, s source, w *worker, e env) *bench {
	t.Helper()
	b := &bench{t: t, worker: w, source: s}
	b.env = env{
		"CARRIER_ADMIN_ADDRESS":          programtest.FreeAddress(t),
		"CARRIER_LOG_LEVEL":              "debug",
		"CARRIER_CONCURRENCY":            "4",
		"CARRIER_RETRY_INITIAL_INTERVAL": "50ms",
	}.with(b.source.env()).with(e)
	b.env = b.worker.reach(b.env).with(b.env)
	return b
}

// start starts the program, again if it has ended.
func (b *bench) start() {
	b.t.Helper()
	b.program = launch(b.t, b.env)
}

func (b *bench) put(l testMessage) string {
	b.t.Helper()
	return b.source.put(l)
}

// putAll stores a message of each body, in order.
func (b *bench) putAll(bodies ...string) []string {
	b.t.Helper()
	var ids []string
	for _, body := range bodies {
		ids = append(ids, b.put(testMessage{Body: body}))
	}
	return ids
}

// delivers stores one more message, waits until the worker has accepted it, and stops the program.
func (b *bench) delivers() {
	b.t.Helper()
	before := len(b.worker.got())
	b.put(testMessage{Body: "delivered"})
	b.worker.await(before + 1)
	b.awaitEmpty()
	b.stop()
}

// awaitEmpty waits until the queue holds nothing.
func (b *bench) awaitEmpty() {
	b.t.Helper()
	until(b.t, "an empty queue", func() bool { return b.source.left(b.program) == 0 })
}

// onSQS is the source as a queue of the fake.
func (b *bench) onSQS() *sqsSource {
	b.t.Helper()
	s, ok := b.source.(*sqsSource)
	if !ok {
		b.t.Fatal("not on SQS")
	}
	return s
}

// onIngest is the source as the embedded queue.
func (b *bench) onIngest() *ingestSource {
	b.t.Helper()
	s, ok := b.source.(*ingestSource)
	if !ok {
		b.t.Fatal("not on ingest")
	}
	return s
}

func newSource(t *testing.T, kind string) source {
	t.Helper()
	if kind == ofIngest {
		return &ingestSource{t: t, address: programtest.FreeAddress(t), dir: filepath.Join(t.TempDir(), "data")}
	}
	if kind == ofFaux {
		return newFauxSource(t, fauxqs.Start(t), "orders", nil)
	}
	name := "orders"
	if kind == ofSQSFIFO {
		name = "orders.fifo"
	}
	s := &sqsSource{t: t}
	s.server, s.endpoint = sqstest.Start(t, sqstest.Options{})
	var err error
	s.queue, err = s.server.CreateQueue(name, nil)
	must(t, err)
	return s
}
