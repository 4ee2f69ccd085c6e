package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"carrier/dispatch"
	"carrier/receiver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ask makes one request of the handler o makes.
func ask(o Options, method, path string, headers ...string) *httptest.ResponseRecorder {
	return askHost(o, "127.0.0.1:9010", method, path, headers...)
}

// askHost is ask with a Host.
func askHost(o Options, host, method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Host = host
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ":")
		r.Header.Add(name, value)
	}
	answer := httptest.NewRecorder()
	handler(o).ServeHTTP(answer, r)
	return answer
}

func TestEveryPathAnswersAsPromised(t *testing.T) {
	stuck := func() error { return errors.New("stuck") }
	blocked := func() map[string]string { return map[string]string{"source": "not reached yet"} }
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "numbers") })
	failing := func(context.Context, string) error { return errors.New("broke off") }
	for name, tt := range map[string]struct {
		options      Options
		method, path string
		code         int
		body         string
	}{
		"live":                       {Options{Ready: blocked}, "GET", "/livez", 200, `{"status":"live"}`},
		"not live":                   {Options{Live: stuck}, "GET", "/livez", 503, `"detail":"stuck"`},
		"ready":                      {Options{Live: stuck}, "GET", "/readyz", 200, `{"status":"ready"}`},
		"not ready":                  {Options{Ready: blocked}, "GET", "/readyz", 503, `"reasons":{"source":"not reached yet"}`},
		"ready, asked with HEAD":     {Options{}, "HEAD", "/readyz", 200, ""},
		"metrics":                    {Options{Metrics: metrics}, "GET", "/metrics", 200, "numbers"},
		"no metrics":                 {Options{}, "GET", "/metrics", 404, `"title":"Not Found"`},
		"a drain by nobody":          {Options{Drain: failing}, "POST", "/drain", 403, "needs the header X-Carrier-Drain: yes"},
		"a drain by another method":  {Options{}, "PUT", "/drain", 405, `"status":405`},
		"a probe by another method":  {Options{}, "POST", "/readyz", 405, `"status":405`},
		"a path that is not there":   {Options{}, "GET", "/", 404, `"status":404`},
		"a path that goes on":        {Options{}, "GET", "/livez/x", 404, `"status":404`},
		"a path that is not cleaned": {Options{}, "GET", "//livez", 404, `"status":404`},
	} {
		t.Run(name, func(t *testing.T) {
			answer := ask(tt.options, tt.method, tt.path)
			if answer.Code != tt.code || !strings.Contains(answer.Body.String(), tt.body) {
				t.Errorf("%d %s", answer.Code, answer.Body)
			}
			problem := answer.Header().Get("Content-Type") == "application/problem+json"
			if problem != (tt.code >= 400) || problem && !json.Valid(answer.Body.Bytes()) {
				t.Errorf("content type %q, body %s", answer.Header().Get("Content-Type"), answer.Body)
			}
			if allow := answer.Header().Get("Allow"); (tt.code == 405) != (allow != "") {
				t.Errorf("Allow: %q", allow)
			}
		})
	}
}

