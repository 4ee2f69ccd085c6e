package test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"

	"carrier/internal/testkit/programtest"
)

// A worker speaks HTTP/1.1 by hand, so that a test sees what was really sent. GET
// requests are health checks and kept apart.
type worker struct {
	t       *testing.T
	way     way
	network string
	address string // where it listens; where it asks for messages, that of the program

	life    func() string             // of the program, where it asks; nil for one life
	refused func(r request, a answer) // told of answers that came too late, where it asks; nil is not

	mu           sync.Mutex
	stopPulling  func()
	script       script
	answered     func(r request, a answer) // told of every answer, before it is said; nil is not
	forget       bool                      // keeps no posts: for runs of many
	health       func(n int) answer
	posts        []request
	checks       []request
	open         map[string]int // requests being answered, by message id
	overlaps     []string       // messages that were posted while they were being answered
	inFlight     int
	mostInFlight int
	conns        int
	sockets      map[net.Conn]struct{}
	listener     net.Listener
	closed       chan struct{} // while it is not listening
	served       sync.WaitGroup
}

// newWorker returns a worker that listens on a free port of 127.0.0.1.
func newWorker(t *testing.T, s script) *worker {
	t.Helper()
	w := absentWorker(t, s)
	l := programtest.FreeListener(t)
	w.address = l.Addr().String()
	w.serve(l)
	return w
}

// absentWorker returns a worker that has an address and does not listen yet.
func absentWorker(t *testing.T, s script) *worker {
	t.Helper()
	w := &worker{
		t: t, way: ofWebhook, network: "tcp", address: programtest.FreeAddress(t), script: s,
		health: func(int) answer { return says(200) },
		open:   map[string]int{}, sockets: map[net.Conn]struct{}{},
	}
	t.Cleanup(w.close)
	return w
}

func (w *worker) endpoint() string { return "http://" + w.address }

func (w *worker) listen() {
	w.t.Helper()
	l, err := net.Listen(w.network, w.address)
	must(w.t, err)
	w.serve(l)
}

func (w *worker) serve(l net.Listener) {
	closed := make(chan struct{})
	w.mu.Lock()
	w.listener, w.closed = l, closed
	w.mu.Unlock()
	w.served.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.served.Go(func() { w.talk(c, closed) })
		}
	})
}

// close stops listening and cuts every connection.
func (w *worker) close() {
	w.mu.Lock()
	if w.stopPulling != nil {
		w.stopPulling()
	}
	if w.listener != nil {
		_ = w.listener.Close()
		close(w.closed)
		w.listener = nil
	}
	for c := range w.sockets {
		_ = c.Close()
	}
	w.mu.Unlock()
	w.served.Wait()
}

func (w *worker) talk(c net.Conn, closed <-chan struct{}) {
	defer func() { _ = c.Close() }()
	w.mu.Lock()
	w.sockets[c] = struct{}{}
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		delete(w.sockets, c)
		w.mu.Unlock()
	}()
	in := bufio.NewReader(c)
	number := 0
	for {
		r, err := readRequest(in)
		if err != nil {
			return
		}
		if number == 0 {
			w.mu.Lock()
			w.conns++
			number = w.conns
			w.mu.Unlock()
		}
		r.Conn = number
		if !w.reply(c, r, closed) {
			return
		}
	}
}

// reply answers r and reports whether the connection goes on.
func (w *worker) reply(c net.Conn, r request, closed <-chan struct{}) bool {
	a := w.take(r)
	if a.Hold != nil {
		select {
		case <-a.Hold:
		case <-closed:
			a.Cut = true
		}
	}
	// What is done is noted before it is said: who hears it may look immediately.
	w.done(r, a)
	_, err := io.WriteString(c, a.Wire)
	return err == nil && !a.Cut
}

func (w *worker) take(r request) answer {
	w.mu.Lock()
	if r.Method == http.MethodGet {
		w.checks = append(w.checks, r)
		n, health := len(w.checks), w.health
		w.mu.Unlock()
		return health(n)
	}
	if !w.forget {
		w.posts = append(w.posts, r)
	}
	n, script := len(w.posts), w.script
	w.inFlight++
	w.mostInFlight = max(w.mostInFlight, w.inFlight)
	if w.open[r.id()]++; w.open[r.id()] > 1 {
		w.overlaps = append(w.overlaps, r.id())
	}
	w.mu.Unlock()
	return script(n, r)
}

func (w *worker) done(r request, a answer) {
	if r.Method == http.MethodGet {
		return
	}
	if w.answered != nil {
		w.answered(r, a)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inFlight--
	if w.open[r.id()]--; w.open[r.id()] == 0 {
		delete(w.open, r.id())
	}
}

// got returns every post so far.
func (w *worker) got() []request {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.posts)
}

// feel changes the answers to health checks from the next one on.
func (w *worker) feel(health func(n int) answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.health = health
}

// checked is how many health checks there were.
func (w *worker) checked() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.checks)
}

// twice returns the messages that were posted while they were being answered.
func (w *worker) twice() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.overlaps)
}

// most is the most posts that were being answered at the same time.
func (w *worker) most() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mostInFlight
}

// of returns the posts of one message.
func (w *worker) of(id string) []request {
	return slices.DeleteFunc(w.got(), func(r request) bool { return r.id() != id })
}

// await waits for n posts, and returns all.
func (w *worker) await(n int) []request {
	w.t.Helper()
	until(w.t, fmt.Sprint(n, " posts"), func() bool { return len(w.got()) >= n })
	return w.got()
}
