package test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"carrier/internal/testkit/natstest"
)

// A natsSource is the consumer c of a stream of a NATS server in this process.
type natsSource struct {
	t      *testing.T
	server *natstest.Server
	stream string
}

func newNATSSource(t *testing.T, s *natstest.Server, stream string, change ...func(*jetstream.ConsumerConfig)) *natsSource {
	t.Helper()
	s.Stream(t, stream)
	s.Consumer(t, stream, "c", change...)
	return &natsSource{t, s, stream}
}

func (s *natsSource) env() env {
	return env{"CARRIER_NATS_URL": s.server.URL, "CARRIER_NATS_STREAM": s.stream, "CARRIER_NATS_CONSUMER": "c"}
}

func (s *natsSource) put(l testMessage) string {
	s.t.Helper()
	headers := nats.Header{}
	for name, value := range l.Attributes {
		headers[name] = []string{value}
	}
	for name, value := range map[string]string{"Content-Type": l.ContentType, "Carrier-Group-Id": l.Group} {
		if value != "" {
			headers[name] = []string{value}
		}
	}
	return fmt.Sprintf("%s:%d", s.stream, s.server.Publish(s.t, s.stream+".x", l.Body, headers))
}

func (s *natsSource) left(*program) int { return s.server.Left(s.t, s.stream) }

// shortLease gives a consumer leases that are renewed within a test.
func shortLease(c *jetstream.ConsumerConfig) { c.AckWait = 3 * time.Second }

