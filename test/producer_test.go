package test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Section 8: what producers may do, beside storing a message.

func TestOneKeyOnTwoPathsIsTwoMessages(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofIngest, w, env{"CARRIER_INGEST_REPLAY": "true"})
	url := b.onIngest().url()
	stored(t, send(t, http.MethodPost, url+"/billing", "{}", "webhook-id", "msg_1"))
	stored(t, send(t, http.MethodPost, url+"/crm", "{}", "webhook-id", "msg_1"))
	again := send(t, http.MethodPost, url+"/crm", "{}", "webhook-id", "msg_1")
	if stored(t, again); again.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("a repeated answer has %v", again.Header)
	}
	isProblem(t, "another body", send(t, http.MethodPost, url+"/crm", "other", "webhook-id", "msg_1"), 422)
	w.await(2)
	b.awaitEmpty()
	b.stop()
	var targets []string
	for _, r := range w.got() {
		targets = append(targets, r.Target)
	}
	if slices.Sort(targets); !slices.Equal(targets, []string{"/billing", "/crm"}) {
		t.Errorf("the worker got %v", targets)
	}
}

// Whatever carrier sends to a worker, another carrier takes.
func TestOneCarrierMayPostToAnother(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	second := newBench(t, ofIngest, w, nil)
	first := newBench(t, ofIngest, w, env{"CARRIER_WEBHOOK_ENDPOINT": second.onIngest().url()})
	first.put(testMessage{Body: "a", Group: "g", Attributes: map[string]string{"Color": "red"}, ContentType: "text/plain"})
	r := w.await(1)[0]
	if r.Body != "a" || r.header("X-Carrier-Group-Id") != "g" || r.header("X-Carrier-Attribute-Color") != "red" || r.header("Content-Type") != "text/plain" {
		t.Errorf("got %+v", r)
	}
	first.awaitEmpty()
	second.awaitEmpty()
	first.stop()
	second.stop()
}

func TestHeaderThatCarrierDoesNotKnowIsRefused(t *testing.T) {
	t.Parallel()
	b := onlyStored(t, nil)
	r := send(t, http.MethodPost, b.onIngest().url(), "a", "X-Carrier-Deley", "5")
	isProblem(t, "a misspelt header", r, 400)
	if !strings.Contains(r.Body, "X-Carrier-Deley") || !strings.Contains(r.Body, "X-Carrier-Delay") {
		t.Errorf("answer %s, want the header named and the known ones", r.Body)
	}
	nothingStored(t, b)
	b.stop()
}

func TestIdleProducersMakeWay(t *testing.T) {
	t.Parallel()
	b := onlyStored(t, env{"CARRIER_INGEST_MAX_CONNECTIONS": "2"})
	var idle []net.Conn
	for range 5 {
		c, err := net.Dial("tcp", b.onIngest().address)
		must(t, err)
		defer func() { _ = c.Close() }()
		idle = append(idle, c)
	}
	stored(t, send(t, http.MethodPost, b.onIngest().url(), "a"))
	must(t, idle[0].SetReadDeadline(time.Now().Add(waitTimeout)))
	if _, err := idle[0].Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
		t.Errorf("the connection that is idle longest: %v, want it closed", err)
	}
	b.awaitLog("all 2 connections are open")
	if n := len(b.logged("all 2 connections are open")); n != 1 {
		t.Errorf("logged %d times, want once", n)
	}
	b.stop()
}

func TestMessageInFlightAtAKillIsToldWhenItComesAgain(t *testing.T) {
	t.Parallel()
	onEveryWay(t, func(t *testing.T, by way) {
		released := make(chan struct{})
		w := by.newWorker(t, func(n int, _ request) answer {
			if n == 1 {
				return answer{Hold: released}
			}
			return says(200)
		})
		b := newBench(t, ofIngest, w, nil)
		id := b.put(testMessage{Body: "a"})
		w.await(1)
		// The count of a hand-out is in the file with the next commit.
		b.put(testMessage{Body: "b"})
		b.kill()
		close(released)
		b.start()
		told := b.awaitLog("no outcome of the time before is on record")
		if told.text("message_id") != id || told.text("level") != "warn" {
			t.Errorf("logged %v, want %s", told, id)
		}
		b.awaitEmptyAfterRestart()
		if n := b.metric("carrier_duplicates_total", `cause="unsettled"`); n < 1 {
			t.Errorf("%v duplicates are counted, want one", n)
		}
		b.stop()
	})
}

func TestDelayDoesNotCountTowardTheTimeout(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofIngest, w, env{"CARRIER_MESSAGE_TIMEOUT": "1s"})
	stored(t, send(t, http.MethodPost, b.onIngest().url(), "late", "X-Carrier-Delay", "1100ms"))
	w.await(1)
	b.awaitEmpty()
	b.stop()
}

func TestProducersAreServedOverTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	writePair(t, cert, key, time.Now().Add(time.Hour))
	b := onlyStored(t, env{"CARRIER_INGEST_TLS_CERT_FILE": cert, "CARRIER_INGEST_TLS_KEY_FILE": key})
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // a certificate of its own
	defer transport.CloseIdleConnections()
	for range 2 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+b.onIngest().address, strings.NewReader("a"))
		must(t, err)
		resp, err := transport.RoundTrip(req)
		must(t, err)
		body, err := io.ReadAll(resp.Body)
		must(t, err)
		_ = resp.Body.Close()
		stored(t, reply{resp.StatusCode, resp.Header, string(body)})
	}
	if r := send(t, http.MethodPost, b.onIngest().url(), "a"); r.Status == http.StatusOK {
		t.Error("plain text was taken")
	}
	b.stop()
	b.env["CARRIER_INGEST_TLS_KEY_FILE"] = cert
	if p := run(t, b.env); p.code != 2 || !strings.Contains(p.stderr.String(), "CARRIER_INGEST_TLS_") {
		t.Errorf("exit code %d with %s, want 2 and the variable named", p.code, p.stderr.String())
	}
}

// writePair writes a certificate for this machine, signed by itself and valid until end, and its key.
func writePair(t *testing.T, certFile, keyFile string, end time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: end.Add(-2 * time.Hour), NotAfter: end, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	must(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600))
	must(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
}
