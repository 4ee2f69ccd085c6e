package webhook_test

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"carrier/message"
	"carrier/transmitter/webhook"
)

func TestHeadersAreSentAsDocumented(t *testing.T) {
	e, heads := capture(t)
	tr := open(t, webhook.Options{
		Endpoint: e, Version: "1.2.3", RequestTimeout: time.Hour,
		Headers: []webhook.Header{{Name: "authorization", Value: "Bearer x"}, {Name: "X-Two", Value: "1"}, {Name: "x-two", Value: "2"}},
	})
	m := newMessage("id-1", `{"a":1}`)
	m.ReceiveCount, m.Group, m.ContentType = 3, "g:1", "text/plain; charset=utf-8"
	m.Trace = "Root=1-67891233-abcdef012345678912345678"
	m.Attributes = []message.Attribute{
		{Name: "Tenant", Value: "a b"},
		{Name: "tenant", Value: "50%"},
		{Name: "TraceParent", Value: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
		{Name: "tracestate", Value: "v=1"},
	}
	before := time.Now().Add(time.Hour).Unix()
	tr.Transmit(t.Context(), m)
	head := next(t, heads)
	deadline, _ := strconv.ParseInt(strings.Join(valuesOf(head, "X-Carrier-Deadline"), ""), 10, 64)
	if deadline < before || deadline > time.Now().Add(time.Hour).Unix() {
		t.Errorf("deadline %d, want %d or little more", deadline, before)
	}
	first, got := lines(head)
	if first != "POST /hook HTTP/1.1" {
		t.Errorf("request line %q", first)
	}
	slices.Sort(got)
	want := []string{
		"Authorization: Bearer x",
		"Content-Length: 7",
		"Content-Type: text/plain; charset=utf-8",
		"Host: " + strings.TrimSuffix(strings.TrimPrefix(e.String(), "http://"), "/hook"),
		"User-Agent: carrier/1.2.3",
		"X-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678",
		"X-Carrier-Attribute-Tenant: a b",
		"X-Carrier-Attribute-TraceParent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"X-Carrier-Attribute-tenant: 50%25",
		"X-Carrier-Attribute-tracestate: v=1",
		"X-Carrier-Deadline: " + strconv.FormatInt(deadline, 10),
		"X-Carrier-First-Receive-Time: 1700000001",
		"X-Carrier-Group-Id: g:1",
		"X-Carrier-Message-Id: id-1",
		"X-Carrier-Receive-Count: 3",
		"X-Carrier-Sent-Time: 1700000000",
		"X-Carrier-Source: orders",
		"X-Two: 1",
		"X-Two: 2",
		"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"tracestate: v=1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestContentTypeIsTheMessagesOrTheDefault(t *testing.T) {
	cases := map[string]struct{ own, standard, want string }{
		"the message's own":        {"text/csv", "", "text/csv"},
		"JSON where there is none": {"", "", "application/json"},
		"the operator's default":   {"", "text/xml", "text/xml"},
		"one that cannot be sent":  {"text/csv\r\nHost: x", "text/xml", "text/xml"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			e, heads := capture(t)
			tr := open(t, webhook.Options{Endpoint: e, DefaultContentType: c.standard})
			m := newMessage("a", "x")
			m.ContentType = c.own
			tr.Transmit(t.Context(), m)
			if got := valuesOf(next(t, heads), "Content-Type"); !slices.Equal(got, []string{c.want}) {
				t.Errorf("content type %q, want %q", got, c.want)
			}
		})
	}
}

func TestDeadLetterThatWasMovedBackTellsItsFirstId(t *testing.T) {
	for id, want := range map[string][]string{
		"":                          nil,
		"m-1":                       {"m-1"},
		"a\r\nHost: x":              {"a%0D%0AHost: x"},
		strings.Repeat("x", 10<<10): nil,
	} {
		e, heads := capture(t)
		m := newMessage("a", "x")
		m.OriginalID = id
		open(t, webhook.Options{Endpoint: e}).Transmit(t.Context(), m)
		if got := valuesOf(next(t, heads), "X-Carrier-Original-Message-Id"); !slices.Equal(got, want) {
			t.Errorf("%.20q is sent as %q, want %q", id, got, want)
		}
	}
}

func TestHeadIsNoLargerThanItMayBe(t *testing.T) {
	for limit, c := range map[int]struct {
		sent    []string
		omitted []string
	}{
		0:    {[]string{"1"}, []string{"long"}}, // 8 KiB
		4096: {[]string{"1"}, []string{"long"}},
		9216: {[]string{"1"}, nil},
	} {
		e, heads := capture(t)
		told := 0
		tr := open(t, webhook.Options{Endpoint: e, MaxHeaderBytes: limit, Omitted: func(id string, names []string) {
			if told++; id != "a" || !slices.Equal(names, []string{"long"}) {
				t.Errorf("told of %q of %s", names, id)
			}
		}})
		m := newMessage("a", "x")
		m.Trace, m.ContentType = strings.Repeat("t", 1<<20), strings.Repeat("c", 1<<20)
		m.Attributes = []message.Attribute{{Name: "long", Value: strings.Repeat("x", 8<<10)}, {Name: "short", Value: "1"}}
		for range 2 {
			tr.Transmit(t.Context(), m)
			head := next(t, heads)
			if most := max(limit, 8<<10) + 2<<10; len(head) > most {
				t.Errorf("a head of %d bytes", len(head))
			}
			if got := valuesOf(head, "X-Carrier-Attribute-short"); !slices.Equal(got, c.sent) {
				t.Errorf("a limit of %d: %q", limit, got)
			}
			if got := valuesOf(head, "X-Carrier-Attributes-Omitted"); !slices.Equal(got, c.omitted) {
				t.Errorf("a limit of %d: %q are left out, want %q", limit, got, c.omitted)
			}
		}
		if told != len(c.omitted) {
			t.Errorf("a limit of %d: told %d times", limit, told)
		}
	}
}

func TestNoAttributeShadowsAHeader(t *testing.T) {
	e, heads := capture(t)
	tr := open(t, webhook.Options{Endpoint: e})
	m := newMessage("a", "body")
	for _, name := range []string{
		"Host", "Content-Length", "Transfer-Encoding", "Connection", "Authorization",
		"X-Carrier-Message-Id", "a\r\nAuthorization", "../Host", "",
	} {
		m.Attributes = append(m.Attributes, message.Attribute{Name: name, Value: "1\r\nAuthorization: x\r\n\r\nGET / HTTP/1.1"})
	}
	tr.Transmit(t.Context(), m)
	_, headers := lines(next(t, heads))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		switch name {
		case "Transfer-Encoding", "Connection", "Authorization":
			t.Errorf("header %q", h)
		case "Content-Length":
			if value != " 4" {
				t.Errorf("header %q", h)
			}
		case "X-Carrier-Message-Id":
			if value != " a" {
				t.Errorf("header %q", h)
			}
		}
	}
}

func TestUntrustworthyTracesAreDropped(t *testing.T) {
	const good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	cases := map[string]struct {
		parent, state, amazon, source string
		want                          [3]string
	}{
		"all good":                     {good, "a=1", "Root=1", "", [3]string{good, "a=1", "Root=1"}},
		"a later version with more":    {"01" + good[2:] + "-xy", "", "", "", [3]string{"01" + good[2:] + "-xy", "", ""}},
		"upper case":                   {strings.ToUpper(good), "a=1", "", "", [3]string{}},
		"all zeros":                    {"00-" + strings.Repeat("0", 32) + "-b7ad6b7169203331-01", "", "", "", [3]string{}},
		"version ff":                   {"ff" + good[2:], "", "", "", [3]string{}},
		"version 00 with more":         {good + "-xy", "", "", "", [3]string{}},
		"not a trace":                  {"hello\r\nHost: x", "a=1", "a\nb", "", [3]string{}},
		"a state with a line break":    {good, "a\r\nHost: x", "", "", [3]string{good, "", ""}},
		"the source's trace":           {"", "", "", "Root=2", [3]string{"", "", "Root=2"}},
		"the attribute before it":      {"", "", "Root=1", "Root=2", [3]string{"", "", "Root=1"}},
		"a source's trace with breaks": {"", "", "", "Root=2\r\nHost: x", [3]string{}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			e, heads := capture(t)
			tr := open(t, webhook.Options{Endpoint: e})
			m := newMessage("a", "x")
			m.Trace = c.source
			for n, v := range map[string]string{"TRACEPARENT": c.parent, "tracestate": c.state, "x-amzn-trace-id": c.amazon} {
				if v != "" {
					m.Attributes = append(m.Attributes, message.Attribute{Name: n, Value: v})
				}
			}
			tr.Transmit(t.Context(), m)
			head := next(t, heads)
			for i, n := range []string{"traceparent", "tracestate", "X-Amzn-Trace-Id"} {
				if got := strings.Join(valuesOf(head, n), "|"); got != c.want[i] {
					t.Errorf("%s is %q, want %q", n, got, c.want[i])
				}
			}
		})
	}
}

