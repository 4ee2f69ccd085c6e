package http1

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// requestOf splits a request of size bytes in its body as said.
func requestOf(size int, inHead bool) Request {
	body := strings.Repeat("b", size)
	head := "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + itoa(size) + "\r\n\r\n"
	if inHead {
		return Request{Head: []byte(head + body)}
	}
	return Request{Head: []byte(head), Body: []byte(body)}
}

func TestRequestArrivesByteForByte(t *testing.T) {
	for _, size := range []int{0, 1, inlineBody, inlineBody + 1, bufferedBody, bufferedBody + 1, 1 << 20} {
		for _, inHead := range []bool{false, true} {
			arrived := make(chan string, 2)
			s := serve(t, func(_ *server, c net.Conn) {
				in := bufio.NewReader(c)
				for range 2 {
					req, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					body, _ := io.ReadAll(req.Body)
					arrived <- string(body)
					_, _ = io.WriteString(c, ok)
				}
			})
			client, want := s.client(t, Options{}), strings.Repeat("b", size)
			for range 2 {
				if a, err := client.Do(t.Context(), requestOf(size, inHead)); a.Status != 200 || err != nil || <-arrived != want {
					t.Errorf("%d bytes: %d, %v, or arrived changed", size, a.Status, err)
				}
			}
			if n := s.connections.Load(); n != 1 {
				t.Errorf("%d bytes: %d connections for two requests that were read to their ends", size, n)
			}
		}
	}
}

func TestAnswerThatComesBeforeTheBodyIsReadCounts(t *testing.T) {
	for _, inHead := range []bool{false, true} {
		for _, security := range []bool{false, true} {
			s, opts := serveAs(t, security, func(_ *server, c net.Conn) {
				_, _ = bufio.NewReader(c).ReadString('\n')
				_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
				<-t.Context().Done() // reads no further
			})
			client := s.client(t, opts)
			a, err := client.Do(t.Context(), requestOf(32<<20, inHead))
			if a.Status != 413 || err != nil || len(client.idle()) != 0 {
				t.Errorf("status %d, %v, %d connections are kept", a.Status, err, len(client.idle()))
			}
		}
	}
}
