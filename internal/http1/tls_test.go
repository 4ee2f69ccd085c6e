package http1

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"testing"
)

// certificates are the configurations of the two sides of a connection.
type certificates struct{ server, client *tls.Config }

func newCertificates(t *testing.T) certificates {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	known := x509.NewCertPool()
	known.AddCert(s.Certificate())
	return certificates{
		server: &tls.Config{Certificates: s.TLS.Certificates},
		client: &tls.Config{RootCAs: known, ServerName: "example.com", ClientSessionCache: tls.NewLRUClientSessionCache(1)},
	}
}

// serveAs is serve, behind TLS where it is secured.
func serveAs(t *testing.T, secured bool, handle func(*server, net.Conn)) (*server, Options) {
	t.Helper()
	if !secured {
		return serve(t, handle), Options{}
	}
	certs := newCertificates(t)
	return serve(t, over(certs.server, handle)), Options{TLS: func() *tls.Config { return certs.client }}
}

func over(config *tls.Config, handle func(*server, net.Conn)) func(*server, net.Conn) {
	return func(s *server, c net.Conn) {
		secured := tls.Server(c, config)
		handle(s, secured)
		_ = secured.Close()
	}
}

func TestHandshakeThatFailsWasSentNothing(t *testing.T) {
	certs := newCertificates(t)
	for name, c := range map[string]struct {
		server func(*tls.Config)
		client func(*tls.Config)
		handle func(*server, net.Conn) // in place of TLS
	}{
		"an unknown authority": {client: func(c *tls.Config) { c.RootCAs = x509.NewCertPool() }},
		"another name":         {client: func(c *tls.Config) { c.ServerName = "other.test" }},
		"an old version":       {server: func(c *tls.Config) { c.MaxVersion = tls.VersionTLS11 }},
		"a certificate of ours is missing": {server: func(c *tls.Config) {
			c.ClientAuth = tls.RequireAnyClientCert
		}},
		"a certificate of ours is missing, TLS 1.2": {server: func(c *tls.Config) {
			c.ClientAuth, c.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12
		}},
		"no TLS at all":       {handle: answering(ok)},
		"noise":               {handle: func(_ *server, c net.Conn) { _, _ = io.WriteString(c, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff") }},
		"an end at once":      {handle: func(*server, net.Conn) {}},
		"a server that waits": {handle: func(_ *server, c net.Conn) { _, _ = io.Copy(io.Discard, c) }},
	} {
		for way, ask := range ways() {
			t.Run(name+", "+way, func(t *testing.T) {
				there, here := certs.server.Clone(), certs.client.Clone()
				if c.server != nil {
					c.server(there)
				}
				if c.client != nil {
					c.client(here)
				}
				handle := over(there, func(s *server, c net.Conn) {
					if s.read(bufio.NewReader(c)) {
						_, _ = io.WriteString(c, ok)
					}
				})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.handle != nil {
					handle = c.handle
				}
				if name == "a server that waits" {
					handle = func(_ *server, conn net.Conn) {
						_, _ = conn.Read(make([]byte, 1))
						cancel()
						_, _ = io.Copy(io.Discard, conn)
					}
				}
				s := serve(t, handle)
				client := s.client(t, Options{TLS: func() *tls.Config { return here }})
				status, err := ask(ctx, client)
				var (
					unsent    *UnsentError
					handshake *HandshakeError
				)
				if status != 0 || !errors.As(err, &unsent) || !errors.As(err, &handshake) {
					t.Errorf("status %d, %v", status, err)
				}
				if n := s.requests.Load(); n != 0 && c.handle == nil {
					t.Errorf("%d requests", n)
				}
				if err := client.Probe(ctx); err == nil {
					t.Error("the probe found nothing wrong")
				}
			})
		}
	}
}

func TestProbeSendsNothing(t *testing.T) {
	for _, version := range []uint16{0, tls.VersionTLS12, tls.VersionTLS13} {
		certs := newCertificates(t)
		certs.server.MaxVersion = version
		handle, opts := answering(ok), Options{}
		if version != 0 {
			handle = over(certs.server, handle)
			opts.TLS = func() *tls.Config { return certs.client }
		}
		s := serve(t, handle)
		if err := s.client(t, opts).Probe(t.Context()); err != nil {
			t.Errorf("version %x: %v", version, err)
		}
		if n := s.requests.Load(); n != 0 {
			t.Errorf("%d requests", n)
		}
	}
}

func TestSessionsAreResumed(t *testing.T) {
	certs := newCertificates(t)
	resumed := make(chan bool, 2)
	s := serve(t, func(s *server, c net.Conn) {
		secured := tls.Server(c, certs.server)
		defer func() { _ = secured.Close() }()
		if s.read(bufio.NewReader(secured)) {
			resumed <- secured.ConnectionState().DidResume
			_, _ = io.WriteString(secured, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		}
	})
	client := s.client(t, Options{TLS: func() *tls.Config { return certs.client }})
	for _, want := range []bool{false, true} {
		if _, err := drop(t.Context(), client); err != nil || <-resumed != want {
			t.Errorf("%v, want resumed: %v", err, want)
		}
	}
}
