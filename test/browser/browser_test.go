// Package browser tests the page of the admin port in a real browser, against the built program. It is a
// module of its own: nothing of it is linked into carrier.
package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// limit is how long anything may take that a test waits for, on a machine that is slow and busy.
const limit = time.Minute

const token = "the-admin-token"

var binary string // the built program

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "carrier-browser-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "carrier")
	cmd := exec.Command("go", "build", "-o", binary, ".")
	cmd.Dir = "../.."
	code := 1
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// A carrier is one that runs on ingest, with a worker that refuses or takes its messages.
type carrier struct {
	t             *testing.T
	page, produce string
	healthy       atomic.Bool
	log           bytes.Buffer
}

// start starts a carrier that gives a message up after three attempts. It is ended with the test.
func start(t *testing.T, more ...string) *carrier {
	t.Helper()
	c := &carrier{t: t}
	worker := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !c.healthy.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(worker.Close)
	admin, ingest := freeAddress(t), freeAddress(t)
	c.page, c.produce = "http://"+admin+"/", "http://"+ingest+"/"
	cmd := exec.Command(binary)
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{
		"CARRIER_ADMIN_ADDRESS=" + admin, "CARRIER_ADMIN_TOKEN=" + token, "CARRIER_ADMIN_PAGE=true",
		"CARRIER_INGEST_ADDRESS=" + ingest, "CARRIER_INGEST_DATA_DIR=" + t.TempDir(), "CARRIER_WEBHOOK_ENDPOINT=" + worker.URL + "/hook",
		"CARRIER_RETRY_MAX_ATTEMPTS=3", "CARRIER_RETRY_INITIAL_INTERVAL=10ms", "CARRIER_RETRY_MAX_INTERVAL=10ms", "CARRIER_REJECT_ACTION=dead-letter",
	}, more...)
	cmd.Stdout, cmd.Stderr = &c.log, &c.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Logf("carrier: %v\n%s", err, c.log.String())
		}
	})
	for deadline := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		if r, err := http.Get(c.page + "readyz"); err == nil {
			_ = r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return c
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("carrier is not ready:\n%s", c.log.String())
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	return l.Addr().String()
}

// put stores a message and returns its id.
func (c *carrier) put(path string) string {
	c.t.Helper()
	r, err := http.Post(c.produce+path, "text/plain", strings.NewReader("hunter2 is what no page may show"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	var stored struct{ ID string }
	if err := json.NewDecoder(r.Body).Decode(&stored); err != nil || stored.ID == "" {
		c.t.Fatalf("%s: %v", r.Status, err)
	}
	return stored.ID
}

// A tab is one of a browser of its own.
type tab struct {
	t   *testing.T
	ctx context.Context //nolint:containedctx // it is how chromedp names a tab

	mu     sync.Mutex
	errors []string // that the browser reported
}

// open opens url in a new browser. What the page's script or the policy makes the browser complain about
// fails the test.
func open(t *testing.T, url string) *tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, // root has no other way
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.WindowSize(1200, 900), chromedp.WSURLReadTimeout(limit))
	if path := os.Getenv("CHROMIUM"); path != "" {
		options = append(options, chromedp.ExecPath(path))
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	tb := &tab{t: t}
	ctx, end := chromedp.NewContext(allocator, chromedp.WithListener(tb.listen))
	tb.ctx = ctx
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the page shows:\n%s", tb.text("body"))
		}
		end()
		stop()
	})
	tb.do(chromedp.Navigate(url), chromedp.WaitVisible(css("#login")))
	t.Cleanup(func() {
		tb.mu.Lock()
		defer tb.mu.Unlock()
		for _, e := range tb.errors {
			t.Errorf("the browser reports: %s", e)
		}
	})
	return tb
}

func (tb *tab) listen(event any) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		tb.errors = append(tb.errors, fmt.Sprintf("%+v", e.ExceptionDetails))
	case *log.EventEntryAdded:
		// Answers other than 2xx are told of here too; the page has to deal with them.
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
			tb.errors = append(tb.errors, e.Entry.Text)
		}
	}
}

// do makes steps, within the limit.
func (tb *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	tb.t.Helper()
	run(tb, chromedp.Steps(steps...))
}

// run takes one step and returns what it found.
func run[T any](tb *tab, step chromedp.Action[T]) T {
	tb.t.Helper()
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() { // the browser lives as long as the context of its first step
		value, err := chromedp.Run(tb.ctx, step)
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			tb.t.Fatal(r.err)
		}
		return r.value
	case <-time.After(limit):
		tb.t.Fatal("the browser takes too long")
		panic("unreachable")
	}
}

type css = chromedp.CSS

// logIn types the token.
func (tb *tab) logIn() {
	tb.t.Helper()
	tb.do(chromedp.SendKeys(css("#token"), token+"\r"), chromedp.WaitVisible(css("#content")))
}

// until waits until a JavaScript expression is true.
func (tb *tab) until(what, expression string) {
	tb.t.Helper()
	for deadline := time.Now().Add(limit); !eval[bool](tb, "Boolean("+expression+")"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			tb.t.Fatalf("never: %s", what)
		}
	}
}

// shows waits until the element holds text.
func (tb *tab) shows(selector, text string) {
	tb.t.Helper()
	tb.until(selector+" shows "+text, fmt.Sprintf("document.querySelector(%q)?.innerText.includes(%q)", selector, text))
}

// eval is the value of an expression.
func eval[T any](tb *tab, expression string) T {
	tb.t.Helper()
	return run(tb, chromedp.Evaluate[T](expression))
}

func (tb *tab) text(selector string) string {
	text, _ := chromedp.Run(tb.ctx, chromedp.Evaluate[string](fmt.Sprintf("document.querySelector(%q)?.innerText || ''", selector)))
	return text
}

// fake serves carrier's page over an API of the test's own.
func fake(t *testing.T, c *carrier, answers map[string]string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answer, known := answers[r.URL.Path]; known {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, answer)
			return
		}
		if strings.HasPrefix(r.URL.Path, "/v1/") {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		from, err := http.Get(strings.TrimSuffix(c.page, "/") + r.URL.Path)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = from.Body.Close() }()
		for name, values := range from.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(from.StatusCode)
		_, _ = io.Copy(w, from.Body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}
