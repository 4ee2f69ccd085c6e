package test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Section 8: ingest.

// onlyStored starts a program whose worker is away, so that what is stored stays.
func onlyStored(t *testing.T, e env) *bench {
	t.Helper()
	b := prepare(t, ofIngest, absentWorker(t, always(says(200))), e)
	b.start()
	b.awaitLog("source reached")
	return b
}

func TestEveryMethodThatSendsIsStoredOnAnyPath(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofIngest, w, nil)
	url := b.onIngest().url()
	var ids []string
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		r := send(t, method, url+"/any/path?x=1", method)
		ids = append(ids, stored(t, r))
		if got := r.Header.Get("Content-Type"); got != "application/json" {
			t.Errorf("%s: the answer is %q", method, got)
		}
		if want := fmt.Sprintf(`{"status":"OK","id":%q}`, ids[len(ids)-1]); strings.TrimSpace(r.Body) != want {
			t.Errorf("%s: the answer is %s, want %s", method, r.Body, want)
		}
	}
	b.awaitEmpty()
	b.stop()
	onePostEach(t, w, ids)
	for _, r := range w.got() {
		if r.Method != http.MethodPost || r.Target != "/" {
			t.Errorf("without replay the worker got %s %s", r.Method, r.Target)
		}
	}
}

// isProblem checks that r is an error as RFC 9457 has it.
func isProblem(t *testing.T, what string, r reply, status int) {
	t.Helper()
	var p struct {
		Title  string
		Status int
	}
	err := json.Unmarshal([]byte(r.Body), &p)
	if r.Status != status || r.Header.Get("Content-Type") != "application/problem+json" || err != nil || p.Status != status || p.Title == "" {
		t.Errorf("%s: %d %q %s, want a problem of status %d", what, r.Status, r.Header.Get("Content-Type"), r.Body, status)
	}
}

func TestReadingMethodsGet405WithAllow(t *testing.T) {
	t.Parallel()
	b := onlyStored(t, nil)
	isProblem(t, "GET", call(t, http.MethodGet, b.onIngest().url()+"/x"), 405)
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "PROPFIND"} {
		r := call(t, method, b.onIngest().url())
		allow := r.Header.Get("Allow")
		if r.Status != 405 || !holdsAll(allow, []string{"POST", "PUT", "PATCH", "DELETE"}) || strings.Contains(allow, "GET") {
			t.Errorf("%s: %d, Allow %q", method, r.Status, allow)
		}
	}
	nothingStored(t, b)
	b.stop()
}

func nothingStored(t *testing.T, b *bench) {
	t.Helper()
	if n := b.source.left(b.program); n != 0 {
		t.Errorf("%d messages are stored, want none", n)
	}
}

func TestProducersNeedTheToken(t *testing.T) {
	t.Parallel()
	b := onlyStored(t, env{"CARRIER_INGEST_TOKEN": "secret-token"})
	url := b.onIngest().url()
	for name, header := range map[string][]string{
		"none": nil, "wrong": {"Authorization", "Bearer other"}, "another scheme": {"Authorization", "Basic secret-token"},
		"a prefix": {"Authorization", "Bearer secret"}, "two": {"Authorization", "Bearer secret-token", "Authorization", "Bearer x"},
	} {
		r := send(t, http.MethodPost, url, "a", header...)
		isProblem(t, name, r, 401)
		if r.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: no WWW-Authenticate", name)
		}
	}
	nothingStored(t, b)
	stored(t, send(t, http.MethodPost, url, "a", "Authorization", "Bearer secret-token"))
	b.stop()
	if strings.Contains(b.stdout.String()+b.stderr.String(), "secret-token") {
		t.Error("the token is in the log")
	}
}

func TestOpenDoorOnTheNetworkNeedsPermission(t *testing.T) {
	t.Parallel()
	port := strings.TrimPrefix(freeAddress(t), "127.0.0.1")
	w := newWorker(t, always(says(200)))
	b := prepare(t, ofIngest, w, env{"CARRIER_INGEST_ADDRESS": "0.0.0.0" + port})
	if p := run(t, b.env); p.code != 2 {
		t.Errorf("exit code %d, want 2", p.code)
	}
	b.env["CARRIER_INGEST_TOKEN"] = "x"
	b.start()
	b.awaitReady()
	b.stop()
}

