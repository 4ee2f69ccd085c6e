package test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"carrier/internal/testkit/programtest"
	"carrier/internal/testkit/sqstest"
)

// Section 14: messages go on to a queue, and producers' messages into one.

// A door is a program that takes producers' messages and puts them into a queue.
type door struct {
	*program
	variables env
	server    *sqstest.Server
	queue     *sqstest.Queue
	url       string
}

// newDoor starts a program on ingest whose messages go to a queue called name.
func newDoor(t *testing.T, name string, e env) *door {
	t.Helper()
	server, endpoint := sqstest.Start(t, sqstest.Options{})
	queue, err := server.CreateQueue(name, nil)
	must(t, err)
	address := programtest.FreeAddress(t)
	d := &door{server: server, queue: queue, url: "http://" + address, variables: env{
		"CARRIER_INGEST_ADDRESS": address, "CARRIER_ADMIN_ADDRESS": programtest.FreeAddress(t), "CARRIER_INGEST_DATA_DIR": t.TempDir(),
		"CARRIER_FORWARD_TO": "sqs", "CARRIER_SQS_QUEUE_NAME": name, "CARRIER_SQS_ENDPOINT": endpoint,
	}.with(e)}
	d.start(t)
	d.awaitLog("worker takes messages") // the queue's own; before that queue+file stores in the file
	return d
}

// start starts the program, again where it has ended.
func (d *door) start(t *testing.T) {
	t.Helper()
	d.program = launch(t, d.variables)
	d.awaitReady()
}

// awaitQueued waits until so many messages are in the queue.
func (d *door) awaitQueued(n int) {
	d.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); d.queue.Counts().All() < n; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			d.t.Fatalf("%d messages are in the queue, want %d", d.queue.Counts().All(), n)
		}
	}
}

func storedIn(t *testing.T, r reply) string {
	t.Helper()
	var a struct{ Status, ID, Stored string }
	if err := json.Unmarshal([]byte(r.Body), &a); err != nil || r.Status != 200 || a.ID == "" {
		t.Fatalf("answer %d %s", r.Status, r.Body)
	}
	return a.Stored
}

func TestMessagesAreForwardedFromTheFile(t *testing.T) {
	t.Parallel()
	d := newDoor(t, "orders", env{"CARRIER_TRANSMITTER": "forward"})
	for i := range 20 {
		if in := storedIn(t, send(t, "POST", d.url, fmt.Sprint("m", i))); in != "" {
			t.Errorf("stored in %q, where there is no choice", in)
		}
	}
	d.awaitQueued(20)
	d.stop()
}

func TestWhatTheQueueHasConfirmedIsAnswered(t *testing.T) {
	t.Parallel()
	d := newDoor(t, "orders.fifo", env{"CARRIER_INGEST_STORE": "queue"})
	for range 2 {
		if in := storedIn(t, send(t, "POST", d.url, "a", "Idempotency-Key", "k", "X-Carrier-Group-Id", "g")); in != "queue" {
			t.Errorf("stored in %q", in)
		}
	}
	if n := d.queue.Counts().All(); n != 1 {
		t.Errorf("%d messages of one key", n)
	}
	isProblem(t, "a delay on FIFO", send(t, "POST", d.url, "a", "X-Carrier-Delay", "5"), 400)
	isProblem(t, "a timeout", send(t, "POST", d.url, "a", "X-Carrier-Message-Timeout", "5s"), 400)
	d.server.Always("SendMessageBatch", sqstest.Fault{Error: sqstest.RequestThrottled()})
	throttled := send(t, "POST", d.url, "b")
	d.server.Always("SendMessageBatch", sqstest.Fault{Drop: sqstest.AfterWork})
	cut := send(t, "POST", d.url, "c")
	for what, c := range map[string]struct {
		r    reply
		kind string
	}{"throttled": {throttled, `not-stored"`}, "cut": {cut, `unknown"`}} {
		isProblem(t, what, c.r, 503)
		if !strings.Contains(c.r.Body, c.kind) || c.r.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %s, want a type that ends in %s, and Retry-After", what, c.r.Body, c.kind)
		}
	}
	d.stop()
}

func TestOutageOfTheQueueIsBridgedByTheFileInOrder(t *testing.T) {
	t.Parallel()
	d := newDoor(t, "orders.fifo", env{"CARRIER_INGEST_STORE": "queue+file"})
	where := map[string]int{}
	post := func(i int) {
		where[storedIn(t, send(t, "POST", d.url, fmt.Sprint(i), "X-Carrier-Group-Id", "g"))]++
	}
	for i := range 5 {
		post(i)
	}
	d.server.Always("SendMessageBatch", sqstest.Fault{Error: sqstest.ServiceUnavailable()})
	for i := range 10 {
		post(5 + i)
	}
	d.server.Heal()
	for i := range 5 {
		post(15 + i)
	}
	d.awaitQueued(20)
	if where["file"] < 10 || where["queue"] < 5 {
		t.Errorf("stored in %v", where)
	}
	d.holdsInOrder(20)
	d.stop()
}

// holdsInOrder fails unless the queue holds the bodies 0 to n-1 in this order, each once.
func (d *door) holdsInOrder(n int) {
	d.t.Helper()
	peeked := d.queue.Peek()
	if len(peeked) != n {
		d.t.Errorf("%d messages are in the queue, want %d", len(peeked), n)
	}
	for i, m := range peeked {
		if m.Body != fmt.Sprint(i) {
			d.t.Errorf("message %d of the queue is %q", i, m.Body)
		}
	}
}

func TestKillWhileTheQueueIsAwayLosesNothingThatWasAcknowledged(t *testing.T) {
	t.Parallel()
	d := newDoor(t, "orders.fifo", env{"CARRIER_INGEST_STORE": "queue+file"})
	post := func(i int) string {
		return storedIn(t, send(t, "POST", d.url, fmt.Sprint(i), "X-Carrier-Group-Id", "g"))
	}
	post(0)
	d.server.Always("SendMessageBatch", sqstest.Fault{Error: sqstest.ServiceUnavailable()})
	for i := 1; i < 10; i++ {
		if in := post(i); in != "file" {
			t.Errorf("message %d is stored in %q", i, in)
		}
	}
	d.kill()
	d.server.Heal()
	d.start(t)
	d.awaitQueued(10)
	d.holdsInOrder(10)
	d.stop()
}
