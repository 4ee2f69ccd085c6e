package test

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"carrier/internal/testkit/sqstest"
)

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

func (s *sqsSource) put(l testMessage) string {
	s.t.Helper()
	id, err := s.send(l)
	must(s.t, err)
	return id
}

// send is put from any goroutine.
func (s *sqsSource) send(l testMessage) (id string, err error) {
	out := sqstest.Message{Body: l.Body, Trace: l.Trace, Attributes: map[string]sqstest.Attribute{}}
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

func (s *ingestSource) put(l testMessage) string {
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
