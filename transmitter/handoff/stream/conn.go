package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/coder/websocket"

	"carrier/internal/sleep"
)

const (
	// pingEvery is how often the client is pinged, and pongTimeout how long its answer may take.
	pingEvery   = 20 * time.Second
	pongTimeout = 20 * time.Second
	// closeTimeout is how long the client may take to agree to a close.
	closeTimeout = 5 * time.Second
	// piece is the most bytes of a message that are written as one frame.
	piece = 32 << 10
	// mostReason is the most bytes of the reason in a close frame (RFC 6455, section 5.5).
	mostReason = 123
)

var (
	errDrained = errors.New("draining")
	errSilent  = errors.New("the client answers no ping")
)

// readAll reads frames and passes them on, one at a time, until that is no longer possible.
func (s *stream) readAll(ctx context.Context) error {
	s.conn.SetReadLimit(-1) // there is one of ours, which can be told of
	for {
		kind, text, err := s.readText(ctx)
		if err != nil {
			return err
		}
		s.read.Add(1)
		f, err := parse(kind, text, s.o.Verdict)
		if err != nil {
			return err
		}
		s.waits.Store(true)
		select {
		case s.frames <- f:
		case <-ctx.Done():
			return ctx.Err()
		}
		s.waits.Store(false)
	}
}

// readText reads one message of WebSocket's.
func (s *stream) readText(ctx context.Context) (websocket.MessageType, []byte, error) {
	kind, r, err := s.conn.Reader(ctx)
	if err != nil {
		return 0, nil, err
	}
	text, err := io.ReadAll(io.LimitReader(r, maxFrame+1))
	if err == nil && len(text) > maxFrame {
		err = fault{websocket.StatusMessageTooBig, fmt.Sprintf("a frame may have %d bytes", maxFrame)}
	}
	return kind, text, err
}

// write writes a frame that is no message.
func (s *stream) write(ctx context.Context, r reply) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err // never: a reply can be marshalled
	}
	return s.writeText(ctx, text)
}

// writeText writes one message of WebSocket's. A long one goes out in pieces, between which pings are
// answered.
func (s *stream) writeText(ctx context.Context, text []byte) error {
	s.writing.Store(true)
	defer s.writing.Store(false)
	// What is handed over meanwhile must come back before its lease ends.
	ctx, cancel := context.WithTimeout(ctx, min(writeTimeout, s.o.Table.Lease()/2))
	defer cancel()
	if len(text) <= piece {
		return s.conn.Write(ctx, websocket.MessageText, text)
	}
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
}

// pingAll pings the client until it answers no more.
func (s *stream) pingAll(ctx context.Context) {
	for sleep.For(ctx, pingEvery, nil) {
		if s.writing.Load() { // which has its own deadline, and would hold the ping up
			continue
		}
		if s.silent(ctx) {
			s.fail(errSilent)
			return
		}
		select {
		case s.alive <- struct{}{}:
		case <-ctx.Done():
		}
	}
}

// silent pings, and reports whether nothing came from the client since, although it would have been
// read.
func (s *stream) silent(ctx context.Context) bool {
	before := s.read.Load()
	limited, cancel := context.WithTimeout(ctx, pongTimeout)
	defer cancel()
	err := s.conn.Ping(limited)
	sent := limited.Err() != nil
	return err != nil && sent && ctx.Err() == nil && s.read.Load() == before && !s.waits.Load()
}

// fail ends the stream, unless something else has already.
func (s *stream) fail(err error) {
	select {
	case s.broken <- err:
	default:
	}
}

// closeSaying closes the connection, and says why where that can be said.
func (s *stream) closeSaying(ctx context.Context, err error) {
	_ = s.conn.raw.SetDeadline(time.Now().Add(closeTimeout))
	var f fault
	switch {
	case errors.Is(err, errSilent) || ctx.Err() != nil:
		_ = s.conn.CloseNow()
	case errors.Is(err, errDrained):
		_ = s.conn.Close(websocket.StatusGoingAway, "draining")
	case errors.As(err, &f):
		_ = s.write(ctx, reply{Type: "error", Error: f.text})
		_ = s.conn.Close(f.code, strings.ToValidUTF8(f.text[:min(len(f.text), mostReason)], ""))
	default: // the client has gone, or was told by the library what it did
		_ = s.conn.Close(websocket.StatusProtocolError, "")
	}
}
