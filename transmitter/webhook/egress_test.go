package webhook_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"carrier/internal/egress"
	"carrier/message"
	"carrier/transmitter/webhook"
)

// tunnel copies both ways between a producer's connection and a new one to address.
func tunnel(c net.Conn, buffered io.Reader, address string) {
	up, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer func() { _ = up.Close() }()
	go func() {
		_, _ = io.Copy(up, buffered)
		_ = up.Close()
	}()
	_, _ = io.Copy(c, up)
}

// connecting is a proxy that leads every CONNECT to address, and tells what it was asked for.
func connecting(asked chan<- string, status, address string) func(*rawWorker, net.Conn) {
	return func(_ *rawWorker, c net.Conn) {
		r := bufio.NewReader(c)
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		asked <- req.Method + " " + req.RequestURI + " " + req.Header.Get("Proxy-Authorization")
		_, _ = io.WriteString(c, "HTTP/1.1 "+status+"\r\n\r\n")
		if strings.HasPrefix(status, "200") {
			tunnel(c, r, address)
		}
	}
}

// socks is a SOCKS 5 proxy with user and password (RFC 1928, RFC 1929) that leads to address.
func socks(asked chan<- string, reply byte, address string) func(*rawWorker, net.Conn) {
	return func(_ *rawWorker, c net.Conn) {
		r := bufio.NewReader(c)
		next := func(n byte) string {
			b := make([]byte, n)
			_, _ = io.ReadFull(r, b)
			return string(b)
		}
		next(next(2)[1]) // version, methods
		_, _ = c.Write([]byte{5, 2})
		user := next(next(2)[1])
		password := next(next(1)[0])
		_, _ = c.Write([]byte{1, 0})
		name := next(next(5)[4]) // version, CONNECT, reserved, a name, its length
		port := binary.BigEndian.Uint16([]byte(next(2)))
		asked <- "SOCKS " + net.JoinHostPort(name, strconv.Itoa(int(port))) + " " + user + ":" + password
		_, _ = c.Write([]byte{5, reply, 0, 1, 0, 0, 0, 0, 0, 0})
		if reply == 0 {
			tunnel(c, r, address)
		}
	}
}

// throughProxy returns the URL of a proxy that serves as told, and the options that lead through it.
func throughProxy(t *testing.T, scheme string, serve func(*rawWorker, net.Conn)) egress.Options {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listen(t, l, serve)
	return egress.Options{Proxy: &url.URL{Scheme: scheme, Host: l.Addr().String(), User: url.UserPassword("u", "p@ss")}}
}

func TestMessagesGoThroughTheProxy(t *testing.T) {
	basic := " Basic " + base64.StdEncoding.EncodeToString([]byte("u:p@ss"))
	for name, c := range map[string]struct {
		scheme, endpoint, asked string
		secure                  bool // the endpoint speaks TLS
	}{
		"by CONNECT to an http endpoint":  {"http", "http://worker.example/hook", "CONNECT worker.example:80" + basic, false},
		"by CONNECT to an https endpoint": {"http", "https://example.com/hook", "CONNECT example.com:443" + basic, true},
		"by CONNECT to a port":            {"http", "http://worker.example:81/hook", "CONNECT worker.example:81" + basic, false},
		"by SOCKS 5":                      {"socks5", "http://worker.example/hook", "SOCKS worker.example:80 u:p@ss", false},
		"by SOCKS 5 to an https endpoint": {"socks5", "https://example.com:8443/hook", "SOCKS example.com:8443 u:p@ss", true},
	} {
		t.Run(name, func(t *testing.T) {
			got, asked := make(chan received, 1), make(chan string, 4)
			worker := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got <- received{r.Method, r.URL.RequestURI(), r.Header, body}
			}))
			if c.secure {
				worker.StartTLS()
			} else {
				worker.Start()
			}
			t.Cleanup(worker.Close)
			address := worker.Listener.Addr().String()
			serve := connecting(asked, "200 OK", address)
			if c.scheme == "socks5" {
				serve = socks(asked, 0, address)
			}
			opts := webhook.Options{Endpoint: endpoint(t, c.endpoint), Egress: throughProxy(t, c.scheme, serve)}
			if c.secure {
				opts.TLS.CAFile = caFile(t, worker)
			}
			r := deliver(t, open(t, opts), newMessage("m", "body"), got)
			if r.method != "POST" || r.target != "/hook" || string(r.body) != "body" || r.header.Get("Proxy-Authorization") != "" {
				t.Errorf("the worker got %+v", r)
			}
			if a := <-asked; a != c.asked {
				t.Errorf("the proxy was asked for %q, want %q", a, c.asked)
			}
		})
	}
}

func caFile(t *testing.T, s *httptest.Server) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestHTTPSProxyIsVerified(t *testing.T) {
	e, got := recording(t)
	asked := make(chan string, 4)
	proxy := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method
		c, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		tunnel(c, buffered, strings.TrimSuffix(strings.TrimPrefix(e.String(), "http://"), "/hook"))
	}))
	proxy.Config.ErrorLog = log.New(io.Discard, "", 0)
	proxy.StartTLS()
	t.Cleanup(proxy.Close)
	opts := webhook.Options{
		Endpoint: endpoint(t, "http://worker.example/hook"), TLS: webhook.TLS{CAFile: caFile(t, proxy)},
		Egress: egress.Options{Proxy: &url.URL{Scheme: "https", Host: proxy.Listener.Addr().String()}},
	}
	if r := deliver(t, open(t, opts), newMessage("m", "body"), got); string(r.body) != "body" || <-asked != "CONNECT" {
		t.Errorf("the worker got %+v", r)
	}
	opts.TLS = webhook.TLS{InsecureSkipVerify: true} // says nothing of the proxy
	o := open(t, opts).Transmit(t.Context(), newMessage("m", "body"))
	if o.Cause != message.Unreached || o.Reason != "worker not reached: proxy: the TLS handshake failed" {
		t.Errorf("outcome is %+v", o)
	}
}