func TestDrainWantsItsHeaderOrItsToken(t *testing.T) {
	for name, tt := range map[string]struct {
		token   string
		headers []string
		code    int
	}{
		"nothing":                           {"", nil, 403},
		"the header":                        {"", []string{"X-Carrier-Drain:yes"}, 200},
		"the header with another value":     {"", []string{"X-Carrier-Drain:no"}, 403},
		"an empty header":                   {"", []string{"X-Carrier-Drain:"}, 403},
		"the header twice":                  {"", []string{"X-Carrier-Drain:yes", "X-Carrier-Drain:yes"}, 403},
		"a token where none is set":         {"", []string{"Authorization:Bearer s3cret"}, 403},
		"an empty token where none is set":  {"", []string{"Authorization:Bearer "}, 403},
		"the token":                         {"s3cret", []string{"Authorization:Bearer s3cret"}, 200},
		"the token, the scheme in lower":    {"s3cret", []string{"Authorization:bearer s3cret"}, 200},
		"nothing where a token is set":      {"s3cret", nil, 401},
		"the header where a token is set":   {"s3cret", []string{"X-Carrier-Drain:yes"}, 401},
		"a wrong token":                     {"s3cret", []string{"Authorization:Bearer wrong", "X-Carrier-Drain:yes"}, 401},
		"an empty token":                    {"s3cret", []string{"Authorization:Bearer"}, 401},
		"the token with another scheme":     {"s3cret", []string{"Authorization:Basic s3cret"}, 401},
		"the token without a scheme":        {"s3cret", []string{"Authorization:s3cret"}, 401},
		"two tokens, one of which is right": {"s3cret", []string{"Authorization:Bearer s3cret", "Authorization:Bearer x"}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			for _, method := range []string{"GET", "POST"} {
				from := ""
				o := Options{Token: tt.token, Drain: func(_ context.Context, by string) error { from = by; return nil }}
				answer := ask(o, method, "/drain", tt.headers...)
				if answer.Code != tt.code || (from != "") != (tt.code == 200) {
					t.Errorf("%s: status %d, drained by %q", method, answer.Code, from)
				}
				if challenge := answer.Header().Get("WWW-Authenticate"); strings.HasPrefix(challenge, "Bearer") != (tt.code == 401) {
					t.Errorf("challenge %q", challenge)
				}
			}
		})
	}
	if answer := ask(Options{Token: "s3cret"}, "GET", "/readyz"); answer.Code != 200 {
		t.Errorf("readyz wants a token: %d", answer.Code)
	}
}

func TestDrainAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		drain func(context.Context, string) error
		code  int
		body  string
	}{
		"nothing to drain":        {nil, 200, `{"status":"drained"}`},
		"a drain that is over":    {func(context.Context, string) error { return nil }, 200, `{"status":"drained"}`},
		"a drain that breaks off": {func(context.Context, string) error { return errors.New("broke off") }, 503, "broke off"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := ask(Options{Drain: tt.drain}, "POST", "/drain", "X-Carrier-Drain:yes")
			if answer.Code != tt.code || !strings.Contains(answer.Body.String(), tt.body) {
				t.Errorf("%d %s", answer.Code, answer.Body)
			}
		})
	}
}

// TestDrainMayTakeLongerThanAnyOtherAnswer drains for an hour of virtual time, over a
// server with its deadlines.
func TestDrainMayTakeLongerThanAnyOtherAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := newPipe()
		s := newServer(pipe, Options{Drain: func(ctx context.Context, _ string) error {
			select {
			case <-time.After(time.Hour):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}})
		served := make(chan error, 1)
		go func() { served <- s.Serve() }()
		conn := pipe.dial()
		send(t, conn, "POST /drain HTTP/1.1\r\nHost: h\r\nX-Carrier-Drain: yes\r\nConnection: close\r\n\r\n")
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("answer %v, error %v", answer, err)
		}
		_ = answer.Body.Close()
		_ = conn.Close()
		if err := errors.Join(s.Close(t.Context()), <-served); err != nil {
			t.Error(err)
		}
	})
}

// TestSlowClientIsCutOff sends half a head and waits.
func TestSlowClientIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := newPipe()
		s := newServer(pipe, Options{})
		served := make(chan error, 1)
		go func() { served <- s.Serve() }()
		conn := pipe.dial()
		send(t, conn, "GET /livez HTTP/1.1\r\n")
		begun := time.Now()
		_, _ = io.Copy(io.Discard, conn) // ends when the server hangs up
		if waited := time.Since(begun); waited > headTimeout+time.Second {
			t.Errorf("cut off after %v", waited)
		}
		_ = conn.Close()
		if err := errors.Join(s.Close(t.Context()), <-served); err != nil {
			t.Error(err)
		}
	})
}

// connect opens n connections, one a second, and has the server answer one request on each.
func connect(t *testing.T, pipe *pipe, n int) []net.Conn {
	t.Helper()
	var conns []net.Conn
	for range n {
		conn := pipe.dial()
		conns = append(conns, conn)
		send(t, conn, "GET /livez HTTP/1.1\r\nHost: h\r\n\r\n")
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		time.Sleep(time.Millisecond)
	}
	return conns
}

