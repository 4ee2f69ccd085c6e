package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
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
	// piece is the most bytes that are written in one call: of frames, or of a long message.
	piece = 32 << 10
	// usualFrame is the room for a frame that was read, in bytes.
	usualFrame = 512
	// mostReason is the most bytes of the reason in a close frame (RFC 6455, section 5.5).
	mostReason = 123
)

var (
	errDrained = errors.New("draining")
	errSilent  = errors.New("the client answers no ping")
)

// readAll reads frames and does what they say, until that is no longer possible. The end of the
// connection ends it.
func (s *stream) readAll(ctx context.Context) error {
	s.conn.SetReadLimit(-1)                // there is one of ours, which can be told of
	unending := context.WithoutCancel(ctx) // for one that can end, the library has to be ready with each frame
	var room []byte
	for ctx.Err() == nil {
		kind, text, err := s.readText(unending, room)
		if err != nil {
			return err
		}
		s.read.Add(1)
		f, err := parse(kind, text, s.o.Verdict)
		if err != nil {
			return err
		}
		s.take(f, s.conn.reader.Buffered() > 0)
		s.waitForRoom(ctx)
		if room = text; cap(room) > usualFrame {
			room = nil
		}
	}
	return ctx.Err()
}

// readText reads one message of WebSocket's, into room where it is enough.
func (s *stream) readText(ctx context.Context, room []byte) (websocket.MessageType, []byte, error) {
	kind, r, err := s.conn.Reader(ctx)
	if err != nil {
		return 0, nil, err
	}
	text := slices.Grow(room[:0], usualFrame)
	for err == nil {
		if len(text) > maxFrame {
			return 0, nil, fault{websocket.StatusMessageTooBig, fmt.Sprintf("a frame may have %d bytes", maxFrame)}
		}
		var n int
		text = slices.Grow(text, 1)
		n, err = r.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
	}
	if !errors.Is(err, io.EOF) {
		return 0, nil, err
	}
	return kind, text, nil
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
		s.mu.Lock()
		s.online()
		s.mu.Unlock()
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
		_ = s.conn.Write(ctx, websocket.MessageText, reply{kind: errored, text: f.text}.append(nil))
		_ = s.conn.Close(f.code, strings.ToValidUTF8(f.text[:min(len(f.text), mostReason)], ""))
	default: // the client has gone, or was told by the library what it did
		_ = s.conn.Close(websocket.StatusProtocolError, "")
	}
}
