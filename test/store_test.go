package test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"carrier/internal/testkit/natstest"
	"carrier/internal/testkit/programtest"
	"carrier/internal/testkit/pubsubtest"
	"carrier/internal/testkit/sqstest"
)

// Section 14: what the door says while the queue is away and while carrier stops, and the queues of
// other kinds.

func TestDoorStaysInServiceWhileTheQueueIsAway(t *testing.T) {
	t.Parallel()
	for store, want := range map[string]struct {
		status int
		stored string
		cause  string
	}{
		"queue":      {503, "", `cause="not_stored"`},
		"queue+file": {200, "file", ""},
	} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			d := newDoor(t, "orders", env{"CARRIER_INGEST_STORE": store})
			d.server.Always("SendMessageBatch", sqstest.Fault{Error: sqstest.RequestThrottled()})
			for range 5 {
				send(t, "POST", d.url, "a")
			}
			until(t, "away", func() bool { return d.metric("carrier_forward_up") == 0 })
			r := send(t, "POST", d.url, "a")
			if r.Status != want.status || want.status == 200 && storedIn(t, r) != want.stored || want.status == 503 && r.Header.Get("Retry-After") == "" {
				t.Errorf("answer %d %v %s", r.Status, r.Header, r.Body)
			}
			if r := d.ask("/readyz"); r.Status != 200 {
				t.Errorf("/readyz: %d %s", r.Status, r.Body)
			}
			if r := d.ask("/readyz?route=default"); r.Status != 503 || !strings.Contains(r.Body, "worker") {
				t.Errorf("/readyz of the route: %d %s", r.Status, r.Body)
			}
			if want.cause != "" && d.metric("carrier_ingest_store_failures_total", want.cause) < 6 {
				t.Errorf("counted %v", d.metrics())
			}
			d.server.Heal()
			until(t, "the queue is found again", func() bool {
				return storedIn200(send(t, "POST", d.url, "a")) && d.metric("carrier_forward_up") == 1
			})
			d.stop()
		})
	}
}

// storedIn200 reports whether r says that the message is in the queue.
func storedIn200(r reply) bool {
	return r.Status == 200 && strings.Contains(r.Body, `"stored":"queue"`)
}

func TestRequestsUnderWayAtTheSignalAreAnswered(t *testing.T) {
	t.Parallel()
	for _, store := range []string{"queue", "queue+file"} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			d := newDoor(t, "orders", env{"CARRIER_INGEST_STORE": store})
			hold := make(chan struct{})
			d.server.Always("SendMessageBatch", sqstest.Fault{Hold: hold})
			const producers = 12
			answers := make([]reply, producers)
			var all sync.WaitGroup
			for i := range producers {
				all.Go(func() { answers[i] = send(t, "POST", d.url, fmt.Sprint(i)) })
			}
			until(t, "connections", func() bool { return d.metric("carrier_ingest_connections") == producers })
			until(t, "calls", func() bool { return d.server.Open("SendMessageBatch") >= 2 })
			d.Signal(syscall.SIGTERM)
			d.awaitLog("stopping, no message")
			if r := send(t, "POST", d.url, "late"); r.Status == 200 {
				t.Errorf("a late message: %d %s", r.Status, r.Body)
			}
			close(hold)
			all.Wait()
			d.wait()
			if d.code != 0 {
				t.Errorf("the program ended with %d", d.code)
			}
			stored := 0
			for i, r := range answers {
				switch {
				case storedIn200(r):
					stored++
				case r.Status != 503: // it came after the signal
					t.Errorf("message %d: %d %s", i, r.Status, r.Body)
				}
			}
			if n := d.queue.Counts().All(); n != stored || stored < 2 {
				t.Errorf("%d messages are in the queue, and %d were answered so", n, stored)
			}
		})
	}
}

// Producers go on while the queue goes away, carrier gets its signal, and is started again.
func TestNothingAcknowledgedIsLostByASignalWhileTheQueueIsAway(t *testing.T) {
	t.Parallel()
	d := newDoor(t, "orders", env{"CARRIER_INGEST_STORE": "queue+file"})
	var mu sync.Mutex
	var acknowledged []string
	var producers sync.WaitGroup
	stop := make(chan struct{})
	for p := range 4 {
		producers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				body := fmt.Sprint(p, ".", i)
				if r := send(t, "POST", d.url, body); r.Status == 200 {
					mu.Lock()
					acknowledged = append(acknowledged, body)
					mu.Unlock()
				}
			}
		})
	}
	reached := func(n int) func() bool {
		return func() bool { mu.Lock(); defer mu.Unlock(); return len(acknowledged) >= n }
	}
	until(t, "messages in the queue", reached(20))
	d.server.Always("SendMessageBatch", sqstest.Fault{Drop: sqstest.BeforeWork})
	until(t, "messages in the file", reached(60))
	d.stop()
	close(stop)
	producers.Wait()
	d.server.Heal()
	d.start(t)
	d.awaitQueued(len(acknowledged))
	d.stop()
	stored := map[string]bool{}
	for _, m := range d.queue.Peek() {
		stored[m.Body] = true
	}
	for _, body := range acknowledged {
		if !stored[body] {
			t.Errorf("message %s was acknowledged, and is nowhere", body)
		}
	}
}

// doorTo starts a program on ingest with e, and returns it and where producers post.
func doorTo(t *testing.T, e env) (p *program, url string) {
	t.Helper()
	address := programtest.FreeAddress(t)
	p = launch(t, env{
		"CARRIER_INGEST_ADDRESS": address, "CARRIER_ADMIN_ADDRESS": programtest.FreeAddress(t), "CARRIER_INGEST_DATA_DIR": t.TempDir(),
	}.with(e))
	p.awaitReady()
	return p, "http://" + address
}