func TestBodyThatIsTooLargeIsRefusedAndItsConnectionClosed(t *testing.T) {
	t.Parallel()
	b := onlyStored(t, env{"CARRIER_INGEST_MAX_BODY": "1KiB"})
	large := strings.Repeat("x", 1025)
	for name, head := range map[string]string{
		"of a length": "Content-Length: 1025\r\n\r\n" + large,
		"in chunks":   "Transfer-Encoding: chunked\r\n\r\n401\r\n" + large + "\r\n0\r\n\r\n",
		"of a length that is never sent, asking first": "Expect: 100-continue\r\nContent-Length: 1099511627776\r\n\r\n",
	} {
		r, closed := onTheWire(t, b.onIngest().address, "POST / HTTP/1.1\r\nHost: x\r\n"+head)
		isProblem(t, name, r, 413)
		if !closed {
			t.Errorf("%s: the connection stays open", name)
		}
	}
	nothingStored(t, b)
	stored(t, send(t, http.MethodPost, b.onIngest().url(), large[:1024]))
	b.stop()
}

// onTheWire sends bytes as they are and reads one answer; closed says whether the
// connection ends after it. The reply is empty where the connection was reset.
func onTheWire(t *testing.T, address, wire string) (r reply, closed bool) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	must(t, err)
	defer func() { _ = c.Close() }()
	must(t, c.SetDeadline(time.Now().Add(limit)))
	if _, err := io.WriteString(c, wire); err != nil {
		return reply{}, true
	}
	in := bufio.NewReader(c)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		return reply{}, true
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, true
	}
	if resp.Close {
		_, err := in.ReadByte()
		closed = err != nil
	}
	return reply{resp.StatusCode, resp.Header, string(body)}, closed
}

func TestTransferEncodingClosesItsConnection(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofIngest, w, nil)
	r, closed := onTheWire(t, b.onIngest().address, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
	stored(t, r)
	if !closed {
		t.Error("the connection stays open after a chunked body")
	}
	if got := w.await(1)[0].Body; got != "abcde" {
		t.Errorf("body %q", got)
	}
	b.awaitEmpty()
	b.stop()
}

func TestBodyThatIsCutOffIsNotStored(t *testing.T) {
	t.Parallel()
	b := onlyStored(t, nil)
	c, err := net.Dial("tcp", b.onIngest().address)
	must(t, err)
	_, err = io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
	must(t, err)
	must(t, c.(*net.TCPConn).CloseWrite())
	_, _ = io.ReadAll(c)
	_ = c.Close()
	stored(t, send(t, http.MethodPost, b.onIngest().url(), "whole"))
	if n := b.source.left(b.program); n != 1 {
		t.Errorf("%d messages are stored, want 1", n)
	}
	b.stop()
}

func TestFullQueueRefusesUntilThereIsRoom(t *testing.T) {
	t.Parallel()
	for name, quota := range map[string]env{
		"messages": {"CARRIER_INGEST_MAX_MESSAGES": "3"},
		"bytes":    {"CARRIER_INGEST_MAX_BYTES": "3KiB", "CARRIER_INGEST_MAX_BODY": "1KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := onlyStored(t, quota)
			url, body := b.onIngest().url(), strings.Repeat("x", 1000)
			for range 3 {
				stored(t, send(t, http.MethodPost, url, body))
			}
			r := send(t, http.MethodPost, url, body)
			isProblem(t, "the fourth", r, 503)
			if r.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			if n := b.source.left(b.program); n != 3 {
				t.Errorf("%d messages are stored, want 3", n)
			}
			b.worker.listen()
			b.awaitEmpty()
			stored(t, send(t, http.MethodPost, url, body))
			b.awaitEmpty()
			b.stop()
			if n := len(b.worker.got()); n != 4 {
				t.Errorf("%d posts, want 4", n)
			}
		})
	}
}

func TestCompressedBodyIsDeliveredAsItCame(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := io.WriteString(z, strings.Repeat("carrier ", 100))
	must(t, err)
	must(t, z.Close())
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofIngest, w, nil)
	stored(t, send(t, http.MethodPost, b.onIngest().url(), packed.String(), "Content-Encoding", "gzip", "Content-Type", "text/plain"))
	r := w.await(1)[0]
	if r.Body != packed.String() || r.header("Content-Encoding") != "gzip" || r.header("Content-Type") != "text/plain" {
		t.Errorf("%d bytes with %v, want %d", len(r.Body), r.Fields, packed.Len())
	}
	b.stop()
}