// serving runs f beside a server whose connections are in memory.
func serving(t *testing.T, o Options, f func(t *testing.T, pipe *pipe)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		pipe := newPipe()
		s := newServer(pipe, o)
		served := make(chan error, 1)
		go func() { served <- s.Serve() }()
		f(t, pipe)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := errors.Join(s.Close(ctx), <-served); err != nil {
			t.Error(err)
		}
	})
}

func isClosed(conn net.Conn) bool {
	_ = conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := conn.Read(make([]byte, 1))
	return errors.Is(err, io.EOF)
}

func TestConnectionsAreBoundedAndTheIdlestMakesRoom(t *testing.T) {
	serving(t, Options{}, func(t *testing.T, pipe *pipe) {
		conns := connect(t, pipe, maxConnections)
		for _, conn := range conns {
			if isClosed(conn) {
				t.Fatal("a connection was closed although there was space")
			}
		}
		connect(t, pipe, 3)
		for i, conn := range conns {
			if closed := isClosed(conn); closed != (i < 3) {
				t.Errorf("connection %d is closed: %v", i, closed)
			}
		}
	})
}

func TestSilentConnectionsKeepNobodyOut(t *testing.T) {
	serving(t, Options{}, func(t *testing.T, pipe *pipe) {
		for range 10 * maxConnections {
			send(t, pipe.dial(), "GET ")
		}
		connect(t, pipe, 1)
	})
}

func TestConnectionThatIsAnsweredIsKept(t *testing.T) {
	var free chan struct{}
	wait := func(context.Context, string) error { <-free; return nil }
	serving(t, Options{Drain: wait}, func(t *testing.T, pipe *pipe) {
		free = make(chan struct{})
		drain := pipe.dial()
		send(t, drain, "POST /drain HTTP/1.1\r\nHost: h\r\nX-Carrier-Drain: yes\r\n\r\n")
		synctest.Wait()
		time.Sleep(time.Second)
		connect(t, pipe, 2*maxConnections)
		close(free)
		answer, err := http.ReadResponse(bufio.NewReader(drain), nil)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("answer %v, error %v", answer, err)
		}
		_ = answer.Body.Close()
	})
}

func TestIdleConnectionEndsSoon(t *testing.T) {
	serving(t, Options{}, func(t *testing.T, pipe *pipe) {
		conn := connect(t, pipe, 1)[0]
		time.Sleep(idleTimeout + time.Second)
		if !isClosed(conn) {
			t.Error("the connection is kept")
		}
	})
}

func send(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

// A pipe is a listener whose connections are in memory, so that their deadlines follow
// virtual time.
type pipe struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipe() *pipe { return &pipe{make(chan net.Conn), make(chan struct{})} }

func (p *pipe) dial() net.Conn {
	near, far := net.Pipe()
	p.conns <- far
	return near
}

func (p *pipe) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipe) Close() error {
	select {
	case <-p.closed:
	default:
		close(p.closed)
	}
	return nil
}

func (p *pipe) Addr() net.Addr { return &net.TCPAddr{} }

func TestTakenPortEndsTheStart(t *testing.T) {
	first, err := Open(t.Context(), Options{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Address: first.Addr().String()}); err == nil || !strings.Contains(err.Error(), "open the admin port") {
		t.Errorf("error %v", err)
	}
	if err := first.Close(t.Context()); err != nil {
		t.Error(err)
	}
	again, err := Open(t.Context(), Options{Address: first.Addr().String()})
	if err != nil {
		t.Fatalf("the port is not free after Close: %v", err)
	}
	_ = again.Close(t.Context())
}

func TestCloseCutsOffWhatWillNotEnd(t *testing.T) {
	entered := make(chan struct{})
	s := open(t, Options{Drain: func(ctx context.Context, _ string) error {
		close(entered)
		<-ctx.Done()
		return ctx.Err()
	}})
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	send(t, conn, "POST /drain HTTP/1.1\r\nHost: h\r\nX-Carrier-Drain: yes\r\n\r\n")
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
}

