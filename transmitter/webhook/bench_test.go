package webhook_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"

	"carrier/transmitter/webhook"
)

// BenchmarkTransmit is what one message costs from the request to the outcome, a worker that reads
// and answers without net/http included.
func BenchmarkTransmit(b *testing.B) {
	for name, size := range map[string]int{"1KiB": 1 << 10, "64KiB": 64 << 10} {
		b.Run(name, func(b *testing.B) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = l.Close() }()
			go accept(l, size)
			e, err := webhook.ParseEndpoint("http://" + l.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			tr, err := webhook.Open(webhook.Options{Endpoint: e})
			if err != nil {
				b.Fatal(err)
			}
			defer tr.Close()
			m := newMessage("a", strings.Repeat("x", size))
			b.ReportAllocs()
			for b.Loop() {
				if o := tr.Transmit(b.Context(), m); o.Status != 200 {
					b.Fatalf("outcome %+v", o)
				}
			}
		})
	}
}

// accept answers requests whose bodies have size bytes.
func accept(l net.Listener, size int) {
	c, err := l.Accept()
	if err != nil {
		return
	}
	in := bufio.NewReader(c)
	for err == nil {
		var line string
		for line != "\r\n" && err == nil {
			line, err = in.ReadString('\n')
		}
		_, _ = in.Discard(size)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	}
	_ = c.Close()
}
