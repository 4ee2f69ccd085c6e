package webhook_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"carrier/message"
	"carrier/transmitter/webhook"
)

func TestReplayAsksForWhatTheProducerAsked(t *testing.T) {
	cases := map[string]struct{ endpoint, method, path, query, want string }{
		"method, path and query":        {"/", "PUT", "/orders/1", "a=1&b=2", "PUT /orders/1?a=1&b=2 HTTP/1.1"},
		"path below the endpoint's":     {"/api/", "PATCH", "/orders", "", "PATCH /api/orders HTTP/1.1"},
		"endpoint without a slash":      {"/api", "DELETE", "/orders", "", "DELETE /api/orders HTTP/1.1"},
		"the bare path":                 {"/api", "POST", "/", "", "POST /api HTTP/1.1"},
		"the endpoint's query as well":  {"/api?key=1", "POST", "/x", "a=%20", "POST /api/x?key=1&a=%20 HTTP/1.1"},
		"escapes byte for byte":         {"/", "POST", "/a%2fb%2Fc/%41", "q=%2f+%41", "POST /a%2fb%2Fc/%41?q=%2f+%41 HTTP/1.1"},
		"marks byte for byte":           {"/", "POST", `/a|b"c<d>;e=1,2`, "", `POST /a|b"c<d>;e=1,2 HTTP/1.1`},
		"slashes byte for byte":         {"/", "POST", "//a//b/", "", "POST //a//b/ HTTP/1.1"},
		"bytes that no line can hold":   {"/", "POST", "/a b\r\nHost: x#ü", "q=a b", "POST /a%20b%0D%0AHost:%20x%23%C3%BC?q=a%20b HTTP/1.1"},
		"dots that do not climb":        {"/", "POST", "/a/.../..b/c..", "", "POST /a/.../..b/c.. HTTP/1.1"},
		"a method ingest does not take": {"/", "GET", "/x", "", "POST /x HTTP/1.1"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			e, heads := capture(t)
			e = endpoint(t, strings.TrimSuffix(e.String(), "/hook")+c.endpoint)
			tr := open(t, webhook.Options{Endpoint: e, Replay: true})
			m := newMessage("a", "x")
			m.Request = &message.Request{Method: c.method, Path: c.path, Query: c.query}
			if o := tr.Transmit(t.Context(), m); o.Verdict != message.Delivered {
				t.Fatalf("outcome %+v", o)
			}
			if first, _ := lines(next(t, heads)); first != c.want {
				t.Errorf("request line %q, want %q", first, c.want)
			}
		})
	}
}

