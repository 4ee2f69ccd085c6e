package test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A request is what came over the wire, unchanged.
type request struct {
	// Method and Target are of the request line.
	Method, Target, Proto string
	Fields                []field
	Body                  string
	// Conn numbers the connections, from 1, in the order of their first request.
	Conn int
	At   time.Time
}

// A field is one header line; Name is spelled as it was sent.
type field struct{ Name, Value string }

// header returns the value of the field of exactly this spelling, or nothing.
func (r request) header(name string) string {
	for _, f := range r.Fields {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// has reports whether there is a field of that name, in any spelling.
func (r request) has(name string) bool {
	return slices.ContainsFunc(r.Fields, func(f field) bool { return strings.EqualFold(f.Name, name) })
}

func (r request) id() string { return r.header("X-Carrier-Message-Id") }

func (r request) receiveCount() int {
	n, _ := strconv.Atoi(r.header("X-Carrier-Receive-Count"))
	return n
}

// An answer is what a worker says.
type answer struct {
	// Wire is every byte of it.
	Wire string
	// Hold is waited for before anything is said; nil is not.
	Hold <-chan struct{}
	// Cut closes the connection afterwards.
	Cut bool
}

// says is an ordinary answer; fields are whole header lines.
func says(status int, fields ...string) answer {
	head := fmt.Sprintf("HTTP/1.1 %d Status\r\nContent-Length: 0\r\n", status)
	for _, f := range fields {
		head += f + "\r\n"
	}
	return answer{Wire: head + "\r\n"}
}

// held is a after hold is closed.
func held(a answer, hold <-chan struct{}) answer {
	a.Hold = hold
	return a
}

// A script decides about the nth request, from 1.
type script func(n int, r request) answer

func always(a answer) script { return func(int, request) answer { return a } }

// first answers the requests with answers in turn, and everything after them with 200.
func first(answers ...answer) script {
	return func(n int, _ request) answer {
		if n <= len(answers) {
			return answers[n-1]
		}
		return says(200)
	}
}

// A worker speaks HTTP/1.1 by hand, so that a test sees what was really sent. GET
// requests are health checks and kept apart.
type worker struct {
	t       *testing.T
	network string
	address string

	mu       sync.Mutex
	script   script
	answered func(r request, a answer) // told of every answer, before it is said; nil is not
	forget   bool                      // keeps no posts: for runs of many
	health   func(n int) answer
	posts    []request
	checks   []request
	open     map[string]int // requests being answered, by message id
	overlaps []string       // messages that were posted while they were being answered
	inHand   int
	mostHeld int
	conns    int
	sockets  map[net.Conn]struct{}
	listener net.Listener
	closed   chan struct{} // while it is not listening
	served   sync.WaitGroup
}

// newWorker returns a worker that listens on a free port of 127.0.0.1.
func newWorker(t *testing.T, s script) *worker {
	t.Helper()
	w := absentWorker(t, s)
	l := freeListener(t)
	w.address = l.Addr().String()
	w.serve(l)
	return w
}

// absentWorker returns a worker that has an address and does not listen yet.
func absentWorker(t *testing.T, s script) *worker {
	t.Helper()
	w := &worker{
		t: t, network: "tcp", address: freeAddress(t), script: s,
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

// readRequest reads one request whose body has a length.
func readRequest(in *bufio.Reader) (request, error) {
	text, err := in.ReadString('\n')
	if err != nil {
		return request{}, err
	}
	r := request{At: time.Now()}
	if _, err := fmt.Sscanf(text, "%s %s %s\r\n", &r.Method, &r.Target, &r.Proto); err != nil {
		return r, err
	}
	length := 0
	for {
		text, err := in.ReadString('\n')
		if err != nil {
			return r, err
		}
		text = strings.TrimSuffix(text, "\r\n")
		if text == "" {
			break
		}
		name, value, _ := strings.Cut(text, ": ")
		r.Fields = append(r.Fields, field{name, value})
		if strings.EqualFold(name, "Content-Length") {
			if length, err = strconv.Atoi(value); err != nil {
				return r, err
			}
		}
	}
	body := make([]byte, length)
	_, err = io.ReadFull(in, body)
	r.Body = string(body)
	return r, err
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
	// What is done is noted before it is said: who hears it may look at once.
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
	w.inHand++
	w.mostHeld = max(w.mostHeld, w.inHand)
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
	w.inHand--
	if w.open[r.id()]--; w.open[r.id()] == 0 {
		delete(w.open, r.id())
	}
}

// feel changes the answers to health checks from the next one on.
func (w *worker) feel(health func(n int) answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.health = health
}

// got returns every post so far.
func (w *worker) got() []request {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.posts)
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

// most is how many posts were being answered at once at most.
func (w *worker) most() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mostHeld
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