func TestNATSFromEndToEnd(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t).Connect(t)
	t.Run("headers, a deferral and failures", func(t *testing.T) {
		t.Parallel()
		w := newWorker(t, first(says(429, "Retry-After: 2"), says(500), raw("")))
		b := prepareOn(t, newNATSSource(t, server, "ORDERS"), w, nil)
		b.start()
		b.awaitReady()
		id := b.put(testMessage{Body: "h\x00éllo", ContentType: "text/plain", Attributes: map[string]string{"Kind": "a%b"}})
		posts := w.await(4)
		for i, r := range posts {
			if !strings.HasPrefix(r.id(), id+":") || r.Body != "h\x00éllo" || r.receiveCount() != i+1 || r.header("Content-Type") != "text/plain" || r.header("X-Carrier-Attribute-Kind") != "a%25b" || r.header("X-Carrier-Source") != "ORDERS/c" {
				t.Errorf("post %d: %+v", i+1, r)
			}
		}
		if after := posts[1].At.Sub(posts[0].At); after < 1900*time.Millisecond {
			t.Errorf("it came back after %v, want 2 s", after)
		}
		until(t, "settled", func() bool { return b.settled("delivered") == 1 })
		b.awaitEmpty()
		b.stop()
	})
	t.Run("order", func(t *testing.T) {
		t.Parallel()
		w := newWorker(t, first(says(500), says(500)))
		b := prepareOn(t, newNATSSource(t, server, "ORDERED"), w, env{"CARRIER_CONCURRENCY": "6", "CARRIER_NATS_ORDERED": "true"})
		b.start()
		b.awaitReady()
		b.putGroups(5, "A", "B")
		until(t, "settled", func() bool { return b.settled("delivered") == 10 })
		b.stop()
		inOrder(t, w.got(), 5, "A", "B")
	})
	t.Run("a slow worker and a drain", func(t *testing.T) {
		t.Parallel()
		hold := make(chan struct{})
		w := newWorker(t, always(held(says(200), hold)))
		s := newNATSSource(t, server, "SLOW", shortLease)
		b := prepareOn(t, s, w, env{"CARRIER_CONCURRENCY": "2"})
		b.start()
		b.awaitReady()
		b.putAll("a", "b")
		w.await(2)
		until(t, "renewals", func() bool { return b.metric("carrier_lease_extensions_total", `result="ok"`) >= 4 })
		b.put(testMessage{Body: "late"})
		drained := make(chan reply, 1)
		go func() { drained <- b.drain(http.MethodPost) }()
		b.awaitLog("stopping, no message")
		close(hold)
		if r := <-drained; r.Status != http.StatusOK {
			t.Errorf("/drain: %d %s", r.Status, r.Body)
		}
		b.stop()
		if n, left := len(w.got()), s.left(nil); n != 2 || left != 1 {
			t.Errorf("%d posts and %d messages left, want 2 and 1", n, left)
		}
	})
	t.Run("a kill", func(t *testing.T) {
		t.Parallel()
		hold := make(chan struct{})
		w := newWorker(t, always(held(says(200), hold)))
		s := newNATSSource(t, server, "KILLED", shortLease)
		b := prepareOn(t, s, w, env{"CARRIER_CONCURRENCY": "4"})
		b.start()
		b.awaitReady()
		b.putAll("a", "b", "c", "d", "e", "f")
		w.await(4)
		b.kill()
		close(hold)
		b.start()
		until(t, "empty", func() bool { return s.left(nil) == 0 })
		b.stop()
		bodies := map[string]bool{}
		for _, r := range w.got() {
			bodies[r.Body] = true
		}
		if len(bodies) != 6 {
			t.Errorf("posted %v, want all six", bodies)
		}
	})
	t.Run("dead letters", func(t *testing.T) {
		t.Parallel()
		server.Stream(t, "DEAD")
		w := newWorker(t, first(says(422), says(200, "X-Carrier-Action: dead-letter"), says(500)))
		s := newNATSSource(t, server, "REJECTING", func(c *jetstream.ConsumerConfig) { c.MaxDeliver = 1 })
		b := prepareOn(t, s, w, env{"CARRIER_REJECT_ACTION": "dead-letter", "CARRIER_DEAD_LETTER_SUBJECT": "DEAD.x"})
		b.start()
		b.awaitReady()
		dead, err := server.JS.Stream(t.Context(), "DEAD")
		must(t, err)
		for n, status := range []string{"422", "200", "500"} {
			b.put(testMessage{Body: "of " + status, ContentType: "text/plain", Group: "g", Attributes: map[string]string{"Kind": "a"}})
			until(t, "a dead letter", func() bool { return server.Left(t, "DEAD") == n+1 })
			m, err := dead.GetMsg(t.Context(), uint64(n+1))
			must(t, err)
			of := func(name string) string { return strings.Join(m.Header[name], ",") }
			if string(m.Data) != "of "+status || of("Carrier-Group-Id") != "g" || of("Kind") != "a" || of("Content-Type") != "text/plain" ||
				of("Carrier.Status") != status || of("Carrier.Attempts") != "1" || of("Carrier.Reason") == "" {
				t.Errorf("the dead letter is %v", m)
			}
		}
		b.awaitEmpty()
		b.stop()
	})
	t.Run("check and a missing consumer", func(t *testing.T) {
		t.Parallel()
		w := newWorker(t, always(says(200)))
		b := prepareOn(t, newNATSSource(t, server, "CHECKED"), w, nil)
		if p := run(t, b.env, "check"); p.code != 0 || !strings.Contains(p.stdout.String(), "ok    consumer c of stream CHECKED") {
			t.Errorf("exit code %d\n%s", p.code, p.stdout.String())
		}
		gone := b.env.with(env{"CARRIER_NATS_CONSUMER": "gone"})
		if p := run(t, gone, "check"); p.code != 1 || !strings.Contains(p.stdout.String(), "nats consumer add CHECKED gone") {
			t.Errorf("exit code %d\n%s", p.code, p.stdout.String())
		}
		if p := run(t, gone); p.code != 1 {
			t.Errorf("a missing consumer: exit code %d, want 1", p.code)
		}
	})
}

// The server is away for a while: nothing is lost, and the program goes on by itself.
func TestNATSServerThatComesBackIsUsedAgain(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t).Connect(t)
	s := newNATSSource(t, server, "S")
	w := newWorker(t, always(says(200)))
	b := prepareOn(t, s, w, nil)
	b.start()
	b.awaitReady()
	b.putAll("a", "b")
	w.await(2)
	b.awaitEmpty()
	server.Stop()
	b.awaitLog("the connection to NATS was lost")
	server.Restart(t)
	b.putAll("c", "d")
	w.await(4)
	b.awaitEmpty()
	b.stop()
}
