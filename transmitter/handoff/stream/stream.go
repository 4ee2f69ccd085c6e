// Package stream hands messages to a consumer over a WebSocket, and takes its verdicts: subprotocol
// carrier.v1, text frames of JSON.
//
// Two goroutines do what a stream does: that of Serve writes frames, many at once where many are
// there, and another one reads frames and does what they say. A third one pings. Memory is bounded by
// the credit, by mostOwed, and by one frame that was read: while too many verdicts are not answered
// nothing more is read.
package stream

import (
	"context"
	"errors"
	"runtime"
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
	// mostOwed is how many verdicts may wait for their answers before no frame is read any more.
	mostOwed = 256
	// mostAsked is the most messages that are asked for at once; more are once these have come.
	mostAsked = 256
)

// Options is what a stream is made of.
type Options struct {
	// Table is where messages come from.
	Table *handoff.Table
	// Most is the largest credit: what a client says beyond it is cut.
	Most int
	// Message appends the frame of a message.
	Message func(b []byte, h handoff.Handed) []byte
	// Verdict reads what a frame says of a message. Its error is for the client.
	Verdict func(Frame) (handoff.Verdict, error)
	// Decide passes a verdict on.
	Decide func(token string, v handoff.Verdict) (handoff.Pending, error)
	// SettleTimeout is how long the source is waited for.
	SettleTimeout time.Duration
	// Draining is closed when no more messages are handed over, and Closing when the stream has to end.
	Draining, Closing <-chan struct{}
}

// A stream is one open WebSocket.
type stream struct {
	o        Options
	conn     *Conn
	inbox    *inbox
	others   sync.WaitGroup
	broken   chan error    // why the stream ends; holds one
	room     chan struct{} // receives when verdicts were answered; holds one
	reminder *time.Timer   // rings the inbox
	// read counts frames that were read, and waits is whether no more are, for now.
	read  atomic.Uint64
	waits atomic.Bool
	// writing is whether frames are being written.
	writing atomic.Bool

	// It is held while the table is called, which calls the inbox.
	mu      sync.Mutex
	asking  *handoff.Asking // nil once there is nothing more to hand over
	credit  int
	held    map[string]struct{} // tokens that were received and have no verdict
	owed    int                 // verdicts without an answer
	replies []reply             // answers that are to be written
	pending []verdict           // in the order in which their time is over
	overdue time.Time           // when the reminder rings; zero where it does not

	out
}

// Serve hands messages over until the client or the program ends, or the client breaks the rules, and
// closes conn. What was not written goes back, and what was and has no verdict is a failed attempt.
// It is called once for each conn, which is closed at once when ctx ends.
func Serve(ctx context.Context, conn *Conn, o Options) {
	ctx, cancel := context.WithCancel(ctx)
	s := &stream{
		o: o, conn: conn, inbox: newInbox(), held: map[string]struct{}{}, broken: make(chan error, 1), room: make(chan struct{}, 1),
	}
	s.asking = o.Table.Open(min(o.Most, mostAsked), 0, s.inbox)
	s.reminder = stopped(s.inbox.ring)
	s.guard = stopped(func() { _ = conn.raw.Close() })
	defer s.others.Wait()
	defer cancel()
	defer s.reminder.Stop()
	defer context.AfterFunc(ctx, func() {
		s.fail(ctx.Err())
		_ = conn.raw.SetDeadline(time.Now())
	})()
	s.others.Go(func() { s.fail(s.readAll(ctx)) })
	s.others.Go(func() { s.pingAll(ctx) })
	err := s.run(context.WithoutCancel(ctx))
	s.release()
	s.closeSaying(ctx, err)
}

// stopped returns a timer that will call f.
func stopped(f func()) *time.Timer {
	timer := time.AfterFunc(time.Hour, f)
	timer.Stop()
	return timer
}

// run writes what there is to say, until there is a reason to end.
func (s *stream) run(ctx context.Context) error {
	draining, closing := s.o.Draining, s.o.Closing
	var cut <-chan time.Time
	for !s.over(closing == nil) {
		select {
		case <-s.inbox.some:
			// Others that can run now may have more for the same call of the system.
			runtime.Gosched()
			replies := s.collect()
			if err := s.write(ctx, replies); err != nil {
				return err
			}
			s.answered(replies)
		case err := <-s.broken:
			if errors.As(err, new(fault)) { // who hears of it hears of the frames before it first
				return errors.Join(s.write(ctx, s.takeReplies()), err)
			}
			return err
		case <-draining:
			draining = nil
			s.unread()
			if err := s.write(ctx, []reply{{kind: drain}}); err != nil {
				return err
			}
		case <-closing:
			closing, cut = nil, time.After(flushTimeout)
		case <-cut:
			return errDrained
		}
	}
	return errDrained
}

// takeReplies returns the answers that are known, and leaves everything else.
func (s *stream) takeReplies() []reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	replies := s.replies
	s.replies = nil
	return replies
}

// over reports whether nothing is left to do: nothing more is handed over, what was is settled or the
// stream has to end, and every verdict is answered.
func (s *stream) over(closing bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.owed == 0 && (closing || s.asking == nil && len(s.held) == 0)
}

// want asks for as many messages as the credit leaves room for. The lock is held.
func (s *stream) want() {
	if s.asking != nil {
		s.asking.Want(s.credit - len(s.held))
	}
}

// online tells that a consumer is there, if it would take a message. The lock is held.
func (s *stream) online() {
	if s.asking != nil && s.credit > 0 {
		s.o.Table.Asked()
	}
}

// unread ends the asking. What was not written was not handed over.
func (s *stream) unread() {
	s.mu.Lock()
	defer s.mu.Unlock()
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
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.notWritten() {
		delete(s.held, h.Token)
		s.o.Table.Unread(h.Token)
	}
	for token := range s.held {
		s.o.Table.Abandon(token)
	}
	for _, v := range s.pending {
		_ = v.pending.Forget(s.inbox)
	}
}