func TestProxyThatGivesNoConnectionHoldsMessages(t *testing.T) {
	asked := make(chan string, 16)
	down, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = down.Close()
	for name, c := range map[string]struct {
		out    egress.Options
		reason string
	}{
		"it wants another password":  {throughProxy(t, "http", connecting(asked, "407 Proxy Authentication Required", "")), "proxy: answered 407 to CONNECT"},
		"it cannot reach the worker": {throughProxy(t, "http", connecting(asked, "502 Bad Gateway", "")), "proxy: answered 502 to CONNECT"},
		"it speaks no HTTP":          {throughProxy(t, "http", connecting(asked, "\x00", "")), "proxy: no complete answer to CONNECT"},
		"SOCKS says no":              {throughProxy(t, "socks5", socks(asked, 5, "")), "proxy: the connection was refused"},
		"it is down":                 {egress.Options{Proxy: &url.URL{Scheme: "http", Host: down.Addr().String()}}, "connection refused"},
		"SOCKS is down":              {egress.Options{Proxy: &url.URL{Scheme: "socks5", Host: down.Addr().String()}}, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			tr := open(t, webhook.Options{Endpoint: endpoint(t, "http://worker.example/hook"), Egress: c.out})
			o := tr.Transmit(t.Context(), newMessage("m", "body"))
			if o.Verdict != message.Retry || o.Cause != message.Unreached || o.Reason != "worker not reached: "+c.reason {
				t.Errorf("outcome is %+v", o)
			}
			if err := tr.Probe(t.Context()); err == nil {
				t.Error("the probe says that it could be reached")
			}
		})
	}
}

// naming makes every name stand for ip, for the length of the test.
func naming(t *testing.T, ip string) {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	go func() {
		buffer := make([]byte, 1<<10)
		for {
			n, from, err := server.ReadFrom(buffer)
			if err != nil {
				return
			}
			if answer := dnsAnswer(buffer[:n], ip); answer != nil {
				_, _ = server.WriteTo(answer, from)
			}
		}
	}()
	before := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = before })
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

// dnsAnswer answers a query for an address of ip's kind with ip, and any other with nothing.
func dnsAnswer(query []byte, ip string) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	m.Response, m.Additionals = true, nil
	q, address := m.Questions[0], net.ParseIP(ip)
	header := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class}
	switch four := address.To4(); {
	case q.Type == dnsmessage.TypeA && four != nil:
		m.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AResource{A: [4]byte(four)}}}
	case q.Type == dnsmessage.TypeAAAA && four == nil:
		m.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AAAAResource{AAAA: [16]byte(address)}}}
	}
	answer, _ := m.Pack()
	return answer
}

func TestMetadataIsNotReachedWhateverNameItHidesBehind(t *testing.T) {
	for name, c := range map[string]struct{ url, resolved string }{
		"an address":                    {"http://169.254.169.254/latest", ""},
		"an IPv6 address":               {"http://[fe80::1]/", ""},
		"an IPv4-mapped address":        {"http://[::ffff:169.254.169.254]/", ""},
		"an address behind NAT64":       {"http://[64:ff9b::a9fe:a9fe]/", ""},
		"AWS's over IPv6":               {"http://[fd00:ec2::254]/", ""},
		"Alibaba Cloud's":               {"http://100.100.100.200/", ""},
		"a name of an address":          {"http://rebound.example/", "169.254.169.254"},
		"a name of an IPv6 address":     {"http://rebound.example/", "fd00:ec2::254"},
		"a name of one behind NAT64":    {"http://rebound.example/", "64:ff9b::6464:64c8"},
		"a name, and the worker is TLS": {"https://rebound.example/", "169.254.170.2"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.resolved != "" {
				naming(t, c.resolved)
			}
			tr := open(t, webhook.Options{Endpoint: endpoint(t, c.url)})
			o := tr.Transmit(t.Context(), newMessage("m", "body"))
			if o.Verdict != message.Rejected || o.Code != "" || !strings.Contains(o.Reason, "link-local or metadata address") {
				t.Errorf("outcome is %+v", o)
			}
			if err := tr.Probe(t.Context()); err != nil {
				t.Errorf("the probe says %v: messages would be held", err)
			}
		})
	}
}

func TestMetadataIsNotReachedByItsAddressThroughAProxyEither(t *testing.T) {
	asked := make(chan string, 1)
	out := throughProxy(t, "http", connecting(asked, "200 OK", ""))
	o := open(t, webhook.Options{Endpoint: endpoint(t, "http://169.254.169.254/"), Egress: out}).Transmit(t.Context(), newMessage("m", "body"))
	if o.Verdict != message.Rejected || len(asked) != 0 {
		t.Errorf("outcome is %+v, the proxy was asked %d times", o, len(asked))
	}
}

func TestLinkLocalAddressIsReachedWhereThatIsAllowed(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // so that nothing is sent
	o := open(t, webhook.Options{Endpoint: endpoint(t, "http://169.254.169.254/"), Egress: egress.Options{AllowLinkLocal: true}}).Transmit(ctx, newMessage("m", "body"))
	if o.Verdict == message.Rejected {
		t.Errorf("outcome is %+v", o)
	}
}
