package ingest

import (
	"bufio"
	"bytes"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"carrier/internal/http1"
	"carrier/message"
	"carrier/receiver/ingest/credential"
	"carrier/receiver/ingest/request"
)

func TestHeadersBecomeTheMessage(t *testing.T) {
	r := start(t, Options{Token: "t"})
	send(t, r, "POST", "/", "a",
		"Authorization: Bearer t",
		"Content-Encoding: gzip",
		"Connection: X-Hop, keep-alive",
		"X-Hop: dropped",
		"Te: trailers",
		"X-Carrier-Group-Id: orders/7",
		"X-Carrier-Attribute-Order-Id: 50% off",
		"X-Carrier-Attribute-many: 1",
		"X-Carrier-Attribute-many: 2",
		"traceparent: 00-1-2-01",
		"tracestate: a=1",
		"tracestate: b=2",
		"X-Amzn-Trace-Id: Root=1",
		"X-Custom: kept",
	).id(t)
	m := receive(t, r)
	if m.Group != "orders/7" || !m.Ordered {
		t.Errorf("group %q, ordered %v", m.Group, m.Ordered)
	}
	want := []message.Attribute{
		{Name: "Many", Value: "1, 2"}, {Name: "Order-Id", Value: "50% off"},
		{Name: "traceparent", Value: "00-1-2-01"}, {Name: "tracestate", Value: "a=1,b=2"}, {Name: "X-Amzn-Trace-Id", Value: "Root=1"},
	}
	if !reflect.DeepEqual(m.Attributes, want) {
		t.Errorf("attributes = %v, want %v", m.Attributes, want)
	}
	h := m.Request.Header
	if h.Get("Content-Encoding") != "gzip" || h.Get("X-Custom") != "kept" || h.Get("Traceparent") == "" {
		t.Errorf("header = %v, want the end-to-end ones", h)
	}
	for name := range h {
		if request.IsOfTheHop(name) || name == "X-Hop" || strings.HasPrefix(http1.Folded(name), request.OwnPrefix) || name == "Authorization" {
			t.Errorf("%s travels", name)
		}
	}
}

func TestBadHeadersAreNamed(t *testing.T) {
	r := start(t, Options{})
	cases := map[string]string{
		"a delay in words":         "X-Carrier-Delay: soon",
		"a negative delay":         "X-Carrier-Delay: -1",
		"a negative duration":      "X-Carrier-Delay: -1s",
		"a fraction":               "X-Carrier-Delay: 1.5",
		"a delay past the limit":   "X-Carrier-Delay: 86401",
		"a delay that overflows":   "X-Carrier-Delay: 9223372036854775807",
		"more than 64 bits":        "X-Carrier-Delay: 99999999999999999999",
		"an empty delay":           "X-Carrier-Delay: ",
		"a timeout in words":       "X-Carrier-Message-Timeout: soon",
		"a timeout of nothing":     "X-Carrier-Message-Timeout: 0",
		"a timeout under a second": "X-Carrier-Message-Timeout: 999ms",
		"a timeout over a year":    "X-Carrier-Message-Timeout: 8785h",
		"an empty timeout":         "X-Carrier-Message-Timeout: ",
		"a key that is too long":   "Idempotency-Key: " + strings.Repeat("k", 256),
		"an empty key":             "Idempotency-Key: ",
		"a key that is not ASCII":  "Idempotency-Key: schlüssel",
		"a webhook id too long":    "Webhook-Id: " + strings.Repeat("k", 256),
		"an empty group":           "X-Carrier-Group-Id: ",
		"a group that is too long": "X-Carrier-Group-Id: " + strings.Repeat("g", 129),
		"an attribute unnamed":     "X-Carrier-Attribute-: v",
	}
	for name, line := range cases {
		t.Run(name, func(t *testing.T) {
			header, _, _ := strings.Cut(line, ":")
			if detail := send(t, r, "POST", "/", "a", line).problem(t, 400); !strings.HasPrefix(detail, header+": ") {
				t.Errorf("detail = %q, want it to name %s", detail, header)
			}
		})
	}
	send(t, r, "POST", "/", "a", "Idempotency-Key: one", "Idempotency-Key: two").problem(t, 400)
	wantStored(t, r, 0)
}

