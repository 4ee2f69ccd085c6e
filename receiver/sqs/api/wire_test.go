package api

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// scripted accepts connections and answers each request on the n-th as the n-th script
// says; a script that is over closes its connection.
func scripted(t *testing.T, scripts ...[]string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var serving sync.WaitGroup
	serving.Go(func() {
		for _, answers := range scripts {
			c, err := l.Accept()
			if err != nil {
				return
			}
			in := bufio.NewReader(c)
			for _, answer := range answers {
				if _, err := http.ReadRequest(in); err != nil {
					break
				}
				_, _ = io.WriteString(c, answer)
			}
			_ = c.Close()
		}
	})
	w := newWire(http.DefaultTransport.(*http.Transport), &url.URL{Scheme: "http", Host: l.Addr().String()})
	t.Cleanup(func() { w.close(); _ = l.Close(); serving.Wait() })
	return w
}

// ask makes a request, and returns the body of the answer.
func ask(ctx context.Context, w *wire) (body string, err error) {
	err = w.exchange(ctx, []byte("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"), func(resp *http.Response) error {
		b, err := io.ReadAll(resp.Body)
		body = string(b)
		return err
	})
	return body, err
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

func TestConnectionCarriesOneCallAfterAnother(t *testing.T) {
	for name, scripts := range map[string][][]string{
		"one connection for three":        {{ok, ok, ok}},
		"one that was closed is not used": {{ok}, {ok}, {ok}},
		"nor one that is to be closed":    {{"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"}, {ok}},
		"nor one that says more":          {{ok + "HTTP/1.1 408 Request Timeout\r\n\r\n"}, {ok}},
		"an answer in chunks":             {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", ok}},
		"an answer up to the end":         {{"HTTP/1.1 200 OK\r\n\r\nok"}, {ok}},
		"an answer behind an interim one": {{"HTTP/1.1 100 Continue\r\n\r\n" + ok, ok}},
	} {
		t.Run(name, func(t *testing.T) {
			w := scripted(t, scripts...)
			for _, script := range scripts {
				for i := range script {
					if body, err := ask(t.Context(), w); err != nil || body != "ok" {
						t.Fatalf("call %d: %q, %v", i, body, err)
					}
				}
				awaitEnd(t, w)
			}
		})
	}
}

// awaitEnd waits until the end of an idle connection has arrived.
func awaitEnd(t *testing.T, w *wire) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		w.mu.Lock()
		gone := len(w.idle) == 0 || !w.idle[0].peer.Waits()
		w.mu.Unlock()
		if gone {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the connection is still open")
		}
	}
}

func TestAnswerThatBreaksOffIsAnError(t *testing.T) {
	for name, answer := range map[string]string{
		"before it begins":   "",
		"in its head":        "HTTP/1.1 200 OK\r\nContent-",
		"in its body":        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
		"no HTTP":            "220 mail.example.com ESMTP\r\n",
		"a head without end": "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", headLimit/6+1) + "\r\nok",
	} {
		t.Run(name, func(t *testing.T) {
			w := scripted(t, []string{answer})
			if body, err := ask(t.Context(), w); err == nil {
				t.Errorf("answer %q", body)
			}
			if len(w.idle) != 0 {
				t.Error("the connection is kept")
			}
		})
	}
}

func TestConnectionThatHasMoreToSayIsNotKept(t *testing.T) {
	for name, answer := range map[string]string{
		"it is to be closed":       "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
		"its answer was not read":  "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nokok",
		"another answer is behind": ok + ok,
	} {
		t.Run(name, func(t *testing.T) {
			w := scripted(t, []string{answer, ok}) // the server would go on
			err := w.exchange(t.Context(), []byte("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"), func(resp *http.Response) error {
				_, err := io.ReadFull(resp.Body, make([]byte, 2))
				return err
			})
			if err != nil || len(w.idle) != 0 {
				t.Errorf("%v, %d connections are kept", err, len(w.idle))
			}
		})
	}
}

func TestTheEndOfItsContextCutsACall(t *testing.T) {
	asked := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(asked)
		<-r.Context().Done()
	}))
	defer s.Close()
	base, err := url.Parse(s.URL)
	must(t, err)
	w := newWire(http.DefaultTransport.(*http.Transport), base)
	defer w.close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	if _, err := ask(ctx, w); !errors.Is(err, context.Canceled) || len(w.idle) != 0 {
		t.Errorf("%v, %d idle connections", err, len(w.idle))
	}
}

func TestIdleConnectionsAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		var far []net.Conn
		w.dial = func(context.Context) (net.Conn, error) {
			near, other := net.Pipe()
			far = append(far, other)
			return near, nil
		}
		one, _ := w.take(t.Context())
		two, _ := w.take(t.Context())
		w.put(one, true)
		time.Sleep(idleLimit)
		w.put(two, true)
		if _, err := one.Write([]byte("x")); len(w.idle) != 1 || !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%d idle connections, the older one: %v", len(w.idle), err)
		}
		time.Sleep(idleLimit)
		if l, _ := w.take(t.Context()); l == two || len(far) != 3 {
			t.Errorf("a connection that was idle for %v is used", idleLimit)
		}
		w.close()
	})
}

func TestServerIsVerified(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Proto)
	}))
	defer s.Close()
	base, err := url.Parse(s.URL)
	must(t, err)
	known := x509.NewCertPool()
	known.AddCert(s.Certificate())
	for name, c := range map[string]struct {
		roots *x509.CertPool
		host  string
		want  string
	}{
		"one of a known authority": {known, base.Host, "HTTP/1.1"},
		"one of an unknown one":    {x509.NewCertPool(), base.Host, ""},
		"one of another name":      {known, "localhost:" + base.Port(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			transport := http.DefaultTransport.(*http.Transport).Clone()
			transport.TLSClientConfig = &tls.Config{RootCAs: c.roots, MinVersion: tls.VersionTLS12}
			w := newWire(transport, &url.URL{Scheme: "https", Host: c.host})
			defer w.close()
			body, err := ask(t.Context(), w)
			if body != c.want || (err == nil) != (c.want != "") {
				t.Errorf("answer %q, %v", body, err)
			}
		})
	}
}

func TestProxyOfTheEnvironmentIsUsed(t *testing.T) {
	var seen *http.Request
	var body []byte
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, "{}")
	}))
	defer proxy.Close()
	at, err := url.Parse(proxy.URL)
	must(t, err)
	c, _ := connected(t, nil)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = http.ProxyURL(at)
	template := c.template
	template.request = template.request.Clone(t.Context())
	template.request.URL, template.request.Host = &url.URL{Scheme: "http", Host: "sqs.test", Path: "/"}, "sqs.test"
	template.head = headOf(template.request)
	through := newCaller(transport, template, c.credentials)
	defer transport.CloseIdleConnections()
	must(t, through.call(t.Context(), action{name: "ReceiveMessage", request: newRequest([]byte("body")), read: func(answer) error { return nil }}))
	if seen.RequestURI != "http://sqs.test/" || string(body) != "body" || seen.Header.Get("Authorization") == "" {
		t.Errorf("the proxy saw %s %q %v", seen.RequestURI, body, seen.Header)
	}
}