// stores are the ways of a message into a queue.
func stores() map[string]env {
	return map[string]env{
		"file, forwarded": {"CARRIER_TRANSMITTER": "forward"},
		"queue":           {"CARRIER_INGEST_STORE": "queue"},
		"queue and file":  {"CARRIER_INGEST_STORE": "queue+file"},
	}
}

func TestMessagesGoToASecuredNATSServer(t *testing.T) {
	t.Parallel()
	cert, key := natstest.Certificate(t)
	server := natstest.Start(t, natstest.TLS(t, cert, key, true), func(o *natsserver.Options) { o.Authorization = "secret" }).
		Connect(t, nats.RootCAs(cert), nats.ClientCert(cert, key), nats.Token("secret"))
	for name, e := range stores() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stream := strings.ToUpper(strings.ReplaceAll(strings.ReplaceAll(name, " ", ""), ",", ""))
			server.Stream(t, stream)
			p, url := doorTo(t, env{
				"CARRIER_FORWARD_TO": "nats", "CARRIER_FORWARD_NATS_URL": server.URL, "CARRIER_NATS_SUBJECT": stream + ".x",
				"CARRIER_FORWARD_NATS_CA_FILE": cert, "CARRIER_FORWARD_NATS_CLIENT_CERT_FILE": cert, "CARRIER_FORWARD_NATS_CLIENT_KEY_FILE": key,
				"CARRIER_FORWARD_NATS_TOKEN": "secret",
			}.with(e))
			for i := range 6 {
				storedIn(t, send(t, "POST", url, fmt.Sprint(i), "Content-Type", "text/x", "X-Carrier-Attribute-Kind", "k", "X-Carrier-Group-Id", "g", "Idempotency-Key", fmt.Sprint("key", i)))
			}
			until(t, "in the stream", func() bool { return server.Left(t, stream) == 6 })
			p.stop()
			consumer := server.Consumer(t, stream, "c")
			batch, err := consumer.Fetch(6)
			must(t, err)
			var bodies []string
			for m := range batch.Messages() {
				bodies = append(bodies, string(m.Data()))
				checkHeaders(t, m)
			}
			if want := []string{"0", "1", "2", "3", "4", "5"}; !slices.Equal(bodies, want) {
				t.Errorf("the stream has %q, want %q", bodies, want)
			}
		})
	}
}

func checkHeaders(t *testing.T, m jetstream.Msg) {
	t.Helper()
	h := m.Headers()
	if h.Get("Content-Type") != "text/x" || h.Get("Kind") != "k" || h.Get("Carrier-Group-Id") != "g" || h.Get("Nats-Msg-Id") != "key"+string(m.Data()) {
		t.Errorf("message %s has the headers %v", m.Data(), h)
	}
}

func TestOutageOfNATSIsBridgedByTheFile(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t).Connect(t)
	server.Stream(t, "ORDERS")
	p, url := doorTo(t, env{
		"CARRIER_FORWARD_TO": "nats", "CARRIER_NATS_URL": server.URL, "CARRIER_NATS_SUBJECT": "ORDERS.x",
		"CARRIER_INGEST_STORE": "queue+file", "CARRIER_INGEST_STORE_TIMEOUT": "1s",
	})
	until(t, "the queue is there", func() bool { return p.metric("carrier_forward_up") == 1 })
	where := map[string]int{}
	post := func(i int) { where[storedIn(t, send(t, "POST", url, fmt.Sprint(i), "X-Carrier-Group-Id", "g"))]++ }
	for i := range 3 {
		post(i)
	}
	server.Stop()
	for i := range 3 {
		post(3 + i)
	}
	server.Restart(t)
	until(t, "all are in the stream", func() bool { return p.metric("carrier_ingest_queue_messages") == 0 })
	until(t, "the test is connected again", server.Conn.IsConnected)
	consumer := server.Consumer(t, "ORDERS", "c")
	batch, err := consumer.Fetch(6, jetstream.FetchMaxWait(time.Second))
	must(t, err)
	var bodies string
	for m := range batch.Messages() {
		bodies += string(m.Data())
	}
	if bodies != "012345" || where["queue"] != 3 || where["file"] != 3 {
		t.Errorf("the stream has %q, stored in %v", bodies, where)
	}
	p.stop()
}

func TestMessagesGoToPubSub(t *testing.T) {
	t.Parallel()
	server := pubsubtest.NewFake(t)
	for name, e := range stores() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			topic := "orders-" + strings.ReplaceAll(strings.ReplaceAll(name, " ", ""), ",", "")
			subscription := server.Subscribe(t, topic, &pubsubpb.Subscription{EnableMessageOrdering: true})
			p, url := doorTo(t, env{
				"CARRIER_FORWARD_TO": "pubsub", "CARRIER_PUBSUB_TOPIC": topic, "CARRIER_PUBSUB_PROJECT": pubsubtest.Project, "CARRIER_PUBSUB_ENDPOINT": server.Endpoint,
			}.with(e))
			for i := range 5 {
				storedIn(t, send(t, "POST", url, fmt.Sprint(i), "Content-Type", "text/x", "X-Carrier-Attribute-Kind", "k", "X-Carrier-Group-Id", "g"))
			}
			for i := range 5 {
				m := subscription.Take(t)
				if string(m.GetData()) != fmt.Sprint(i) || m.GetOrderingKey() != "g" || m.GetAttributes()["Kind"] != "k" || m.GetAttributes()["Content-Type"] != "text/x" {
					t.Errorf("message %d: %v", i, m)
				}
			}
			p.stop()
		})
	}
}
