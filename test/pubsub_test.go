package test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"carrier/internal/testkit/pubsubtest"
)

// A pubsubSource is a subscription of a Pub/Sub server.
type pubsubSource struct {
	t      *testing.T
	server *pubsubtest.Server
	sub    *pubsubtest.Subscription
}

func newPubSubSource(t *testing.T, server *pubsubtest.Server, name string, with *pubsubpb.Subscription) *pubsubSource {
	t.Helper()
	return &pubsubSource{t, server, server.Subscribe(t, name, with)}
}

func (s *pubsubSource) env() env {
	return env{
		"CARRIER_PUBSUB_SUBSCRIPTION": s.sub.Name,
		"CARRIER_PUBSUB_PROJECT":      pubsubtest.Project,
		"CARRIER_PUBSUB_ENDPOINT":     s.server.Endpoint,
	}
}

func (s *pubsubSource) put(l testMessage) string {
	s.t.Helper()
	m := &pubsubpb.PubsubMessage{Data: []byte(l.Body), OrderingKey: l.Group, Attributes: map[string]string{}}
	for name, value := range l.Attributes {
		m.Attributes[name] = value
	}
	if l.ContentType != "" {
		m.Attributes["Content-Type"] = l.ContentType
	}
	id, err := s.sub.Publish(m)
	must(s.t, err)
	return id
}

// left asks the program: a server that is not the fake does not say.
func (s *pubsubSource) left(p *program) int {
	s.t.Helper()
	if s.server.Fake != nil {
		return s.sub.Left(s.t, 0)
	}
	return int(p.metric("carrier_messages_in_flight", ""))
}

// onPubSub prepares a program in front of a subscription.
func onPubSub(t *testing.T, s *pubsubSource, w *worker, e env) *bench {
	t.Helper()
	return prepareOn(t, s, w, e)
}

func TestPubSubFromEndToEnd(t *testing.T) {
	t.Parallel()
	throughPubSub(t, pubsubtest.NewFake(t), says(500), says(500))
}

func TestPubSubFromEndToEndOnTheEmulator(t *testing.T) {
	t.Parallel()
	// No failed heads: it puts what is given back behind all else of its key, and may sit on
	// it for an ack deadline. What it makes of one head is in the conformance suite.
	throughPubSub(t, pubsubtest.NewEmulator(t))
}

