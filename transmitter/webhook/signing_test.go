package webhook_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	reference "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"carrier/internal/standardwebhooks"
	"carrier/message"
	"carrier/transmitter/webhook"
)

// A received is one request that a worker got.
type received struct {
	method string
	target string
	header http.Header
	body   []byte
}

// recording returns a worker that accepts everything, and what it got.
func recording(t *testing.T) (webhook.Endpoint, <-chan received) {
	t.Helper()
	got := make(chan received, 16)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			got <- received{r.Method, r.URL.RequestURI(), r.Header, body}
		}
	}))
	t.Cleanup(server.Close)
	return endpoint(t, server.URL+"/hook"), got
}

// deliver transmits m and returns the request it became.
func deliver(t *testing.T, tr *webhook.Transmitter, m *message.Message, got <-chan received) received {
	t.Helper()
	if o := tr.Transmit(t.Context(), m); o.Verdict != message.Delivered {
		t.Fatalf("outcome is %+v", o)
	}
	return <-got
}

// verifies reports whether the specification's own library accepts r under secret.
func verifies(t *testing.T, r received, secret string) bool {
	t.Helper()
	library, err := reference.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	return library.Verify(r.body, r.header) == nil
}

func TestRequestsAreSignedOverTheBytesThatAreSent(t *testing.T) {
	first, second := standardwebhooks.NewSecret(), standardwebhooks.NewSecret()
	private, public := standardwebhooks.NewKeyPair()
	e, got := recording(t)
	tr := open(t, webhook.Options{Endpoint: e, Signing: webhook.Signing{Keys: first + "," + private + "," + second}})
	for name, body := range map[string]string{
		"text": `{"a":1}`, "nothing": "", "bytes that are no text": "\x00\xff\r\n", "more than one write": strings.Repeat("x", 100<<10),
	} {
		t.Run(name, func(t *testing.T) {
			r := deliver(t, tr, newMessage("m-1", body), got)
			for _, secret := range []string{first, second} {
				if !verifies(t, r, secret) {
					t.Errorf("the library does not accept %v", r.header)
				}
			}
			keys, err := standardwebhooks.ParseVerifier(public)
			if err != nil {
				t.Fatal(err)
			}
			h := r.header
			if err := keys.Verify("m-1", h.Get("webhook-timestamp"), h.Get("webhook-signature"), r.body, time.Now()); err != nil {
				t.Errorf("ed25519: %v", err)
			}
			if h.Get("webhook-id") != h.Get("X-Carrier-Message-Id") {
				t.Errorf("webhook-id is %q", h.Get("webhook-id"))
			}
		})
	}
}

func TestNothingIsSignedWithoutKeys(t *testing.T) {
	e, got := recording(t)
	r := deliver(t, open(t, webhook.Options{Endpoint: e}), newMessage("m-1", "x"), got)
	for name := range r.header {
		if strings.HasPrefix(name, "Webhook-") {
			t.Errorf("%s was sent", name)
		}
	}
}

func TestReplayedRequestCarriesOneSignature(t *testing.T) {
	theirs, ours := http.Header{"Webhook-Id": {"their-id"}, "Webhook-Timestamp": {"1"}, "Webhook-Signature": {"v1,x"}}, standardwebhooks.NewSecret()
	for name, c := range map[string]struct {
		keys string
		id   string
	}{
		"the producer's where carrier does not sign": {"", "their-id"},
		"carrier's where it does":                    {ours, "m-1"},
	} {
		t.Run(name, func(t *testing.T) {
			e, got := recording(t)
			m := newMessage("m-1", "x")
			m.Request = &message.Request{Method: "PUT", Path: "/a", Header: theirs}
			r := deliver(t, open(t, webhook.Options{Endpoint: e, Replay: true, Signing: webhook.Signing{Keys: c.keys}}), m, got)
			if !slices.Equal(r.header["Webhook-Id"], []string{c.id}) || len(r.header["Webhook-Signature"]) != 1 || len(r.header["Webhook-Timestamp"]) != 1 {
				t.Errorf("headers are %v", r.header)
			}
		})
	}
}

func TestKeysAreRotatedWithoutARestart(t *testing.T) {
	old, fresh := standardwebhooks.NewSecret(), standardwebhooks.NewSecret()
	file := filepath.Join(t.TempDir(), "keys")
	write := func(keys string) {
		if err := os.WriteFile(file, []byte(keys), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(old + "\n")
	var (
		mu       sync.Mutex
		warnings []string
	)
	e, got := recording(t)
	tr := open(t, webhook.Options{Endpoint: e, Signing: webhook.Signing{File: file}, Warn: func(_, what string) {
		mu.Lock()
		defer mu.Unlock()
		warnings = append(warnings, what)
	}})
	for _, step := range []struct {
		keys           string
		byOld, byFresh bool
		warned         int
	}{
		{old, true, false, 0},
		{old + "," + fresh, true, true, 0},
		{"broken, and secret", true, true, 1},
		{fresh, false, true, 1},
	} {
		write(step.keys)
		for range 2 {
			r := deliver(t, tr, newMessage("m-1", "x"), got)
			if verifies(t, r, old) != step.byOld || verifies(t, r, fresh) != step.byFresh {
				t.Errorf("with %d bytes in the file: signed %s", len(step.keys), r.header.Get("Webhook-Signature"))
			}
		}
		if len(warnings) != step.warned {
			t.Errorf("warnings are %q", warnings)
		}
	}
	if len(warnings) == 0 || strings.Contains(warnings[0], "broken") || !strings.Contains(warnings[0], "previous ones stay in force") {
		t.Errorf("warned %q", warnings)
	}
}

func TestBadSigningKeysEndTheStart(t *testing.T) {
	e, _ := recording(t)
	for name, s := range map[string]webhook.Signing{"keys": {Keys: "hunter2"}, "no such file": {File: "/nowhere/keys"}} {
		t.Run(name, func(t *testing.T) {
			_, err := webhook.Open(webhook.Options{Endpoint: e, Signing: s})
			if err == nil || !strings.Contains(err.Error(), "signing keys: ") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error is %v", err)
			}
		})
	}
}