func TestSameKeyIsStoredOnce(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"Idempotency-Key", "webhook-id"} {
		t.Run(header, func(t *testing.T) {
			t.Parallel()
			b := onlyStored(t, nil)
			url := b.onIngest().url()
			id := stored(t, send(t, http.MethodPost, url, "a", header, "k-1"))
			if again := stored(t, send(t, http.MethodPost, url, "a", header, "k-1")); again != id {
				t.Errorf("the same key: id %s, then %s", id, again)
			}
			other := stored(t, send(t, http.MethodPost, url, "b", header, "k-2"))
			b.kill()
			b.start()
			b.awaitLog("source reached")
			if again := stored(t, send(t, http.MethodPost, url, "a", header, "k-1")); again != id {
				t.Errorf("the same key after a restart: id %s, then %s", id, again)
			}
			b.worker.listen()
			b.awaitEmpty()
			// Also when it was delivered long since.
			if again := stored(t, send(t, http.MethodPost, url, "b", header, "k-2")); again != other {
				t.Errorf("the same key after the delivery: id %s, then %s", other, again)
			}
			b.awaitEmpty()
			b.stop()
			onePostEach(t, b.worker, []string{id, other})
			for _, r := range b.worker.got() {
				if r.has("Idempotency-Key") {
					t.Error("the key was sent to the worker outside replay")
				}
			}
		})
	}
}

func TestDelayedMessageWaits(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofIngest, w, nil)
	url := b.onIngest().url()
	begun := time.Now()
	late := stored(t, send(t, http.MethodPost, url, "late", "X-Carrier-Delay", "1500ms"))
	later := stored(t, send(t, http.MethodPost, url, "later", "X-Carrier-Delay", "2"))
	w.await(2)
	for id, least := range map[string]time.Duration{late: 1500 * time.Millisecond, later: 2 * time.Second} {
		if r := w.of(id)[0]; r.At.Sub(begun) < least {
			t.Errorf("%s was posted after %v, want %v at least", r.Body, r.At.Sub(begun), least)
		}
	}
	for _, bad := range []string{"-1", "soon", "1e3", ""} {
		isProblem(t, "delay "+bad, send(t, http.MethodPost, url, "x", "X-Carrier-Delay", bad), 400)
	}
	b.awaitEmpty()
	b.stop()
}

func TestReplayMakesTheProducersRequestAgain(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofIngest, w, env{
		"CARRIER_INGEST_REPLAY": "true", "CARRIER_INGEST_TOKEN": "door-token",
		"CARRIER_WEBHOOK_ENDPOINT": w.endpoint() + "/api",
	})
	url := b.onIngest().url()
	id := stored(t, send(t, http.MethodPut, url+"/orders/a%2Fb?x=1&y=%20", "body",
		"Authorization", "Bearer door-token", "Accept-Language", "de", "X-Request-Id", "r-1",
		"Idempotency-Key", "k", "Connection", "X-Hop", "X-Hop", "1", "Content-Type", "text/plain"))
	r := w.await(1)[0]
	if r.Method != http.MethodPut || r.Target != "/api/orders/a%2Fb?x=1&y=%20" || r.Body != "body" {
		t.Errorf("got %s %s %q", r.Method, r.Target, r.Body)
	}
	for name, want := range map[string]string{
		"Accept-Language": "de", "X-Request-Id": "r-1", "Content-Type": "text/plain", "X-Carrier-Message-Id": id, "Host": w.address,
	} {
		if got := r.header(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if !r.has("Idempotency-Key") {
		t.Error("Idempotency-Key does not travel in replay")
	}
	for _, name := range []string{"Authorization", "X-Hop", "Connection", "Transfer-Encoding"} {
		if r.has(name) {
			t.Errorf("%s was replayed", name)
		}
	}
	b.awaitEmpty()
	b.stop()
	if n := len(w.got()); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

func TestReplayPassesOnACredentialThatIsNotCarriers(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofIngest, w, env{"CARRIER_INGEST_REPLAY": "true"})
	stored(t, send(t, http.MethodDelete, b.onIngest().url()+"/x", "", "Authorization", "Bearer the-workers"))
	r := w.await(1)[0]
	if r.Method != http.MethodDelete || r.Target != "/x" || r.header("Authorization") != "Bearer the-workers" {
		t.Errorf("got %+v", r)
	}
	b.stop()
}

func TestReplayNeverClimbsOutOfTheEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofIngest, w, env{"CARRIER_INGEST_REPLAY": "true", "CARRIER_WEBHOOK_ENDPOINT": w.endpoint() + "/api"})
	for _, path := range []string{"/../admin", "/%2e%2e/admin", "/x/..%2f../admin"} {
		_, _ = onTheWire(t, b.onIngest().address, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\na")
	}
	b.awaitEmpty()
	b.stop()
	for _, r := range w.got() {
		if !strings.HasPrefix(r.Target, "/api") || strings.Contains(r.Target, "admin") {
			t.Errorf("the worker got %s", r.Target)
		}
	}
}

