package test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Section 7: /drain.

// drain asks for the drain, with the header that it wants unless others are given, and returns the
// answer, which comes when it is over.
func (b *bench) drain(method string, header ...string) reply {
	if len(header) == 0 {
		header = []string{"X-Carrier-Drain", "yes"}
	}
	return call(b.t, method, "http://"+b.admin+"/drain", header...)
}

// awaitDrained waits for the end of a drain under way.
func (b *bench) awaitDrained() {
	b.t.Helper()
	if r := b.drain(http.MethodGet); r.Status != http.StatusOK {
		b.t.Errorf("/drain: %d %s", r.Status, r.Body)
	}
}

func TestDrainAnswersWhenDrainedAndTheProgramStaysUp(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			hold := make(chan struct{})
			b, posted, _ := busy(t, hold, nil)
			answered := make(chan reply, 1)
			go func() { answered <- b.drain(method) }()
			b.awaitLog("stopping, no message")
			until(t, "the drain is counted", func() bool { return b.metric("carrier_draining") == 1 })
			q := b.onSQS().queue
			until(t, "the unposted ones are back", func() bool { return q.Counts().Visible == 2 })
			select {
			case r := <-answered:
				t.Fatalf("/drain answered %d with a message at the worker", r.Status)
			default:
			}
			close(hold)
			r := <-answered
			if r.Status != http.StatusOK {
				t.Errorf("/drain: %d %s", r.Status, r.Body)
			}
			if slices.Contains(q.IDs(), posted) {
				t.Error("/drain answered before the posted message was deleted")
			}
			if n := b.ask("/livez").Status; n != http.StatusOK {
				t.Errorf("/livez %d after the drain", n)
			}
			if n := b.ask("/readyz").Status; n != http.StatusServiceUnavailable {
				t.Errorf("/readyz %d after the drain", n)
			}
			select {
			case <-b.Ended():
				t.Error("the program ended with the drain")
			default:
			}
			b.stop()
			if n := q.Counts(); n.Visible != 2 || n.InFlight != 0 {
				t.Errorf("%+v after the end, want two visible", n)
			}
		})
	}
}

func TestDrainNeedsItsHeaderAndIsTold(t *testing.T) {
	t.Parallel()
	b := newBench(t, ofIngest, newWorker(t, always(says(200))), nil)
	for _, header := range [][]string{{"Accept", "*/*"}, {"X-Carrier-Drain", "no"}, {"Authorization", "Bearer x"}} {
		if r := b.drain(http.MethodGet, header...); r.Status != http.StatusForbidden {
			t.Errorf("%q: %d", header, r.Status)
		}
	}
	if n := b.ask("/readyz").Status; n != http.StatusOK {
		t.Errorf("/readyz %d after refused requests", n)
	}
	if r := b.drain(http.MethodGet); r.Status != http.StatusOK {
		t.Errorf("/drain: %d %s", r.Status, r.Body)
	}
	if l := b.awaitLog("stopping, no message"); !strings.HasPrefix(l.text("cause"), "/drain from 127.0.0.1:") {
		t.Errorf("logged %v", l)
	}
	b.stop()
}

func TestDrainNeedsTheTokenWhereThereIsOne(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofIngest, w, env{"CARRIER_ADMIN_TOKEN": "let-me"})
	for _, header := range [][]string{nil, {"Authorization", "Bearer wrong"}, {"Authorization", "Basic let-me"}, {"Authorization", "Bearer let-me-in"}} {
		if r := b.drain(http.MethodPost, header...); r.Status != http.StatusUnauthorized {
			t.Errorf("%q: %d", header, r.Status)
		}
	}
	for _, path := range []string{"/livez", "/readyz", "/metrics"} {
		if r := b.ask(path); r.Status != http.StatusOK {
			t.Errorf("%s without a token: %d", path, r.Status)
		}
	}
	if r := b.drain(http.MethodPost, "Authorization", "Bearer let-me"); r.Status != http.StatusOK {
		t.Errorf("with the token: %d %s", r.Status, r.Body)
	}
	b.stop()
}