// open serves o on a free port until the test ends.
func open(t *testing.T, o Options) *Server {
	t.Helper()
	o.Address = "127.0.0.1:0"
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	t.Cleanup(func() {
		if err := errors.Join(s.Close(context.Background()), <-served); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestHealthAsksReadyz(t *testing.T) {
	readiness := NewReadiness()
	s := open(t, Options{Ready: readiness.Reasons})
	_, port, _ := net.SplitHostPort(s.Addr().String())
	err := Health(t.Context(), ":"+port, "")
	if err == nil || err.Error() != "not ready: source not reached yet" {
		t.Errorf("error %v", err)
	}
	readiness.Observe(dispatch.Event{Kind: dispatch.SourceUp})
	for _, address := range []string{":" + port, "0.0.0.0:" + port, "[::]:" + port, "127.0.0.1:" + port, "localhost:" + port} {
		if err := Health(t.Context(), address, ""); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestCarrierThatRunsIsToldFromOthers(t *testing.T) {
	alive, stuck := open(t, Options{}), open(t, Options{Live: func() error { return errors.New("stuck") }})
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	for address, want := range map[string]bool{
		alive.Addr().String(): true, stuck.Addr().String(): true, other.Listener.Addr().String(): false, "127.0.0.1:1": false, "": false,
	} {
		if got := Running(t.Context(), address); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}

func TestEveryInterfaceIsAskedOnLoopback(t *testing.T) {
	for address, want := range map[string]string{
		":9010": "127.0.0.1:9010", "0.0.0.0:9010": "127.0.0.1:9010", "[::]:9010": "127.0.0.1:9010",
		"[::1]:9010": "[::1]:9010", "10.0.0.1:9010": "10.0.0.1:9010", "host:9010": "host:9010",
	} {
		if got, err := dialable(address); got != want || err != nil {
			t.Errorf("%s: %s, %v", address, got, err)
		}
	}
}

func TestHealthSaysWhatIsWrong(t *testing.T) {
	elsewhere := httptest.NewServer(http.RedirectHandler("/other", http.StatusFound))
	defer elsewhere.Close()
	for address, want := range map[string]string{
		"":                                 "turned off",
		"nonsense":                         "missing port",
		"127.0.0.1:1":                      "ask the admin port",
		elsewhere.Listener.Addr().String(): "status 302",
	} {
		if err := Health(t.Context(), address, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", address, err, want)
		}
	}
}

// A codedError is one of a source that has a code.
type codedError struct{ code, text string }

func (e codedError) Error() string     { return e.code + ": " + e.text }
func (e codedError) ErrorCode() string { return e.code }

func TestReadinessFollowsSourceStopAndWorker(t *testing.T) {
	r := NewReadiness()
	expect := func(want string) {
		t.Helper()
		if got := fmt.Sprint(r.Reasons()); got != "map["+want+"]" {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	expect("source:not reached yet")
	r.Observe(dispatch.Event{Kind: dispatch.SourceDown, Err: errors.New("dial 10.0.0.1")})
	expect("source:not reached: other")
	r.Observe(dispatch.Event{Kind: dispatch.SourceDown, Err: &receiver.Error{
		Operation: "open", Class: receiver.Denied, Err: codedError{"AccessDenied", "arn:aws:iam::123456789012:role/x may not"},
	}})
	expect("source:not reached: denied (AccessDenied)")
	r.Observe(dispatch.Event{Kind: dispatch.SourceUp})
	r.Observe(dispatch.Event{Kind: dispatch.Polled})
	expect("")
	r.Observe(dispatch.Event{Kind: dispatch.SourceDown, Err: errors.New("throttled")})
	expect("")
	r.Set("worker", strings.Repeat("x", 5000))
	if n := len(r.Reasons()["worker"]); n != 1024 {
		t.Errorf("a reason of %d bytes", n)
	}
	r.Set("worker", "offline")
	expect("worker:offline")
	r.Set("worker", "")
	r.Observe(dispatch.Event{Kind: dispatch.Stopping})
	expect("draining:no more messages are taken")
}