func TestDelayedMessageIsNotDueYet(t *testing.T) {
	r := start(t, Options{})
	send(t, r, "POST", "/", "late", "X-Carrier-Delay: 1h").id(t)
	send(t, r, "POST", "/", "now", "X-Carrier-Delay: 0").id(t)
	if m := receive(t, r); string(m.Body) != "now" {
		t.Errorf("received %s, want now", m.Body)
	}
	if s := r.Counts(); s.Delayed != 1 {
		t.Errorf("stats = %+v, want one delayed", s)
	}
}

func TestMessageTimeoutIsStoredWithTheMessage(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"": 0, "1": time.Second, "90": 90 * time.Second, "1h30m": 90 * time.Minute, "8784h": 366 * 24 * time.Hour,
	} {
		t.Run(value, func(t *testing.T) {
			dir := t.TempDir()
			r := start(t, Options{DataDir: dir})
			var header []string
			if value != "" {
				header = append(header, "X-Carrier-Message-Timeout: "+value)
			}
			send(t, r, "POST", "/", "body", header...).id(t)
			if err := r.Close(); err != nil { // as a restart does
				t.Fatal(err)
			}
			m := receive(t, start(t, Options{DataDir: dir}))
			if m.Timeout != want || string(m.Body) != "body" || len(m.Request.Header["X-Carrier-Message-Timeout"]) != 0 {
				t.Errorf("message is %+v", m)
			}
		})
	}
}

func TestPathThatCouldClimbIsRefusedInReplay(t *testing.T) {
	r, plain := start(t, Options{Subscriptions: []Subscription{{Replay: true}}}), start(t, Options{})
	targets := []string{"/../x", "/a/%2e%2e/b", "/%252e%252e/x", "/a%252eb", "/..%00/x", `/..\x`, "/..%5cx", "http://x/../y"}
	for _, target := range targets {
		w := dial(t, r)
		w.say(t, "POST "+target+" HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na")
		if detail := w.hear(t).problem(t, 400); !strings.Contains(detail, "path") {
			t.Errorf("%s: detail = %q", target, detail)
		}
		w = dial(t, plain)
		w.say(t, "POST "+target+" HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na")
		w.hear(t).id(t) // its path goes nowhere
	}
	wantStored(t, r, 0)
	wantStored(t, plain, len(targets))
	send(t, r, "POST", "/a..b/...;c/100%25/x%2Fy?z=/../..", "a").id(t)
}

func TestHostAndUserAgentOfTheProducerAreKept(t *testing.T) {
	for name, c := range map[string]struct{ header, host string }{
		"as they came":   {"", "producer.example:81"},
		"behind a proxy": {"X-Forwarded-Host: first.example\r\n", "first.example"},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, Options{Subscriptions: []Subscription{{Replay: true}}})
			w := dial(t, r)
			w.say(t, "POST / HTTP/1.1\r\nHost: producer.example:81\r\nUser-Agent: them/1\r\n"+c.header+"Content-Length: 1\r\n\r\na")
			w.hear(t).id(t)
			h := receive(t, r).Request.Header
			if h.Get("X-Forwarded-Host") != c.host || h.Get("User-Agent") != "them/1" || len(h["X-Forwarded-Host"]) != 1 {
				t.Errorf("header = %v, want the producer's", h)
			}
		})
	}
}

func TestHeaderOfCarriersThatIsNotKnownIsNamed(t *testing.T) {
	r := start(t, Options{})
	for _, name := range []string{"X-Carrier-Dely", "X-Carrier-Group", "X-Carrier-Action", "x-carrier-delay-", "X_Carrier_Delay", "X-Carrier_Group_Id", "X-Carrier-"} {
		detail := send(t, r, "POST", "/", "a", name+": 1").problem(t, 400)
		if !strings.HasPrefix(detail, http.CanonicalHeaderKey(name)+": ") || !strings.Contains(detail, "X-Carrier-Delay") ||
			!strings.Contains(detail, "X-Carrier-Group-Id") || !strings.Contains(detail, "X-Carrier-Attribute-") {
			t.Errorf("%s: detail = %q, want it named, and those that are known", name, detail)
		}
	}
	wantStored(t, r, 0)
}

