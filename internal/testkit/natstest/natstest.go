// Package natstest gives tests a NATS server with JetStream, which runs inside the test.
package natstest

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// startTimeout bounds the start of a server.
const startTimeout = 30 * time.Second

// A Server is one server with a connection for the test.
type Server struct {
	// URL is where it listens.
	URL string
	// Conn and JS are the test's own.
	Conn *nats.Conn
	JS   jetstream.JetStream

	options *natsserver.Options
	server  *natsserver.Server
}

// Start runs a server on 127.0.0.1 that keeps its streams in a directory of the test. It ends with
// the test. change may alter its options.
func Start(t *testing.T, change ...func(*natsserver.Options)) *Server {
	t.Helper()
	s := &Server{options: &natsserver.Options{
		Host: "127.0.0.1", Port: natsserver.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true,
	}}
	for _, c := range change {
		c(s.options)
	}
	s.run(t)
	t.Cleanup(func() { s.Stop() })
	return s
}

func (s *Server) run(t *testing.T) {
	t.Helper()
	options := *s.options
	server, err := natsserver.NewServer(&options)
	if err != nil {
		t.Fatal(err)
	}
	server.Start()
	if !server.ReadyForConnections(startTimeout) {
		t.Fatal("the NATS server does not start")
	}
	s.server = server
	s.URL = server.ClientURL()
	s.options.Port = server.Addr().(*net.TCPAddr).Port // the same one after a restart
}

// Connect gives the test its connection, with options.
func (s *Server) Connect(t *testing.T, options ...nats.Option) *Server {
	t.Helper()
	var err error
	if s.Conn, err = nats.Connect(s.URL, append([]nats.Option{nats.MaxReconnects(-1), nats.ReconnectWait(50 * time.Millisecond)}, options...)...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Conn.Close)
	if s.JS, err = jetstream.New(s.Conn); err != nil {
		t.Fatal(err)
	}
	return s
}

// Stop ends the server, as a signal does. It may be called more than once.
func (s *Server) Stop() {
	s.server.Shutdown()
	s.server.WaitForShutdown()
}

// Restart ends the server and starts it at the same address, with what it has stored.
func (s *Server) Restart(t *testing.T) {
	t.Helper()
	s.Stop()
	s.run(t)
}

// Stream makes a stream called name, which takes all subjects that begin with it.
func (s *Server) Stream(t *testing.T, name string, change ...func(*jetstream.StreamConfig)) jetstream.Stream {
	t.Helper()
	config := jetstream.StreamConfig{Name: name, Subjects: []string{name + ".>"}, Retention: jetstream.WorkQueuePolicy, Duplicates: time.Minute}
	for _, c := range change {
		c(&config)
	}
	stream, err := s.JS.CreateStream(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// Consumer makes a durable pull consumer called name of a stream.
func (s *Server) Consumer(t *testing.T, stream, name string, change ...func(*jetstream.ConsumerConfig)) jetstream.Consumer {
	t.Helper()
	config := jetstream.ConsumerConfig{Durable: name, AckPolicy: jetstream.AckExplicitPolicy, AckWait: 30 * time.Second, MaxAckPending: 10_000}
	for _, c := range change {
		c(&config)
	}
	consumer, err := s.JS.CreateConsumer(t.Context(), stream, config)
	if err != nil {
		t.Fatal(err)
	}
	return consumer
}

// Publish stores one message and returns its sequence.
func (s *Server) Publish(t *testing.T, subject, body string, headers nats.Header) uint64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	ack, err := s.JS.PublishMsg(ctx, &nats.Msg{Subject: subject, Data: []byte(body), Header: headers})
	if err != nil {
		t.Fatal(err)
	}
	return ack.Sequence
}

// Left counts the messages of a stream.
func (s *Server) Left(t *testing.T, stream string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	found, err := s.JS.Stream(ctx, stream)
	if err != nil {
		t.Fatal(err)
	}
	return int(found.CachedInfo().State.Msgs)
}

// A Proxy passes on what a client and a server say, until it is told not to.
type Proxy struct {
	// URL is where it listens.
	URL string

	listener net.Listener
	target   string
	mu       sync.Mutex
	deaf     bool // what the server says is lost
	conns    map[net.Conn]bool
}

// NewProxy runs a proxy in front of s. It ends with the test.
func NewProxy(t *testing.T, s *Server) *Proxy {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{URL: "nats://" + l.Addr().String(), listener: l, target: strings.TrimPrefix(s.URL, "nats://"), conns: map[net.Conn]bool{}}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { p.pass(client) })
		}
	})
	t.Cleanup(func() { p.Close(); serving.Wait() })
	return p
}

// Deafen loses what the server says from now on, or passes it on again.
func (p *Proxy) Deafen(deaf bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deaf = deaf
}

// Close refuses every further connection and cuts those that are open.
func (p *Proxy) Close() {
	_ = p.listener.Close()
	p.Cut()
}

// Cut cuts the connections that are open.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

func (p *Proxy) pass(client net.Conn) {
	server, err := new(net.Dialer).DialContext(context.Background(), "tcp", p.target)
	if err != nil {
		_ = client.Close()
		return
	}
	p.mu.Lock()
	p.conns[client], p.conns[server] = true, true
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { p.copy(server, client, func() bool { return false }) })
	both.Go(func() {
		p.copy(client, server, func() bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.deaf
		})
	})
	both.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, client)
	delete(p.conns, server)
}

// copy passes on what from says to to, unless it is lost, until one of both is closed.
func (p *Proxy) copy(to, from net.Conn, lost func() bool) {
	defer func() { _ = to.Close(); _ = from.Close() }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if lost() {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}
