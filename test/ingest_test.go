package test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"carrier/internal/testkit/programtest"
)

// Section 8: what producers are answered.

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

func TestIngestOnTheNetworkNeedsAToken(t *testing.T) {
	t.Parallel()
	port := strings.TrimPrefix(programtest.FreeAddress(t), "127.0.0.1")
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