func TestHeaderThatCarrierSendsToWorkersIsDropped(t *testing.T) {
	r := start(t, Options{})
	send(t, r, "POST", "/", "a",
		"X-Carrier-Message-Id: 1", "X-Carrier-Original-Message-Id: 1", "X-Carrier-Receive-Count: 1", "X-Carrier-First-Receive-Time: 1",
		"X-Carrier-Sent-Time: 1", "X-Carrier-Source: q", "X-Carrier-Deadline: 1", "X-Carrier-Attributes-Omitted: a", "X-Carrier-Failover: 1",
		"X-Carrier-Channel: c", "X-Carrier-Token: t", "X_Carrier_Message_Id: 1", "X-Carrier_Source: q",
		"X-Carrier-Group-Id: g", "X-Carrier-Attribute-A: 1",
	).id(t)
	m := receive(t, r)
	if m.Group != "g" || len(m.Attributes) != 1 {
		t.Errorf("group %q, attributes %v; want those of the carrier before", m.Group, m.Attributes)
	}
	for name := range m.Request.Header {
		if strings.HasPrefix(http1.Folded(name), request.OwnPrefix) {
			t.Errorf("%s travels", name)
		}
	}
}

func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		"POST /a%2fb?x=1 HTTP/1.1\r\nHost: x\r\nX-Carrier-Delay: 1m\r\nX-Carrier-Attribute-A: 1\r\nConnection: a,b\r\n\r\n",
		"PUT http://h/p HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\nX-Carrier-Group-Id: g\r\nX-Carrier-Delay: -9223372036854775808\r\n\r\n",
		"POST * HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\ntracestate: a\r\n\r\n",
		"DELETE //a HTTP/1.0\r\nX-Carrier-Attribute-: 1\r\n\r\n",
	} {
		f.Add([]byte(seed), true, false)
	}
	f.Fuzz(func(t *testing.T, data []byte, carriersOwn, replay bool) {
		_, _ = request.DecodeEnvelope(data)
		req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(data)))
		if err != nil {
			return
		}
		sent := req.Header.Clone()
		to, refused := newTopics([]Subscription{{Topics: []string{"/"}}, {Topics: []string{"/a/"}, Replay: replay}}).match(request.Path(req))
		if refused == nil && to&1 == 0 || refused != nil && refused.Status != 400 {
			t.Fatalf("%s: to %b, %+v", request.Path(req), to, refused)
		}
		e, p := request.Parse(req, credential.Credential{Token: carriersOwn})
		if p != nil {
			if p.Status != 400 || p.Detail == "" {
				t.Fatalf("problem = %+v", p)
			}
			return
		}
		if e.Delay < 0 || e.Delay > request.MaxDelay || len(e.Group) > request.MaxGroup || len(e.Key) > request.MaxKey+len(req.Method)+len(request.Path(req))+2 {
			t.Fatalf("entry = %+v", e)
		}
		head, err := request.DecodeEnvelope(e.Envelope.Encode())
		if err != nil {
			t.Fatalf("what was encoded cannot be read: %v", err)
		}
		if head.Request.Method != req.Method || head.Request.Query != req.URL.RawQuery || !strings.HasPrefix(head.Request.Path, "/") {
			t.Fatalf("request = %+v of %+v", head.Request, req.URL)
		}
		for name, values := range head.Request.Header {
			if request.IsOfTheHop(name) || strings.HasPrefix(http1.Folded(name), request.OwnPrefix) || carriersOwn && name == "Authorization" {
				t.Fatalf("%s travels", name)
			}
			if !reflect.DeepEqual(values, sent[name]) && (name != request.ForwardedHost || values[0] != req.Host) {
				t.Fatalf("%s = %q, was %q", name, values, sent[name])
			}
		}
	})
}
