package ingest

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"carrier/internal/queue"
	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/ingest/request"
)

func TestRequestIsStoredAndDelivered(t *testing.T) {
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		t.Run(method, func(t *testing.T) {
			r := start(t, Options{})
			id := send(t, r, method, "/a%2Fb/c?x=1&y=%20", "the body", "Content-Type: text/plain").id(t)
			m := receive(t, r)
			if m.ID != id || string(m.Body) != "the body" || m.ContentType != "text/plain" || m.Source != "ingest" || m.Ordered {
				t.Errorf("message = %+v", m)
			}
			if q := m.Request; q.Method != method || q.Path != "/a%2Fb/c" || q.Query != "x=1&y=%20" {
				t.Errorf("request = %+v", q)
			}
			if m.Lease != 30*time.Second || m.Expires().Before(time.Now()) || m.Sent.After(m.FirstReceived) || m.Sent.IsZero() {
				t.Errorf("lease %v until %v, sent %v, first received %v", m.Lease, m.Expires(), m.Sent, m.FirstReceived)
			}
		})
	}
}

func TestStoredMessageSurvivesAReopening(t *testing.T) {
	dir := t.TempDir()
	r := start(t, Options{DataDir: dir})
	id := send(t, r, "POST", "/", "a", "Idempotency-Key: k").id(t)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	again := start(t, Options{DataDir: dir})
	if second := send(t, again, "POST", "/", "a", "Idempotency-Key: k").id(t); second != id {
		t.Errorf("id after a restart = %s, want %s", second, id)
	}
	if m := receive(t, again); m.ID != id || string(m.Body) != "a" {
		t.Errorf("message = %+v, want %s", m, id)
	}
	wantStored(t, again, 1)
}

func TestOtherMethodsAreNotAllowed(t *testing.T) {
	r := start(t, Options{})
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "TRACE", "FETCH"} {
		a := send(t, r, method, "/", "")
		if a.StatusCode != http.StatusMethodNotAllowed || a.Header.Get("Allow") != "POST, PUT, PATCH, DELETE" {
			t.Errorf("%s: %d, Allow %q", method, a.StatusCode, a.Header.Get("Allow"))
		}
	}
	send(t, r, "GET", "/", "").problem(t, 405)
	wantStored(t, r, 0)
}

func TestCredentialIsAsked(t *testing.T) {
	r := start(t, Options{Token: "s3cret"})
	refused := map[string][]string{
		"none":           nil,
		"wrong":          {"Authorization: Bearer wrong"},
		"a longer one":   {"Authorization: Bearer s3cret2"},
		"empty":          {"Authorization: Bearer "},
		"basic":          {"Authorization: Basic s3cret"},
		"two of them":    {"Authorization: Bearer s3cret", "Authorization: Bearer other"},
		"without a word": {"Authorization: s3cret"},
	}
	for name, header := range refused {
		t.Run(name, func(t *testing.T) {
			a := send(t, r, "POST", "/", "a", header...)
			if detail := a.problem(t, 401); strings.Contains(detail, "s3cret") || !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("detail %q, WWW-Authenticate %q", detail, a.Header.Get("WWW-Authenticate"))
			}
		})
	}
	wantStored(t, r, 0)
	send(t, r, "POST", "/", "a", "Authorization: bearer s3cret").id(t)
	if got := receive(t, r).Request.Header.Values("Authorization"); len(got) != 0 {
		t.Errorf("carrier's own credential travels: %q", got)
	}
}

func TestForeignCredentialTravels(t *testing.T) {
	r := start(t, Options{})
	send(t, r, "POST", "/", "a", "Authorization: Bearer workers").id(t)
	if got := receive(t, r).Request.Header.Get("Authorization"); got != "Bearer workers" {
		t.Errorf("Authorization = %q, want the worker's", got)
	}
}

func TestBodyThatIsTooLargeIsRefusedAndItsConnectionClosed(t *testing.T) {
	r := start(t, Options{MaxBody: 10})
	cases := map[string]string{
		"declared":            "Content-Length: 11\r\n\r\n",
		"declared, with body": "Content-Length: 11\r\n\r\n12345678901",
		"chunked":             "Transfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n",
		"declared, huge":      "Content-Length: 9000000000000000000\r\n\r\n",
		"declared, expecting": "Expect: 100-continue\r\nContent-Length: 11\r\n\r\n",
	}
	for name, rest := range cases {
		t.Run(name, func(t *testing.T) {
			w := dial(t, r)
			w.say(t, "POST / HTTP/1.1\r\nHost: x\r\n"+rest)
			a := w.hear(t)
			a.problem(t, 413)
			if !a.Close {
				t.Error("the answer does not say that the connection closes")
			}
			w.closed(t)
		})
	}
	wantStored(t, r, 0)
	send(t, r, "POST", "/", "1234567890").id(t) // as large as is allowed
}

