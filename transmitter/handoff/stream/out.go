package stream

import (
	"context"
	"time"

	"github.com/coder/websocket"

	"carrier/transmitter/handoff"
)

// An out is what a stream writes. It is of the goroutine of Serve.
type out struct {
	unwritten []handoff.Handed // was received; the first so many of it were written
	first     int
	marks     []int  // for each message that is gathered, how many bytes are with it
	text      []byte // room for a frame
	guard     *time.Timer

	// Room for what collect takes.
	written []reply
	ends    []end
	agreed  []agreement
}

// notWritten is what was received and not written, or not all of it.
func (s *stream) notWritten() []handoff.Handed { return s.unwritten[s.first:] }

// write writes the messages that were received, and replies, in as few calls as may be. ctx does not
// end: for one that can, the library has to be ready with each frame.
func (s *stream) write(ctx context.Context, replies []reply) error {
	s.conn.raw.gather()
	err := s.sendAll(ctx, replies)
	if flushed := s.flush(); err == nil {
		err = flushed
	}
	if err == nil {
		clear(s.unwritten)
		s.unwritten, s.first = s.unwritten[:0], 0
	}
	return err
}

func (s *stream) sendAll(ctx context.Context, replies []reply) error {
	for _, h := range s.notWritten() {
		s.text = s.o.Message(s.text[:0], h)
		if err := s.send(ctx, s.text); err != nil {
			return err
		}
		s.marks = append(s.marks, s.conn.raw.gathered())
	}
	for _, r := range replies {
		s.text = r.append(s.text[:0])
		if err := s.send(ctx, s.text); err != nil {
			return err
		}
	}
	if cap(s.text) > 2*piece {
		s.text = nil
	}
	return nil
}

// send gathers one message of WebSocket's, and writes what is gathered where that is much. A long one
// goes out at once, in pieces, between which pings are answered.
func (s *stream) send(ctx context.Context, text []byte) error {
	if s.conn.raw.gathered()+len(text) > piece {
		if err := s.flush(); err != nil {
			return err
		}
		defer s.conn.raw.gather()
	}
	if len(text) > piece {
		return s.sendLong(ctx, text)
	}
	s.conn.raw.gather()
	return s.conn.Write(ctx, websocket.MessageText, text)
}

// flush writes what is gathered.
func (s *stream) flush() error {
	var n int
	err := s.guarded(func() (err error) {
		n, err = s.conn.raw.flush()
		return err
	})
	for _, mark := range s.marks {
		if err == nil || mark <= n {
			s.first++
		}
	}
	s.marks = s.marks[:0]
	return err
}

// sendLong writes a message in pieces.
func (s *stream) sendLong(ctx context.Context, text []byte) error {
	return s.guarded(func() error {
		w, err := s.conn.Writer(ctx, websocket.MessageText)
		for err == nil && len(text) > 0 {
			n := min(len(text), piece)
			_, err = w.Write(text[:n])
			text = text[n:]
		}
		if err != nil {
			return err
		}
		return w.Close()
	})
}

// guarded writes. Where that takes too long the connection is closed: what is handed over meanwhile
// must come back before its lease ends.
func (s *stream) guarded(write func() error) error {
	s.writing.Store(true)
	defer s.writing.Store(false)
	s.guard.Reset(min(writeTimeout, s.o.Table.Lease()/2))
	defer s.guard.Stop()
	return write()
}