func TestEmptyBodyHasALengthOfZero(t *testing.T) {
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		e, heads := capture(t)
		tr := open(t, webhook.Options{Endpoint: e, Replay: true})
		m := newMessage("a", "")
		m.Request = &message.Request{Method: method, Path: "/"}
		tr.Transmit(t.Context(), m)
		head := next(t, heads)
		if got := valuesOf(head, "Transfer-Encoding"); got != nil {
			t.Errorf("%s: transfer encoding %q", method, got)
		}
		// A DELETE without a length has no body (RFC 9112, section 6.3).
		if got := valuesOf(head, "Content-Length"); !slices.Equal(got, []string{"0"}) && method != "DELETE" {
			t.Errorf("%s: content length %q", method, got)
		}
	}
}

func TestContentEncodingTravelsWithoutReplayAndNothingElseDoes(t *testing.T) {
	e, heads := capture(t)
	tr := open(t, webhook.Options{Endpoint: e})
	m := newMessage("a", "\x1f\x8b")
	m.Request = &message.Request{Method: "PUT", Path: "/elsewhere", Query: "q=1", Header: map[string][]string{
		"Content-Encoding": {"gzip"}, "Idempotency-Key": {"k"}, "X-Own": {"1"}, "Authorization": {"Bearer p"},
	}}
	tr.Transmit(t.Context(), m)
	head := next(t, heads)
	if first, _ := lines(head); first != "POST /hook HTTP/1.1" {
		t.Errorf("request line %q", first)
	}
	if got := valuesOf(head, "Content-Encoding"); !slices.Equal(got, []string{"gzip"}) {
		t.Errorf("content encoding %q", got)
	}
	for _, name := range []string{"Idempotency-Key", "idempotency-key", "X-Own", "Authorization"} {
		if got := valuesOf(head, name); got != nil {
			t.Errorf("%s travelled: %q", name, got)
		}
	}
}

