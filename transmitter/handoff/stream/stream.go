// Package stream hands messages to a consumer over a WebSocket, and takes its verdicts: subprotocol
// carrier.v1, text frames of JSON.
//
// One goroutine, that of Serve, owns what a stream holds and does all writing of frames. Beside it one
// reads frames, one pings, and one waits for each message that is held and for each verdict that the
// source has to agree to. Memory is bounded by the credit, by mostPending and by one frame that was
// read: while verdicts are pending or a frame cannot be written, nothing more is read.
package stream

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"carrier/transmitter/handoff"
)

const (
	// Protocol is the subprotocol that a client has to ask for.
	Protocol = "carrier.v1"

	// maxFrame is the most bytes of a frame of the client's.
	maxFrame = 64 << 10
	// writeTimeout is how long the writing of one message may take, or half of the lease, if that is less.
	writeTimeout = 30 * time.Second
	// flushTimeout is how long a stream that is closed for the program's end may take to answer verdicts.
	flushTimeout = 500 * time.Millisecond
	// mostPending is how many verdicts may wait for the source before no frame is read any more.
	mostPending = 256
	// mostAsked is the most messages that are asked for at once; more are once these have come.
	mostAsked = 256
)

// Options is what a stream is made of.
type Options struct {
	// Table is where messages come from.
	Table *handoff.Table
	// Most is the largest credit: what a client says beyond it is cut.
	Most int
	// Message is the frame of a message.
	Message func(handoff.Handed) ([]byte, error)
	// Verdict reads what a frame says of a message. Its error is for the client.
	Verdict func(Frame) (handoff.Verdict, error)
	// Decide passes a verdict on.
	Decide func(token string, v handoff.Verdict) (*handoff.Pending, error)
	// SettleTimeout is how long the source is waited for.
	SettleTimeout time.Duration
	// Draining is closed when no more messages are handed over, and Closing when the stream has to end.
	Draining, Closing <-chan struct{}
}

// A stream is one open WebSocket. Its fields are the goroutine's that runs Serve, unless they say
// otherwise.
type stream struct {
	o      Options
	conn   *Conn
	asking *handoff.Asking // nil once there is nothing more to hand over
	credit int
	held   map[string]struct{} // tokens that were written and have no verdict
	// pending is how many verdicts the source has not agreed to yet.
	pending int

	others  sync.WaitGroup
	frames  chan Frame    // what was read
	broken  chan error    // why nothing more is read; holds one
	ends    chan end      // of what is held
	results chan reply    // of verdicts that were pending
	alive   chan struct{} // a ping was answered
	// read counts frames that were read, and waits is whether one waits to be taken. They are safe for
	// concurrent use.
	read  atomic.Uint64
	waits atomic.Bool
	// writing is whether a frame is being written. It is safe for concurrent use.
	writing atomic.Bool
}

// An end is that of a message that was held.
type end struct {
	token string
	lost  bool // without a verdict
}

// Serve hands messages over until the client or the program ends, or the client breaks the rules, and
// closes conn. What was not written goes back, and what was and has no verdict is a failed attempt.
// It is called once for each conn, which is closed at once when ctx ends.
func Serve(ctx context.Context, conn *Conn, o Options) {
	ctx, cancel := context.WithCancel(ctx)
	s := &stream{
		o: o, conn: conn, asking: o.Table.Open(min(o.Most, mostAsked), 0), held: map[string]struct{}{},
		frames: make(chan Frame), broken: make(chan error, 1), ends: make(chan end), results: make(chan reply), alive: make(chan struct{}),
	}
	defer s.others.Wait()
	defer cancel()
	s.others.Go(func() { s.fail(s.readAll(ctx)) })
	s.others.Go(func() { s.pingAll(ctx) })
	err := s.run(ctx)
	s.release()
	s.closeSaying(ctx, err)
}

// run does what comes, until there is a reason to end.
func (s *stream) run(ctx context.Context) error {
	draining, closing := s.o.Draining, s.o.Closing
	var cut <-chan time.Time
	for {
		if s.over(closing == nil) {
			return errDrained
		}
		var err error
		select {
		case h := <-s.messages():
			err = s.hand(ctx, h)
		case f := <-s.readable():
			err = s.take(ctx, f)
		case r := <-s.results:
			s.pending--
			err = s.write(ctx, r)
		case e := <-s.ends:
			err = s.end(ctx, e)
		case <-s.alive:
			s.online()
		case err = <-s.broken:
		case <-draining:
			draining = nil
			s.unread()
			err = s.write(ctx, reply{Type: "drain"})
		case <-closing:
			closing, cut = nil, time.After(flushTimeout)
		case <-cut:
			return errDrained
		}
		if err != nil {
			return err
		}
		s.want()
	}
}

// over reports whether nothing is left to do: nothing more is handed over, what was is settled or the
// stream has to end, and every verdict is answered.
func (s *stream) over(closing bool) bool {
	return s.pending == 0 && (closing || s.asking == nil && len(s.held) == 0)
}

// messages brings what is handed over, as long as something is.
func (s *stream) messages() <-chan handoff.Handed {
	if s.asking == nil {
		return nil
	}
	return s.asking.Messages()
}

// readable brings frames, as long as there is room for a verdict.
func (s *stream) readable() <-chan Frame {
	if s.pending >= mostPending {
		return nil
	}
	return s.frames
}

// want asks for as many messages as the credit leaves room for.
func (s *stream) want() {
	if s.asking != nil {
		s.asking.Want(s.credit - len(s.held))
	}
}

// online tells that a consumer is there, if it would take a message.
func (s *stream) online() {
	if s.asking != nil && s.credit > 0 {
		s.o.Table.Asked()
	}
}

// unread ends the asking. What was not written was not handed over.
func (s *stream) unread() {
	if s.asking == nil {
		return
	}
	for _, h := range s.asking.Close() {
		s.o.Table.Unread(h.Token)
	}
	s.asking = nil
}

// release gives up what the stream has: what has no verdict is a failed attempt.
func (s *stream) release() {
	s.unread()
	for token := range s.held {
		s.o.Table.Abandon(token)
	}
}
