package test

import (
	"net/url"
	"testing"
)

// Section 3: what the worker gets, of attributes and traces.

func TestAttributesArriveAsHeadersThatDecodeToTheirValues(t *testing.T) {
	t.Parallel()
	attributes := map[string]string{
		"Plain": "value", "Percent": "100%41", "Spaces-Inside": "a b  c", "Dotted.name_1": "x",
	}
	onlySQS := map[string]string{"Lines": "a\r\nX-Carrier-Message-Id: forged", "Umlaut": "Zürich", "lower": " trimmed? "}
	onEverySource(t, func(t *testing.T, kind string) {
		w := newWorker(t, always(says(200)))
		b := newBench(t, kind, w, nil)
		want := map[string]string{}
		for _, some := range []map[string]string{attributes, onlySQS} {
			for name, value := range some {
				if _, no := onlySQS[name]; no && kind == ofIngest {
					continue // no header can carry it
				}
				want[name] = value
			}
		}
		id := b.put(testMessage{Body: "a", Attributes: want})
		r := w.await(1)[0]
		for name, value := range want {
			got, err := url.PathUnescape(r.header("X-Carrier-Attribute-" + name))
			if err != nil && kind == ofSQS || kind == ofSQS && got != value {
				t.Errorf("attribute %s: %q decodes to %q, want %q (%v)", name, r.header("X-Carrier-Attribute-"+name), got, value, err)
			}
		}
		if kind == ofIngest {
			if got := r.header("X-Carrier-Attribute-Percent"); got != "100%2541" {
				t.Errorf("attribute Percent is sent as %q, want 100%%2541", got)
			}
		}
		if r.id() != id {
			t.Errorf("message id %q, want %q", r.id(), id)
		}
		if n := len(names(r)); n != 10+len(want) {
			t.Errorf("%d headers, want %d: %q", n, 10+len(want), names(r))
		}
		b.stop()
	})
}

func TestNoAttributeCanShadowAHeader(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofSQS, w, nil)
	shadows := map[string]string{
		"Host": "evil", "Content-Length": "0", "Transfer-Encoding": "chunked", "Connection": "close",
		"Authorization": "Basic eA==", "X-Carrier-Message-Id": "forged", "Content-Type": "evil/evil", "User-Agent": "evil",
	}
	id := b.put(testMessage{Body: "a", Attributes: shadows})
	r := w.await(1)[0]
	if r.id() != id || r.Body != "a" || r.header("Host") != w.address || r.header("Content-Type") != "application/json" {
		t.Errorf("shadowed: %+v", r)
	}
	for _, name := range []string{"Transfer-Encoding", "Connection", "Authorization"} {
		if r.has(name) {
			t.Errorf("an attribute has set %s", name)
		}
	}
	for name, value := range shadows {
		if got := r.header("X-Carrier-Attribute-" + name); got != value {
			t.Errorf("attribute %s arrives as %q, want %q", name, got, value)
		}
	}
	b.stop()
}

func TestTraceOfTheProducerIsPassedOn(t *testing.T) {
	t.Parallel()
	const (
		parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		amazon = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
	)
	onEverySource(t, func(t *testing.T, kind string) {
		w := newWorker(t, always(says(200)))
		b := newBench(t, kind, w, nil)
		b.put(testMessage{Body: "a", Trace: amazon, Attributes: map[string]string{"traceparent": parent, "tracestate": "k=v"}})
		r := w.await(1)[0]
		for name, want := range map[string]string{"traceparent": parent, "tracestate": "k=v", "X-Amzn-Trace-Id": amazon} {
			if got := r.header(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		b.stop()
	})
}
