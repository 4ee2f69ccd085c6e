package test

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"carrier/internal/sqstest"
	"carrier/internal/sqstest/fauxqs"
)

// A letter is a message before it is in a queue. Only Body is needed.
type letter struct {
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
	put(l letter) string
	// left is how many messages the queue holds, those in hand included. The program runs.
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
	b := &bench{t: t, worker: w, source: newSource(t, kind)}
	b.env = env{
		"CARRIER_ADMIN_ADDRESS":          freeAddress(t),
		"CARRIER_WEBHOOK_ENDPOINT":       w.endpoint(),
		"CARRIER_LOG_LEVEL":              "debug",
		"CARRIER_CONCURRENCY":            "4",
		"CARRIER_RETRY_INITIAL_INTERVAL": "50ms",
	}.with(b.source.env()).with(e)
	return b
}

// start starts the program, again if it has ended.
func (b *bench) start() {
	b.t.Helper()
	b.program = launch(b.t, b.env)
}

func (b *bench) put(l letter) string {
	b.t.Helper()
	return b.source.put(l)
}

// putAll stores a message of each body, in order.
func (b *bench) putAll(bodies ...string) []string {
	b.t.Helper()
	var ids []string
	for _, body := range bodies {
		ids = append(ids, b.put(letter{Body: body}))
	}
	return ids
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
		return &ingestSource{t: t, address: freeAddress(t), dir: filepath.Join(t.TempDir(), "data")}
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

// A sqsSource is a queue of the fake SQS in this process.
type sqsSource struct {
	t        *testing.T
	server   *sqstest.Server
	endpoint string
	queue    *sqstest.Queue
}

func (s *sqsSource) env() env {
	return env{
		"CARRIER_SQS_QUEUE_NAME": s.queue.Name(),
		"CARRIER_SQS_ENDPOINT":   s.endpoint,
	}
}

func (s *sqsSource) put(l letter) string {
	s.t.Helper()
	id, err := s.send(l)
	must(s.t, err)
	return id
}

// send is put from any goroutine.
func (s *sqsSource) send(l letter) (id string, err error) {
	out := sqstest.Letter{Body: l.Body, Trace: l.Trace, Attributes: map[string]sqstest.Attribute{}}
	for name, value := range l.Attributes {
		out.Attributes[name] = sqstest.Text(value)
	}
	if l.ContentType != "" {
		out.Attributes["Body.ContentType"] = sqstest.Text(l.ContentType)
	}
	if strings.HasSuffix(s.queue.Name(), ".fifo") {
		out.Group, out.Dedup = l.Group, rand.Text()
	}
	return s.queue.Send(out)
}

func (s *sqsSource) left(*program) int { return s.queue.Counts().All() }

// deadLetters makes a queue for them and the redrive policy that names it.
func (s *sqsSource) deadLetters(most int) *sqstest.Queue {
	s.t.Helper()
	name := "dead"
	if strings.HasSuffix(s.queue.Name(), ".fifo") {
		name = "dead.fifo"
	}
	dead, err := s.server.CreateQueue(name, nil)
	must(s.t, err)
	policy, err := json.Marshal(map[string]any{"deadLetterTargetArn": dead.ARN(), "maxReceiveCount": most})
	must(s.t, err)
	must(s.t, s.queue.Set(map[string]string{"RedrivePolicy": string(policy)}))
	return dead
}

// An ingestSource is the embedded queue of the program itself.
type ingestSource struct {
	t            *testing.T
	address, dir string
}

func (s *ingestSource) env() env {
	return env{
		"CARRIER_RECEIVER":        "ingest",
		"CARRIER_INGEST_ADDRESS":  s.address,
		"CARRIER_INGEST_DATA_DIR": s.dir,
	}
}

func (s *ingestSource) url() string { return "http://" + s.address }

func (s *ingestSource) put(l letter) string {
	s.t.Helper()
	header := []string{}
	add := func(name, value string) {
		if value != "" {
			header = append(header, name, value)
		}
	}
	add("Content-Type", l.ContentType)
	add("X-Carrier-Group-Id", l.Group)
	add("X-Amzn-Trace-Id", l.Trace)
	for name, value := range l.Attributes {
		if name == "traceparent" || name == "tracestate" {
			add(name, value)
			continue
		}
		add("X-Carrier-Attribute-"+name, value)
	}
	return stored(s.t, send(s.t, http.MethodPost, s.url(), l.Body, header...))
}

// stored is the id of a message that was accepted.
func stored(t *testing.T, r reply) string {
	t.Helper()
	var body struct{ Status, ID string }
	if err := json.Unmarshal([]byte(r.Body), &body); r.Status != http.StatusOK || err != nil || body.Status != "OK" || body.ID == "" {
		t.Fatalf("not accepted: %d %s", r.Status, r.Body)
	}
	return body.ID
}

func (s *ingestSource) left(p *program) int {
	s.t.Helper()
	samples := p.metrics()
	n, there := samples["carrier_ingest_queue_messages"]
	if !there {
		return -1 // not up
	}
	return int(n)
}