func TestStoredMessagesOutliveTheProgram(t *testing.T) {
	t.Parallel()
	for how, end := range map[string]func(b *bench){"SIGTERM": func(b *bench) { b.stop() }, "SIGKILL": func(b *bench) { b.kill() }} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			b := onlyStored(t, nil)
			ids := b.putAll("a", "b", "c")
			end(b)
			b.worker.listen()
			b.start()
			b.awaitEmptyAfterRestart()
			b.stop()
			onePostEach(t, b.worker, ids)
		})
	}
}

// awaitEmptyAfterRestart waits for the program to be up, and then for an empty queue.
func (b *bench) awaitEmptyAfterRestart() {
	b.t.Helper()
	b.awaitReady()
	b.awaitEmpty()
}

func TestCorruptFileIsSetAsideAndTheNextRunServes(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, file string){
		"garbage": func(t *testing.T, file string) {
			must(t, os.WriteFile(file, bytes.Repeat([]byte("garbage!"), 8192), 0o600))
		},
		"cut short": func(t *testing.T, file string) {
			must(t, os.Truncate(file, int64(2*os.Getpagesize()+13))) // the heads of it, and no more
		},
		"a few bytes": func(t *testing.T, file string) { must(t, os.WriteFile(file, []byte("x"), 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := onlyStored(t, nil)
			b.putAll("a", "b")
			b.stop()
			files, err := os.ReadDir(b.onIngest().dir)
			must(t, err)
			if len(files) != 1 {
				t.Fatalf("%d files in the data directory", len(files))
			}
			spoil(t, filepath.Join(b.onIngest().dir, files[0].Name()))
			b.worker.listen()
			b.start()
			b.awaitReady()
			loud := false
			for _, l := range b.log() {
				loud = loud || l.text("level") == "error" && strings.Contains(fmt.Sprint(l), files[0].Name())
			}
			if !loud {
				t.Error("no error in the log names the file")
			}
			id := b.put(letter{Body: "new"})
			until(t, "the new message", func() bool { return len(b.worker.of(id)) == 1 })
			b.awaitEmpty()
			b.stop()
			files, err = os.ReadDir(b.onIngest().dir)
			must(t, err)
			if len(files) != 2 {
				t.Errorf("%d files in the data directory, want the new one and the one set aside", len(files))
			}
		})
	}
}

func TestQueueFileIsTheOwnersAlone(t *testing.T) {
	t.Parallel()
	b := onlyStored(t, nil)
	b.put(letter{Body: "a"})
	dir := b.onIngest().dir
	info, err := os.Stat(dir)
	must(t, err)
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the directory is %v", info.Mode())
	}
	files, err := os.ReadDir(dir)
	must(t, err)
	for _, f := range files {
		info, err := f.Info()
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s is %v", f.Name(), info.Mode())
		}
	}
	b.stop()
}

func TestSecondProcessOnTheSameDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofIngest, w, nil)
	other := b.env.with(env{"CARRIER_ADMIN_ADDRESS": freeAddress(t), "CARRIER_INGEST_ADDRESS": freeAddress(t)})
	p := run(t, other)
	if p.code != 1 {
		t.Errorf("exit code %d, want 1", p.code)
	}
	said := false
	for _, l := range p.log() {
		said = said || l.text("level") == "error" && strings.Contains(l.text("error"), "process")
	}
	if !said {
		t.Errorf("no clear error:\n%s", p.stdout.String())
	}
	b.put(letter{Body: "still here"})
	w.await(1)
	b.awaitEmpty()
	b.stop()
}

func TestMalformedRequestsStoreNothing(t *testing.T) {
	t.Parallel()
	b := onlyStored(t, nil)
	for name, wire := range map[string]string{
		"no HTTP":                 "hello\r\n\r\n",
		"two lengths":             "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"a negative length":       "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
		"a head without end":      "POST / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("y", 80<<10) + "\r\n\r\n",
		"an unknown coding":       "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
		"a chunk that is none":    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"a group of two lines":    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nX-Carrier-Group-Id: a\r\nX-Carrier-Group-Id: b\r\n\r\n",
		"an endless key":          "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nIdempotency-Key: " + strings.Repeat("k", 300) + "\r\n\r\n",
		"an attribute of no name": "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nX-Carrier-Attribute-: b\r\n\r\n",
	} {
		if r, _ := onTheWire(t, b.onIngest().address, wire); r.Status != 0 && r.Status < 400 {
			t.Errorf("%s: %d", name, r.Status)
		}
	}
	nothingStored(t, b)
	b.stop()
}
