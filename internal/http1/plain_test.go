package http1

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func wanted() []string { return []string{"x-word", "retry-after"} }

func TestPlainAnswerIsReadAtOnce(t *testing.T) {
	const rest = "HTTP/1.1 500 the next one"
	for name, c := range map[string]struct {
		answer string
		status int
	}{
		"with a body":           {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200},
		"without a body":        {"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", 202},
		"without a reason":      {"HTTP/1.1 200\r\ncontent-length:0\r\n\r\n", 200},
		"with fields of no use": {"HTTP/1.1 200 OK\r\nDate: x\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nContent-Length: 0 \r\nX-Y:\r\n\r\n", 200},
	} {
		if status, length := plainAnswer([]byte(c.answer+rest), wanted()); status != c.status || length != len(c.answer) {
			t.Errorf("%s: %d, %d of %d bytes", name, status, length, len(c.answer))
		}
		for i := range len(c.answer) {
			if _, length := plainAnswer([]byte(c.answer[:i]), wanted()); length != 0 && length <= i {
				t.Errorf("%s: %d bytes of %d are taken for an answer", name, i, len(c.answer))
			}
		}
	}
}

func TestWhatIsNotPlainIsLeftToNetHTTP(t *testing.T) {
	for name, answer := range map[string]string{
		"an old version":          "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
		"an interim answer":       "HTTP/1.1 100 Continue\r\n\r\n",
		"a failure":               "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
		"four digits":             "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
		"two digits":              "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
		"no length":               "HTTP/1.1 200 OK\r\n\r\n",
		"two lengths":             "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 2\r\n\r\n",
		"a length with a sign":    "HTTP/1.1 200 OK\r\nContent-Length: +0\r\n\r\n",
		"a negative length":       "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"an empty length":         "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
		"a huge length":           "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
		"a list of lengths":       "HTTP/1.1 200 OK\r\nContent-Length: 0, 0\r\n\r\n",
		"chunks":                  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
		"the end of a connection": "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
		"a field that is wanted":  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nx-word: retry\r\n\r\n",
		"a body with 204":         "HTTP/1.1 204 No Content\r\nContent-Length: 1\r\n\r\nx",
		"a folded field":          "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n",
		"a bare line feed":        "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
		"a bare carriage return":  "HTTP/1.1 200 OK\r\nA: b\rc\r\nContent-Length: 0\r\n\r\n",
		"a blank before a colon":  "HTTP/1.1 200 OK\r\nContent-Length : 0\r\nContent-Length: 0\r\n\r\n",
		"a field without a name":  "HTTP/1.1 200 OK\r\n: b\r\nContent-Length: 0\r\n\r\n",
		"a field without a colon": "HTTP/1.1 200 OK\r\nb\r\nContent-Length: 0\r\n\r\n",
		"a control character":     "HTTP/1.1 200 OK\r\nA: \x1d\r\nContent-Length: 0\r\n\r\n",
		"nothing":                 "",
	} {
		if status, length := plainAnswer([]byte(answer), wanted()); length != 0 {
			t.Errorf("%s: read as %d of %d bytes", name, status, length)
		}
	}
}

// FuzzPlainAnswer holds what is read at once against what net/http makes of it.
func FuzzPlainAnswer(f *testing.F) {
	f.Add("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	f.Add("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n")
	f.Add("HTTP/1.1 299 \r\nContent-Length:\t01\r\nA: \x80\r\n\r\n1HTTP/1.1")
	f.Add("HTTP/1.1 200 OK\r\nRetry-After: 1\r\nX-Word: a\r\nContent-Length: 0\r\n\r\n")
	f.Fuzz(func(t *testing.T, s string) {
		status, length := plainAnswer([]byte(s), wanted())
		if length == 0 || length > len(s) {
			return
		}
		in := bufio.NewReader(strings.NewReader(s))
		resp, err := http.ReadResponse(in, nil) //nolint:bodyclose // it is read to its end
		if err != nil {
			t.Fatalf("%q is no answer to net/http: %v", s, err)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		rest, _ := io.ReadAll(in)
		if err != nil || resp.StatusCode != status || resp.Close || len(rest) != len(s)-length {
			t.Fatalf("%q: %d with %d bytes behind it, to net/http %d with %d (%v)", s, status, len(s)-length, resp.StatusCode, len(rest), err)
		}
		for _, name := range wanted() {
			if resp.Header.Values(name) != nil {
				t.Fatalf("%q: its %s was not seen", s, name)
			}
		}
	})
}

// FuzzAnswer holds the whole of what is read: no answer may make the client hang or panic, and a
// connection is kept only where the answer was all that came.
func FuzzAnswer(f *testing.F) {
	f.Add("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false)
	f.Add("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", true)
	f.Add("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\nHTTP/1.1", true)
	f.Add("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n", false)
	f.Fuzz(func(t *testing.T, s string, whole bool) {
		client := New(Options{IdleTimeout: time.Hour, HeadLimit: 1 << 10, Dial: func(context.Context) (net.Conn, error) {
			return &spoken{Reader: strings.NewReader(s)}, nil
		}})
		defer client.Close()
		r := Request{Head: []byte(request)}
		if whole {
			r.Read = func(resp *http.Response) error { _, err := io.Copy(io.Discard, resp.Body); return err }
		}
		a, err := client.Do(context.Background(), r)
		for _, k := range client.idle() {
			if err != nil || a.Status < 200 || k.parsed() != int64(len(s)) {
				t.Fatalf("%q: %d, %v, kept after %d bytes of %d", s, a.Status, err, k.parsed(), len(s))
			}
		}
	})
}

// A spoken connection takes all that is written, and says what it has to say.
type spoken struct {
	net.Conn
	io.Reader
}

func (s *spoken) Read(p []byte) (int, error)    { return s.Reader.Read(p) }
func (s *spoken) Write(p []byte) (int, error)   { return len(p), nil }
func (s *spoken) Close() error                  { return nil }
func (s *spoken) SetDeadline(_ time.Time) error { return nil }

// FuzzRecords follows a stream of TLS records in pieces of any length.
func FuzzRecords(f *testing.F) {
	f.Add([]byte{23, 3, 3, 0, 2, 1, 2, 23, 3, 3, 0, 0}, uint8(3))
	f.Add([]byte{23, 3, 3, 0}, uint8(1))
	f.Fuzz(func(t *testing.T, stream []byte, step uint8) {
		var pieces records
		for rest := stream; len(rest) > 0; {
			n := min(len(rest), int(step)+1)
			pieces.follow(rest[:n])
			rest = rest[n:]
		}
		rest := stream
		for len(rest) >= recordHeader {
			end := recordHeader + int(rest[3])<<8 + int(rest[4])
			if end > len(rest) {
				break
			}
			rest = rest[end:]
		}
		if complete := len(rest) == 0; pieces.complete() != complete {
			t.Fatalf("%x in steps of %d: complete is %v, want %v", stream, int(step)+1, pieces.complete(), complete)
		}
	})
}