// throughPubSub is the way of a message from end to end. Where order is looked at the
// worker answers with refusals first.
func throughPubSub(t *testing.T, server *pubsubtest.Server, refusals ...answer) {
	t.Helper()
	t.Run("headers, a deferral and failures", func(t *testing.T) {
		w := newWorker(t, first(says(429, "Retry-After: 2"), says(500), raw("")))
		b := onPubSub(t, newPubSubSource(t, server, "orders", nil), w, nil)
		b.start()
		b.awaitReady()
		id := b.put(testMessage{Body: "h\x00éllo", ContentType: "text/plain", Attributes: map[string]string{"Kind": "a%b"}})
		posts := w.await(4)
		for i, r := range posts {
			if r.id() != id || r.Body != "h\x00éllo" || r.receiveCount() != i+1 || r.header("Content-Type") != "text/plain" || r.header("X-Carrier-Attribute-Kind") != "a%25b" || r.header("X-Carrier-Source") != "projects/p/subscriptions/orders" {
				t.Errorf("post %d: %+v", i+1, r)
			}
		}
		if after := posts[1].At.Sub(posts[0].At); after < 1900*time.Millisecond {
			t.Errorf("it came back after %v, want 2 s", after)
		}
		until(t, "settled", func() bool { return b.settled("delivered") == 1 })
		b.awaitEmpty()
		b.stop()
		if n := len(w.got()); n != 4 {
			t.Errorf("%d posts, want 4", n)
		}
	})
	t.Run("a deferral beyond ten minutes", func(t *testing.T) {
		w := newWorker(t, always(says(503, "Retry-After: 3600")))
		b := onPubSub(t, newPubSubSource(t, server, "deferred", nil), w, nil)
		b.start()
		b.awaitReady()
		if n := b.metric("carrier_deferrals_held"); n != 0 {
			t.Errorf("%v deferrals are held before there is one", n)
		}
		b.put(testMessage{Body: "later"})
		until(t, "a deferral that is held", func() bool { return b.metric("carrier_deferrals_held") == 1 })
		b.stop()
		if n := len(w.got()); n != 1 {
			t.Errorf("%d posts, want 1", n)
		}
	})
	t.Run("order", func(t *testing.T) {
		w := newWorker(t, first(refusals...))
		b := onPubSub(t, newPubSubSource(t, server, "ordered", &pubsubpb.Subscription{EnableMessageOrdering: true}), w, env{"CARRIER_CONCURRENCY": "6"})
		b.start()
		b.awaitReady()
		b.putGroups(5, "A", "B")
		until(t, "settled", func() bool { return b.settled("delivered") == 10 })
		b.stop()
		inOrder(t, w.got(), 5, "A", "B")
	})
	t.Run("a slow worker and a drain", func(t *testing.T) {
		hold := make(chan struct{})
		w := newWorker(t, always(held(says(200), hold)))
		b := onPubSub(t, newPubSubSource(t, server, "slow", nil), w, env{"CARRIER_CONCURRENCY": "2"})
		b.start()
		b.awaitReady()
		ids := b.putAll("a", "b")
		w.await(2)
		until(t, "renewals", func() bool { return b.metric("carrier_lease_extensions_total", `result="ok"`) >= 2 })
		late := b.put(testMessage{Body: "late"})
		drained := make(chan reply, 1)
		go func() { drained <- b.drain(http.MethodPost) }()
		b.awaitLog("stopping, no message")
		close(hold)
		if r := <-drained; r.Status != http.StatusOK {
			t.Errorf("/drain: %d %s", r.Status, r.Body)
		}
		b.stop()
		onePostEach(t, w, ids)
		if n := len(w.of(late)); n != 0 {
			t.Errorf("%d posts of what came when the worker was full", n)
		}
	})
	t.Run("dead letters", func(t *testing.T) {
		dead := server.Subscribe(t, "dead", nil)
		w := newWorker(t, first(says(422), says(200, "X-Carrier-Action: dead-letter")))
		b := onPubSub(t, newPubSubSource(t, server, "rejecting", nil), w, env{"CARRIER_REJECT_ACTION": "dead-letter", "CARRIER_DEAD_LETTER_TOPIC": dead.Name})
		if p := run(t, b.env, "check"); p.code != 0 || !strings.Contains(p.stdout.String(), "ok    what carrier rejects goes to projects/p/topics/dead") {
			t.Errorf("check: exit code %d\n%s", p.code, p.stdout.String())
		}
		b.start()
		b.awaitReady()
		for _, status := range []string{"422", "200"} {
			b.put(testMessage{Body: "of " + status, ContentType: "text/plain", Group: "g", Attributes: map[string]string{"Kind": "a"}})
			m := dead.Take(t)
			if got := m.GetAttributes(); string(m.GetData()) != "of "+status || m.GetOrderingKey() != "g" || got["Kind"] != "a" || got["Content-Type"] != "text/plain" ||
				got["Carrier.Status"] != status || got["Carrier.Attempts"] != "1" || got["Carrier.Reason"] == "" {
				t.Errorf("the dead letter is %v", m)
			}
		}
		until(t, "settled", func() bool { return b.settled("rejected") == 2 })
		b.awaitEmpty()
		b.stop()
	})
	t.Run("check and a missing subscription", func(t *testing.T) {
		w := newWorker(t, always(says(200)))
		s := newPubSubSource(t, server, "checked", nil)
		b := onPubSub(t, s, w, nil)
		if p := run(t, b.env, "check"); p.code != 0 || !strings.Contains(p.stdout.String(), "ok    subscription projects/p/subscriptions/checked") {
			t.Errorf("exit code %d\n%s", p.code, p.stdout.String())
		}
		gone := b.env.with(env{"CARRIER_PUBSUB_SUBSCRIPTION": "gone"})
		if p := run(t, gone, "check"); p.code != 1 || !strings.Contains(p.stdout.String(), "not_found") {
			t.Errorf("exit code %d\n%s", p.code, p.stdout.String())
		}
		if p := run(t, gone); p.code != 1 {
			t.Errorf("a missing subscription: exit code %d, want 1", p.code)
		}
	})
}