func TestReplayDoesNotClimbOutOfTheEndpoint(t *testing.T) {
	w, e := listenTCP(t, answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
	tr := open(t, webhook.Options{Endpoint: e, Replay: true})
	for _, path := range []string{
		"/..", "/../admin", "/a/../../admin", "/%2e%2E/admin", "/.%2e/admin", "/a%2f..%2f..%2fadmin",
		`/..\admin`, "/%5c..%5Cadmin", "/..;x=1/admin", "..",
	} {
		m := newMessage("a", "x")
		m.Request = &message.Request{Method: "POST", Path: path}
		if o := tr.Transmit(t.Context(), m); o.Verdict != message.Rejected || o.Code != "" || o.Reason == "" {
			t.Errorf("%s: outcome %+v, want it rejected unposted", path, o)
		}
	}
	if n := w.requests.Load(); n != 0 {
		t.Errorf("%d requests were posted", n)
	}
}

func TestReplaySendsTheProducersHeadersUnderOurs(t *testing.T) {
	e, heads := capture(t)
	tr := open(t, webhook.Options{Endpoint: e, Replay: true, Version: "1", Headers: []webhook.Header{{Name: "X-Operator", Value: "ours"}}})
	m := newMessage("a", "x")
	m.ContentType = "text/csv"
	m.Request = &message.Request{Method: "POST", Path: "/x", Header: http.Header{
		"Accept": {"*/*", "text/html"}, "Authorization": {"Bearer p"}, "Cookie": {"c=1"}, "X-Api-Key": {"k"},
		"Idempotency-Key": {"k1"}, "X-Idempotency-Key": {"k2"}, "Webhook-Id": {"w"}, "Content-Encoding": {"gzip"},
		"Traceparent":  {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
		"Content-Type": {"text/html"}, "User-Agent": {"curl"}, "Host": {"evil"}, "Content-Length": {"99"},
		"Transfer-Encoding": {"chunked"}, "Connection": {"close, X-Hop"}, "X-Hop": {"1"}, "Keep-Alive": {"1"}, "Te": {"trailers"},
		"Upgrade": {"h2c"}, "Trailer": {"X"}, "Expect": {"100-continue"}, "Proxy-Authorization": {"x"},
		"X-Carrier-Message-Id": {"evil"}, "X_carrier_message_id": {"evil"}, "X-Carrier-Attribute-Forged": {"evil"},
		"X-Operator": {"evil"}, "X_operator": {"evil"}, "Bad Name": {"x"}, "Bad-Value": {"a\r\nb"},
	}}
	if o := tr.Transmit(t.Context(), m); o.Verdict != message.Delivered {
		t.Fatalf("outcome %+v", o)
	}
	_, got := lines(next(t, heads))
	got = slices.DeleteFunc(got, func(h string) bool {
		return strings.HasPrefix(h, "Host: 127.0.0.1:") || strings.HasPrefix(h, "X-Carrier-Deadline: ")
	})
	slices.Sort(got)
	want := []string{
		"Accept: */*", "Accept: text/html", "Authorization: Bearer p", "Content-Encoding: gzip", "Content-Length: 1",
		"Content-Type: text/csv", "Cookie: c=1", "Idempotency-Key: k1", "User-Agent: curl", "Webhook-Id: w", "X-Api-Key: k",
		"X-Carrier-First-Receive-Time: 1700000001", "X-Carrier-Message-Id: a", "X-Carrier-Receive-Count: 1",
		"X-Carrier-Sent-Time: 1700000000", "X-Carrier-Source: orders", "X-Idempotency-Key: k2", "X-Operator: ours",
		"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Many servers make one of what is no letter or digit in a header's name.
func TestReplayedHeaderShadowsNoOther(t *testing.T) {
	for name, c := range map[string]struct {
		header http.Header
		fixed  string
		want   map[string]bool
	}{
		"of HTTP":                  {http.Header{"Content_length": {"9"}, "Transfer.encoding": {"chunked"}}, "", map[string]bool{"Content_length": false, "Transfer.encoding": false}},
		"of the content":           {http.Header{"Content_encoding": {"identity"}, "Content.type": {"x/y"}}, "", map[string]bool{"Content_encoding": false, "Content.type": false}},
		"of carrier":               {http.Header{"X_carrier_message_id": {"b"}, "X.Carrier-Source": {"b"}}, "", map[string]bool{"X_carrier_message_id": false, "X.Carrier-Source": false}},
		"of the sender":            {http.Header{"User_agent": {"b"}}, "", map[string]bool{"User_agent": false, "User-Agent": true}},
		"of the signature":         {http.Header{"Webhook_id": {"b"}, "Webhook-Id": {"a"}}, "", map[string]bool{"Webhook_id": false, "Webhook-Id": true}},
		"of the host":              {http.Header{"X_forwarded_host": {"b"}, "X-Forwarded-Host": {"a"}}, "", map[string]bool{"X_forwarded_host": false, "X-Forwarded-Host": true}},
		"of the producer's own":    {http.Header{"X_own": {"b"}, "X-Own": {"a"}}, "", map[string]bool{"X_own": false, "X-Own": true}},
		"of the operator":          {http.Header{"X-Team": {"b"}}, "X_Team", map[string]bool{"X-Team": false, "X_team": true}},
		"with nobody in its place": {http.Header{"X_own": {"b"}}, "", map[string]bool{"X_own": true}},
	} {
		t.Run(name, func(t *testing.T) {
			e, heads := capture(t)
			opts := webhook.Options{Endpoint: e, Replay: true}
			if c.fixed != "" {
				opts.Headers = []webhook.Header{{Name: c.fixed, Value: "a"}}
			}
			m := newMessage("a", "x")
			m.Request = &message.Request{Method: "POST", Path: "/x", Header: c.header}
			open(t, opts).Transmit(t.Context(), m)
			head := next(t, heads)
			for header, sent := range c.want {
				if got := valuesOf(head, http.CanonicalHeaderKey(header)); (len(got) == 1) != sent {
					t.Errorf("%s is sent as %q", header, got)
				}
			}
		})
	}
}

func TestReplayNamesTheProducerAndItsHost(t *testing.T) {
	for name, c := range map[string]struct{ own, operator, want string }{
		"the producer's":  {"curl/8", "", "curl/8"},
		"none of its own": {"", "", "carrier/1"},
		"the operator's":  {"curl/8", "ours", "ours"},
	} {
		e, heads := capture(t)
		opts := webhook.Options{Endpoint: e, Replay: true, Version: "1"}
		if c.operator != "" {
			opts.Headers = []webhook.Header{{Name: "user-agent", Value: c.operator}}
		}
		m := newMessage("a", "x")
		m.Request = &message.Request{Method: "POST", Path: "/x", Header: http.Header{"X-Forwarded-Host": {"shop.example"}}}
		if c.own != "" {
			m.Request.Header["User-Agent"] = []string{c.own}
		}
		open(t, opts).Transmit(t.Context(), m)
		head := next(t, heads)
		if got := valuesOf(head, "User-Agent"); !slices.Equal(got, []string{c.want}) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if got := valuesOf(head, "X-Forwarded-Host"); !slices.Equal(got, []string{"shop.example"}) {
			t.Errorf("%s: the host is %q", name, got)
		}
	}
}

// A worker that reads a request on a kept connection and then drops it may have done
// the work. net/http makes such a request again by itself where it believes that to be
// harmless, and so do other clients; ours must not.
func TestDroppedConnectionIsNotPostedTwice(t *testing.T) {
	for name, method := range map[string]string{"POST": "POST", "PUT": "PUT", "PATCH": "PATCH", "DELETE": "DELETE", "GET": "GET"} {
		for size, body := range map[string]string{"with a body": "body", "without": ""} {
			t.Run(name+" "+size, func(t *testing.T) {
				w, e := listenTCP(t, func(w *rawWorker, c net.Conn) {
					r := bufio.NewReader(c)
					if readRequest(w, r) {
						_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
						readRequest(w, r)
					}
				})
				tr := open(t, webhook.Options{Endpoint: e, Replay: true})
				m := newMessage("a", body)
				m.Request = &message.Request{Method: method, Path: "/x", Header: http.Header{
					"Idempotency-Key": {"k"}, "X-Idempotency-Key": {"k"},
				}}
				if o := tr.Transmit(t.Context(), m); o.Verdict != message.Delivered {
					t.Fatalf("first outcome %+v", o)
				}
				o := tr.Transmit(t.Context(), m)
				if o.Verdict != message.Retry || o.Cause != message.Failed || o.Code != "error" {
					t.Errorf("outcome %+v, want it failed", o)
				}
				if n := w.requests.Load(); n != 2 {
					t.Errorf("%d requests arrived, want 2", n)
				}
				if n := w.connections.Load(); n != 1 {
					t.Errorf("%d connections, so none was reused", n)
				}
			})
		}
	}
}
