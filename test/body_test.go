package test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Section 8: bodies, good and bad.

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
	must(t, c.SetDeadline(time.Now().Add(waitTimeout)))
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