func TestLargeBodyUnderWayGetsItsAnswer(t *testing.T) {
	r := start(t, Options{MaxBody: 1 << 10})
	// The producer writes all of it before it reads; the answer must not be lost to a reset.
	send(t, r, "POST", "/", strings.Repeat("x", 8<<20)).problem(t, 413)
	wantStored(t, r, 0)
}

func TestFullQueueAsksToComeAgain(t *testing.T) {
	r := start(t, Options{MaxMessages: 1})
	send(t, r, "POST", "/", "a").id(t)
	a := send(t, r, "POST", "/", "b")
	a.problem(t, 503)
	if s, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || s < 1 {
		t.Errorf("Retry-After = %q, want whole seconds", a.Header.Get("Retry-After"))
	}
	if err := r.Settle(t.Context(), receive(t, r), message.Outcome{Verdict: message.Delivered}); err != nil {
		t.Fatal(err)
	}
	send(t, r, "POST", "/", "b").id(t)
}

func TestStoppingReceiverStoresNothingMore(t *testing.T) {
	r := start(t, Options{})
	w := dial(t, r)
	w.say(t, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na")
	if a := w.hear(t); a.StatusCode != http.StatusOK || a.Close {
		t.Fatalf("answer = %d, closing %v; want 200 on a connection that stays", a.StatusCode, a.Close)
	}
	r.StopAccepting()
	w.say(t, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nb")
	a := w.hear(t)
	a.problem(t, 503)
	if !a.Close || a.Header.Get("Retry-After") == "" {
		t.Errorf("header = %v, want Retry-After and Connection: close", a.Header)
	}
	w.closed(t)
	wantStored(t, r, 1)
	if m := receive(t, r); string(m.Body) != "a" {
		t.Errorf("received %s, want a: what is stored goes on", m.Body)
	}
}

func TestBodyThatIsCutOffIsNotStored(t *testing.T) {
	r := start(t, Options{})
	for name, text := range map[string]string{
		"of a declared length": "Content-Length: 10\r\n\r\n12345",
		"chunked":              "Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n5\r\n12",
		"in a broken chunk":    "Transfer-Encoding: chunked\r\n\r\nxyz\r\n12345",
	} {
		t.Run(name, func(t *testing.T) {
			w := dial(t, r)
			w.say(t, "POST / HTTP/1.1\r\nHost: x\r\n"+text)
			if c, ok := w.Conn.(interface{ CloseWrite() error }); ok {
				_ = c.CloseWrite()
			}
			w.hear(t).problem(t, 400)
		})
	}
	wantStored(t, r, 0)
}

func TestSlowBodyIsNotWaitedForEndlessly(t *testing.T) {
	r := start(t, Options{ReadTimeout: 50 * time.Millisecond})
	w := dial(t, r)
	w.say(t, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
	w.hear(t).problem(t, 408)
	w.closed(t)
	wantStored(t, r, 0)
}

func TestChunkedBodyIsStoredAndItsConnectionClosed(t *testing.T) {
	r := start(t, Options{})
	w := dial(t, r)
	w.say(t, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n3\r\n678\r\n0\r\n\r\n")
	a := w.hear(t)
	a.id(t)
	if !a.Close {
		t.Error("the answer does not say that the connection closes")
	}
	w.closed(t)
	m := receive(t, r)
	if string(m.Body) != "12345678" || m.Request.Header.Get("Transfer-Encoding") != "" {
		t.Errorf("body %q, header %v", m.Body, m.Request.Header)
	}
}

func TestBodyIsInvitedOnlyIfItWillBeStored(t *testing.T) {
	full := start(t, Options{MaxMessages: 1, Token: "t"})
	send(t, full, "POST", "/", "a", "Authorization: Bearer t").id(t)
	const expecting = " / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n"
	for name, c := range map[string]struct {
		head   string
		status int
	}{
		"full":         {"POST" + expecting + "Authorization: Bearer t\r\n\r\n", 503},
		"unauthorized": {"POST" + expecting + "\r\n", 401},
		"bad header":   {"POST" + expecting + "Authorization: Bearer t\r\nX-Carrier-Delay: soon\r\n\r\n", 400},
		"method":       {"GET" + expecting + "\r\n", 405},
	} {
		t.Run(name, func(t *testing.T) {
			w := dial(t, full)
			w.say(t, c.head)
			a := w.hear(t) // 100 would be heard first
			a.problem(t, c.status)
			if !a.Close {
				t.Error("the answer does not say that the connection closes: the body may come or not")
			}
			w.closed(t)
		})
	}
	r := start(t, Options{})
	w := dial(t, r)
	w.say(t, "POST"+expecting+"\r\n")
	if line, err := w.ReadString('\n'); err != nil || !strings.Contains(line, "100") {
		t.Fatalf("heard %q, %v; want an invitation", line, err)
	}
	_, _ = w.ReadString('\n')
	w.say(t, "12345")
	w.hear(t).id(t)
}

func TestSameKeyHasTheSameAnswer(t *testing.T) {
	r := start(t, Options{})
	for _, name := range []string{"Idempotency-Key", "webhook-id"} {
		ids := make([]string, 8)
		var wg sync.WaitGroup
		for i := range ids {
			wg.Go(func() { ids[i] = send(t, r, "POST", "/", "a", name+": key of "+name).id(t) })
		}
		wg.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Errorf("%s: ids %v, want one", name, ids)
			}
		}
	}
	wantStored(t, r, 2)
	m := receive(t, r)
	if got := m.Request.Header.Get("Idempotency-Key"); got != "key of Idempotency-Key" {
		t.Errorf("Idempotency-Key = %q, want it kept for replay", got)
	}
}

func TestRequestsAreCounted(t *testing.T) {
	var mu sync.Mutex
	counts := map[int]int{}
	r := start(t, Options{OnAnswer: func(status int) {
		mu.Lock()
		defer mu.Unlock()
		counts[status]++
	}})
	send(t, r, "POST", "/", "a").id(t)
	send(t, r, "GET", "/", "").problem(t, 405)
	send(t, r, "POST", "/", "a", "X-Carrier-Delay: -1").problem(t, 400)
	if err := r.Close(); err != nil { // waits for the handlers, which count after they answer
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if counts[200] != 1 || counts[405] != 1 || counts[400] != 1 {
		t.Errorf("counts = %v, want one of each", counts)
	}
}

func TestGaugesSayWhatIsThere(t *testing.T) {
	r := newSingle(Options{DataDir: filepath.Join(t.TempDir(), "never")})
	if r.QueueMessages() != 0 || bytesOf(r) != 0 || r.Counts().DeadMessages != 0 || r.Addr() != nil {
		t.Error("a receiver that is not open has something")
	}
	if err := r.Close(); err != nil {
		t.Errorf("Close of what was never open = %v", err)
	}
	r = start(t, Options{})
	send(t, r, "POST", "/", "12345").id(t)
	send(t, r, "POST", "/", "123").id(t)
	err := r.Settle(t.Context(), receive(t, r), message.Outcome{Verdict: message.Rejected, Action: message.DeadLetter, Status: 404})
	if err != nil || r.QueueMessages() != 1 || bytesOf(r) != 3 || r.Counts().DeadMessages != 1 {
		t.Errorf("%v; %d messages, %d bytes, %d dead letters; want 1, 3, 1", err, r.QueueMessages(), bytesOf(r), r.Counts().DeadMessages)
	}
}

func TestTooManyHeadersAreRefused(t *testing.T) {
	r := start(t, Options{})
	w := dial(t, r)
	w.say(t, "POST / HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("x", 2*request.MaxHeadBytes)+"\r\n\r\n")
	line, err := w.ReadString('\n')
	if err != nil || !strings.Contains(line, "431") {
		t.Errorf("heard %q, %v; want 431", line, err)
	}
	_, _ = io.Copy(io.Discard, w)
	wantStored(t, r, 0)
}

func TestFileThatIsCutOffUnderUsEndsInAnErrorNotACrash(t *testing.T) {
	r := start(t, Options{})
	ended := make(chan error, 1)
	go func() {
		_, err := r.Receive(t.Context(), 1)
		ended <- err
	}()
	if err := os.Truncate(filepath.Join(r.options.DataDir, "queue.db"), 0); err != nil {
		t.Fatal(err)
	}
	a := send(t, r, "POST", "/", "a")
	a.problem(t, 503)
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if err := <-ended; receiver.ClassOf(err) != receiver.Broken {
		t.Errorf("Receive = %v of class %s, want broken", err, receiver.ClassOf(err))
	}
	send(t, r, "POST", "/", "a").problem(t, 503)
}

func TestErrorsOfTheQueueHaveTheirAnswer(t *testing.T) {
	cases := map[string]struct {
		err    error
		detail string
	}{
		"full":      {queue.ErrFull, "the queue is full"},
		"disk full": {queue.ErrDiskFull, "the disk is full"},
		"keys full": {queue.ErrKeysFull, "too many idempotency keys are remembered"},
		"closed":    {queue.ErrClosed, "stopping"},
		"broken":    {queue.ErrBroken, "the message was not acknowledged by the disk"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p := request.Refused(c.err)
			if p.Status != http.StatusServiceUnavailable || p.Detail != c.detail || p.Header.Get("Retry-After") == "" {
				t.Errorf("problem = %+v", p)
			}
		})
	}
}
