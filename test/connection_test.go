package test

import (
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Section 3: how the worker is reached.

func TestConnectionsAreKeptAndUsedAgain(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(answer{Wire: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"}))
	b := newBench(t, ofIngest, w, env{"CARRIER_CONCURRENCY": "2"})
	for i := range 20 {
		b.put(testMessage{Body: strconv.Itoa(i)})
	}
	w.await(20)
	b.awaitEmpty()
	// An idle connection is dropped after a while, which on a slow machine may happen here.
	for _, r := range w.got() {
		if r.Conn > 10 {
			t.Errorf("20 posts came over %d connections or more", r.Conn)
		}
	}
	b.stop()
}

func TestWorkerOverAUnixSocketGetsItsMessages(t *testing.T) {
	t.Parallel()
	onEverySource(t, func(t *testing.T, kind string) {
		w := absentWorker(t, always(says(200)))
		w.network, w.address = "unix", filepath.Join(t.TempDir(), "w.sock")
		w.listen()
		b := newBench(t, kind, w, env{"CARRIER_WEBHOOK_ENDPOINT": "unix://" + w.address + ":/hook"})
		b.put(testMessage{Body: "over the socket"})
		if r := w.await(1)[0]; r.Target != "/hook" || r.Body != "over the socket" || r.header("Host") == "" {
			t.Errorf("got %+v", r)
		}
		b.awaitEmpty()
		b.stop()
	})
}

func TestOperatorsHeadersAreAddedAndTheirValuesStaySecret(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofIngest, w, env{"CARRIER_WEBHOOK_HEADERS": "X-Api-Key:hunter2hunter2,Authorization:Bearer tok-9"})
	b.put(testMessage{Body: "a"})
	if r := w.await(1)[0]; r.header("X-Api-Key") != "hunter2hunter2" || r.header("Authorization") != "Bearer tok-9" {
		t.Errorf("got %+v", r.Fields)
	}
	b.stop()
	if out := b.stdout.String() + b.stderr.String(); strings.Contains(out, "hunter2") || strings.Contains(out, "tok-9") {
		t.Error("a header's value is in the log")
	}
}

func TestNoProxyOfTheEnvironmentIsAsked(t *testing.T) {
	t.Parallel()
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	asked := make(chan struct{})
	go func() {
		if c, err := proxy.Accept(); err == nil {
			close(asked)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = proxy.Close() })
	w := newWorker(t, always(says(200)))
	at := "http://" + proxy.Addr().String()
	// net/http asks no proxy for localhost, but does for the machine's own other addresses.
	b := newBench(t, ofIngest, w, env{"HTTP_PROXY": at, "http_proxy": at, "ALL_PROXY": at, "NO_PROXY": ""})
	b.put(testMessage{Body: "a"})
	w.await(1)
	b.stop()
	select {
	case <-asked:
		t.Error("the proxy was asked")
	default:
	}
}

func TestUncheckedCertificateIsWarnedAboutAtEveryStart(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofIngest, w, env{"CARRIER_WEBHOOK_TLS_INSECURE_SKIP_VERIFY": "true"})
	b.stop()
	b.start()
	b.awaitReady()
	if l := b.awaitLog("CARRIER_WEBHOOK_TLS_INSECURE_SKIP_VERIFY"); l.text("level") != "warn" {
		t.Errorf("logged %v", l)
	}
	b.stop()
}
