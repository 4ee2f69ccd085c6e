package http1

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// Each case is the answer to a first request, after which a second one is made.
func TestAnswerIsReadAndItsConnectionKeptOrNot(t *testing.T) {
	const (
		head  = "HTTP/1.1 200 OK\r\n"
		empty = "Content-Length: 0\r\n\r\n"
	)
	cases := map[string]struct {
		answer string
		status int  // zero where it is an error
		kept   bool // its connection carries the second request
	}{
		"a plain one":                       {ok, 200, true},
		"an empty one":                      {head + empty, 200, true},
		"a failure":                         {"HTTP/1.1 500 No\r\nContent-Length: 5\r\n\r\nsorry", 500, true},
		"chunks":                            {head + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, true},
		"chunks with trailers":              {head + "Trailer: A\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nA: b\r\n\r\n", 200, true},
		"the end of the connection said":    {head + "Connection: close\r\nContent-Length: 2\r\n\r\nok", 200, false},
		"HTTP/1.0":                          {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, false},
		"HTTP/1.0 that keeps it":            {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", 200, true},
		"behind an interim one":             {"HTTP/1.1 100 Continue\r\n\r\n" + ok, 200, true},
		"behind a thousand heartbeats":      {strings.Repeat("HTTP/1.1 102 Processing\r\nDate: Sat, 28 Nov 2026 09:00:00 GMT\r\n\r\n", 1000) + ok, 200, true},
		"behind an interim one with a body": {"HTTP/1.1 102 Processing\r\nContent-Length: 40\r\n\r\n" + head + empty + ok, 0, false},
		"behind an interim one with chunks": {"HTTP/1.1 102 Processing\r\nTransfer-Encoding: chunked\r\n\r\n" + ok, 0, false},
		"204":                               {"HTTP/1.1 204 No Content\r\n\r\n", 204, true},
		"204 with a length of zero":         {"HTTP/1.1 204 No Content\r\n" + empty, 204, true},
		"204 that announces a body":         {"HTTP/1.1 204 No Content\r\nContent-Length: 40\r\n\r\n", 204, false},
		"204 that announces chunks":         {"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", 204, false},
		"204 with a body":                   {"HTTP/1.1 204 No Content\r\nContent-Length: " + strconv.Itoa(len(ok)) + "\r\n\r\n" + ok, 204, false},
		"204 with a body unannounced":       {"HTTP/1.1 204 No Content\r\n\r\n" + ok, 204, false},
		"304":                               {"HTTP/1.1 304 Not Modified\r\n\r\n", 304, true},
		"304 that announces a body":         {"HTTP/1.1 304 Not Modified\r\nContent-Length: 40\r\n\r\n", 304, false},
		"101":                               {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", 101, false},
		"two at once":                       {ok + ok, 200, false},
		"two at once, the first in chunks":  {head + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + ok, 200, false},
		"a body longer than announced":      {head + "Content-Length: 1\r\n\r\nok", 200, false},
		"no HTTP":                           {"220 mail.example.com ESMTP\r\n\r\n", 0, false},
		"a status of four digits":           {"HTTP/1.1 2000 OK\r\n" + empty, 0, false},
		"two lengths":                       {head + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nok", 0, false},
		"an unknown transfer encoding":      {head + "Transfer-Encoding: gzip\r\n\r\nok", 0, false},
		"a head without end":                {head + strings.Repeat("X-A: b\r\n", 20000), 0, false},
		"an endless line":                   {head + strings.Repeat("x", 100<<10), 0, false},
	}
	for name, c := range cases {
		for way, ask := range ways() {
			for security, secured := range map[string]bool{"": false, ", behind TLS": true} {
				t.Run(name+", "+way+security, func(t *testing.T) {
					s, opts := serveAs(t, secured, answering(c.answer))
					client := s.client(t, opts)
					status, err := ask(t.Context(), client)
					if status != c.status || (err != nil) != (c.status == 0) {
						t.Fatalf("status %d, %v", status, err)
					}
					if status, err := ask(t.Context(), client); status != 299 || err != nil {
						t.Errorf("the next request: %d, %v", status, err)
					}
					if kept := s.connections.Load() == 1; kept != c.kept {
						t.Errorf("%d connections", s.connections.Load())
					}
				})
			}
		}
	}
}

func TestAnswerThatEndsWithItsConnection(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\n"
	cases := map[string]struct {
		answer string
		status int
		whole  bool
	}{
		"up to the end":                    {head + "\r\nok", 200, true},
		"up to the end of HTTP/1.0":        {"HTTP/1.0 200 OK\r\n\r\nok", 200, true},
		"HTTP/1.0 knows no chunks":         {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, true},
		"before it begins":                 {"", 0, false},
		"in its status":                    {"HTTP/1.1 2", 0, false},
		"in its head":                      {head + "Content-Len", 0, false},
		"after an interim answer":          {"HTTP/1.1 100 Continue\r\n\r\n", 0, false},
		"in its body":                      {head + "Content-Length: 100\r\n\r\nhalf", 200, false},
		"in a chunk":                       {head + "Transfer-Encoding: chunked\r\n\r\n5\r\nha", 200, false},
		"before the last chunk":            {head + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", 200, false},
		"in its trailers":                  {head + "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n", 200, false},
		"in the body of a 500":             {"HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\nhalf", 500, false},
		"though it said it would be kept":  {"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", 200, true},
		"204, and a body that is cut off":  {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nha", 204, true},
		"a chunk whose length is too long": {head + "Transfer-Encoding: chunked\r\n\r\n11111111111111111\r\n", 200, false},
	}
	for name, c := range cases {
		for way, ask := range ways() {
			t.Run(name+", "+way, func(t *testing.T) {
				s := serve(t, answeringOnce(c.answer))
				client := s.client(t, Options{})
				status, err := ask(t.Context(), client)
				if status != c.status || (err == nil) != c.whole {
					t.Errorf("status %d, %v", status, err)
				}
				if len(client.idle()) == 1 {
					awaitNoise(t, client)
				}
				if status, err := ask(t.Context(), client); status != 299 || err != nil {
					t.Errorf("the next request: %d, %v", status, err)
				}
			})
		}
	}
}

func TestBodyIsReadByteForByte(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 1<<14)
	for name, answer := range map[string]string{
		"a long one":   "HTTP/1.1 200 OK\r\nContent-Length: 262144\r\n\r\n" + long,
		"long chunks":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40000\r\n" + long + "\r\n0\r\n\r\n",
		"up to an end": "HTTP/1.1 200 OK\r\n\r\n" + long,
	} {
		s := serve(t, answeringOnce(answer))
		if _, body, err := read(t.Context(), s.client(t, Options{})); body != long || err != nil {
			t.Errorf("%s: %d bytes of %d, %v", name, len(body), len(long), err)
		}
	}
}

func TestBodyThatNobodyWantsIsReadUpToTheLimit(t *testing.T) {
	closed := make(chan struct{})
	s := serve(t, func(s *server, c net.Conn) {
		defer close(closed)
		s.read(bufio.NewReader(c))
		flood(c, "HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("x", 1<<16))
	})
	if status, err := drop(t.Context(), s.client(t, Options{BodyLimit: 1 << 10})); status != 200 || err != nil {
		t.Errorf("status %d, %v", status, err)
	}
	waitFor(t, closed, "the connection is still open")
}

func TestFloodOfInterimAnswersEnds(t *testing.T) {
	for way, ask := range ways() {
		closed := make(chan struct{})
		s := serve(t, func(s *server, c net.Conn) {
			defer close(closed)
			s.read(bufio.NewReader(c))
			flood(c, "", "HTTP/1.1 102 Processing\r\n\r\n")
		})
		if status, err := ask(t.Context(), s.client(t, Options{})); status != 0 || !errors.Is(err, errInterimTooLong) {
			t.Errorf("%s: status %d, %v", way, status, err)
		}
		waitFor(t, closed, "the connection is still open")
	}
}

// flood writes begin, and again and again what follows, until nobody reads it any more.
func flood(c net.Conn, begin, again string) {
	_, err := io.WriteString(c, begin)
	for err == nil {
		_, err = io.WriteString(c, again)
	}
}

func TestHeadIsReadUpToItsLimit(t *testing.T) {
	const answer = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
	for limit, long := range map[int]bool{len(answer): false, len(answer) - 1: true} {
		s := serve(t, answering(answer))
		if _, err := drop(t.Context(), s.client(t, Options{HeadLimit: limit})); errors.Is(err, errHeadTooLong) != long {
			t.Errorf("a limit of %d: %v", limit, err)
		}
	}
}

func TestAnswerComesWithTheFieldsThatAreWanted(t *testing.T) {
	s := serve(t, answering("HTTP/1.1 200 OK\r\nX-WORD: a\r\nContent-Length: 0\r\n\r\n"))
	a, err := s.client(t, Options{Wanted: []string{"x-other", "x-word"}}).Do(t.Context(), Request{Head: []byte(request)})
	if err != nil || a.Header.Get("X-Word") != "a" {
		t.Errorf("answer %v, %v", a, err)
	}
}

func TestErrorOfTheReaderIsHandedOnAndEndsTheConnection(t *testing.T) {
	s := serve(t, answering(ok))
	client := s.client(t, Options{})
	r := Request{Head: []byte(request)}
	for what, read := range map[string]func(*http.Response) error{
		"an error":         func(*http.Response) error { return io.ErrNoProgress },
		"half of the body": func(resp *http.Response) error { _, err := io.ReadFull(resp.Body, make([]byte, 1)); return err },
	} {
		r.Read = read
		_, err := client.Do(t.Context(), r)
		if errors.Is(err, io.ErrNoProgress) != (what == "an error") || len(client.idle()) != 0 {
			t.Errorf("%s: %v, %d connections are kept", what, err, len(client.idle()))
		}
		s.requests.Store(0)
	}
}

func TestServerThatIsNotThereWasSentNothing(t *testing.T) {
	s := serve(t, answering(ok))
	client := s.client(t, Options{})
	client.pool.opts.Dial = func(context.Context) (net.Conn, error) { return nil, io.ErrNoProgress }
	_, err := drop(t.Context(), client)
	var unsent *UnsentError
	if !errors.As(err, &unsent) || !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("error %v", err)
	}
}
