package test

import (
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"carrier/internal/testkit/programtest"
	"carrier/internal/testkit/sqstest"
)

// Sections 1 and 9: how a start ends, or does not.

func TestPortThatIsTakenEndsTheStart(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer func() { _ = taken.Close() }()
	w := newWorker(t, always(says(200)))
	for _, name := range []string{"CARRIER_ADMIN_ADDRESS", "CARRIER_INGEST_ADDRESS"} {
		b := prepare(t, ofIngest, w, env{name: taken.Addr().String()})
		p := run(t, b.env)
		if p.code != 1 || !strings.Contains(p.stdout.String(), taken.Addr().String()) {
			t.Errorf("%s: exit code %d", name, p.code)
		}
	}
}

func TestQueueThatIsNotThereOrNotOursEndsTheStart(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	for name, spoil := range map[string]func(b *bench){
		"no such queue": func(b *bench) { b.onSQS().server.Remove(b.onSQS().queue) },
		"not allowed to look it up": func(b *bench) {
			b.onSQS().server.Always("GetQueueUrl", sqstest.Fault{Error: sqstest.AccessDenied("GetQueueUrl")})
		},
		"not allowed to receive": func(b *bench) {
			b.onSQS().server.Always("ReceiveMessage", sqstest.Fault{Error: sqstest.AccessDenied("ReceiveMessage")})
		},
		"no such URL": func(b *bench) {
			delete(b.env, "CARRIER_SQS_QUEUE_NAME")
			b.env["CARRIER_SQS_QUEUE_URL"] = b.onSQS().queue.URL(b.onSQS().endpoint)
			b.onSQS().server.Remove(b.onSQS().queue)
		},
		"a bad key": func(b *bench) { b.onSQS().server.Always("", sqstest.Fault{Error: sqstest.InvalidClientToken()}) },
	} {
		b := prepare(t, ofSQS, w, nil)
		spoil(b)
		p := run(t, b.env)
		if p.code != 1 {
			t.Errorf("%s: exit code %d, want 1", name, p.code)
		}
		named := false
		for _, l := range p.log() {
			named = named || l.text("level") == "error" && strings.Contains(l.text("error"), "orders")
		}
		if !named {
			t.Errorf("%s: no error names the queue:\n%s", name, p.stdout.String())
		}
	}
}

func TestSourceThatCannotBeReachedIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := prepare(t, ofSQS, w, nil)
	late := programtest.FreeAddress(t)
	b.env["CARRIER_SQS_ENDPOINT"] = "http://" + late
	b.start()
	b.awaitLog("the source cannot be opened or received from")
	until(t, "the admin port", func() bool { return b.ask("/livez").Status == http.StatusOK })
	r := b.ask("/readyz")
	if r.Status != http.StatusServiceUnavailable || !strings.Contains(r.Body, "source") {
		t.Errorf("/readyz: %d %s", r.Status, r.Body)
	}
	until(t, "several tries", func() bool {
		return b.metric("carrier_source_errors_total", `class="network"`) >= 3
	})
	if n := len(b.logged("the source cannot be opened or received from")); n != 1 {
		t.Errorf("the trouble is logged %d times, want once", n)
	}
	_, stop, err := b.onSQS().server.Listen(late)
	must(t, err)
	t.Cleanup(stop)
	b.awaitReady()
	b.delivers()
}

func TestQueueThatGoesAwayLaterIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofSQS, w, env{"CARRIER_SQS_WAIT_TIME": "1s"})
	s := b.onSQS()
	b.put(testMessage{Body: "a"})
	w.await(1)
	b.awaitEmpty()
	s.server.Remove(s.queue)
	b.awaitLog("the source cannot be opened or received from")
	var err error
	s.queue, err = s.server.CreateQueue("orders", nil)
	must(t, err)
	b.delivers()
}

func TestQueueIsFoundByItsURL(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := prepare(t, ofSQS, w, nil)
	delete(b.env, "CARRIER_SQS_QUEUE_NAME")
	delete(b.env, "CARRIER_SQS_ENDPOINT")
	b.env["CARRIER_SQS_QUEUE_URL"] = b.onSQS().queue.URL(b.onSQS().endpoint)
	b.start()
	b.awaitReady()
	b.delivers()
}

func TestSecondSignalEndsTheProgramAtOnce(t *testing.T) {
	t.Parallel()
	onEverySource(t, func(t *testing.T, kind string) {
		hold := make(chan struct{})
		w := newWorker(t, always(held(says(200), hold)))
		b := newBench(t, kind, w, env{"CARRIER_DRAIN_TIMEOUT": "10m"})
		b.put(testMessage{Body: "a"})
		w.await(1)
		b.Signal(syscall.SIGTERM)
		b.awaitLog("stopping, no message")
		b.Signal(syscall.SIGINT)
		b.wait()
		if b.code != 1 {
			t.Errorf("exit code %d, want 1", b.code)
		}
		close(hold)
	})
}

func TestSignalWhileTheSourceIsAwayEndsTheProgram(t *testing.T) {
	t.Parallel()
	w := absentWorker(t, always(says(200)))
	b := prepare(t, ofSQS, w, nil)
	b.env["CARRIER_SQS_ENDPOINT"] = "http://" + programtest.FreeAddress(t)
	b.start()
	b.awaitLog("the source cannot be opened or received from")
	b.stop()
}