func TestEndpointsCredentialIsSentAndNotPrinted(t *testing.T) {
	e, heads := capture(t)
	e = endpoint(t, strings.Replace(e.String(), "http://", "http://user:s3cret@", 1))
	tr := open(t, webhook.Options{Endpoint: e})
	tr.Transmit(t.Context(), newMessage("a", "x"))
	if got := valuesOf(next(t, heads), "Authorization"); !slices.Equal(got, []string{"Basic dXNlcjpzM2NyZXQ="}) {
		t.Errorf("authorization %q", got)
	}
	if strings.Contains(e.String(), "s3cret") {
		t.Errorf("endpoint prints as %s", e)
	}
}

func TestHeadersThatMayNotBeSetAreAllReported(t *testing.T) {
	bad := []string{
		"Host", "content-length", "Transfer-Encoding", "connection", "X-Carrier-Anything", "x_carrier_message_id",
		"Content-Type", "Idempotency-Key", "webhook-signature", "Trailer", "no token",
	}
	opts := webhook.Options{Endpoint: endpoint(t, "http://127.0.0.1:9")}
	for _, name := range bad {
		opts.Headers = append(opts.Headers, webhook.Header{Name: name, Value: "s3cret"})
	}
	opts.Headers = append(opts.Headers, webhook.Header{Name: "X-Fine", Value: "s3cret\r\n"}, webhook.Header{Name: "Authorization", Value: "s3cret"})
	_, err := webhook.Open(opts)
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range append(bad, "X-Fine") {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("the error does not name %s", name)
		}
	}
	if strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "Authorization") {
		t.Errorf("error: %v", err)
	}
}

func TestEndpointIsParsed(t *testing.T) {
	for s, want := range map[string]string{
		"http://localhost:9000":                 "http://localhost:9000/",
		"https://worker/a%2Fb?key=1":            "https://worker/a%2Fb",
		"http://[::1]:9000/x":                   "http://[::1]:9000/x",
		"unix:///run/app.sock:/webhook?key=1":   "unix:///run/app.sock:/webhook",
		"unix:///run/app.sock":                  "unix:///run/app.sock:/",
		"unix:///run/app.sock:webhook":          "unix:///run/app.sock:/webhook",
		"http://user:pass@localhost:9000/x#top": "http://localhost:9000/x",
	} {
		if e, err := webhook.ParseEndpoint(s); err != nil || e.String() != want {
			t.Errorf("%s is %s, %v, want %s", s, e, err, want)
		}
	}
	for _, s := range []string{"", "localhost:9000", "ftp://x", "http://", "http:///x", "unix://app.sock:/x", "http://a b", "http://x:y"} {
		if e, err := webhook.ParseEndpoint(s); err == nil {
			t.Errorf("%q was taken for %s", s, e)
		}
	}
}

func TestEndpointErrorsHoldNoPassword(t *testing.T) {
	_, err := webhook.ParseEndpoint("http://user:s3cret@host:port/%zz")
	if err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error: %v", err)
	}
}

func TestUnixSocketIsPostedTo(t *testing.T) {
	path := t.TempDir() + "/w.sock"
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	w := listen(t, l, answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
	tr := open(t, webhook.Options{Endpoint: endpoint(t, "unix://"+path+":/webhook")})
	if o := tr.Transmit(t.Context(), newMessage("a", "x")); o.Verdict != message.Delivered {
		t.Errorf("outcome %+v", o)
	}
	if err := tr.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	if n := w.requests.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
}
