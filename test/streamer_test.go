package test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// streamOf has w take messages from a stream, with a credit of most, until w is closed. A stream that
// ends is opened again.
func (w *worker) streamOf(most int) {
	const pause = 20 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	w.t.Cleanup(cancel) // before w's own, which waits
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopPulling = cancel
	w.served.Go(func() {
		for ctx.Err() == nil {
			w.stream(ctx, most)
			time.Sleep(pause)
		}
	})
}

// A frame is one of carrier's.
type frame struct {
	Type string
	handed
	OK    bool
	Error string
}

// A stream is one connection, and the answers whose verdicts are not settled yet.
type stream struct {
	*worker
	conn *websocket.Conn
	life string

	mu   sync.Mutex
	said map[string]verdictOf
}

// A verdictOf is what was said to a message.
type verdictOf struct {
	request request
	answer  answer
}

// stream takes messages until the connection ends.
func (w *worker) stream(ctx context.Context, most int) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	conn, _, err := websocket.Dial( //nolint:bodyclose // the package's
		ctx, "ws://"+w.address+"/v1/stream",
		&websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}, Subprotocols: []string{"carrier.v1"}},
	)
	if err != nil {
		return
	}
	var open sync.WaitGroup
	defer open.Wait()
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(-1)
	s := &stream{worker: w, conn: conn, said: map[string]verdictOf{}}
	if w.life != nil {
		s.life = w.life()
	}
	s.write(ctx, map[string]any{"type": "credit", "most": most})
	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			return
		}
		var f frame
		if err := json.Unmarshal(text, &f); err != nil {
			w.t.Errorf("a frame is %s: %v", text, err)
			return
		}
		switch f.Type {
		case "message":
			open.Go(func() { s.handle(ctx, f) })
		case "settled":
			s.settled(ctx, f)
		case "error":
			w.t.Error(fmt.Sprint("the stream says: ", f.Error))
		}
	}
}

func (s *stream) handle(ctx context.Context, f frame) {
	r := f.request()
	r.Fields = append(r.Fields, field{"X-Life", s.life})
	a := s.work(ctx, r)
	s.mu.Lock()
	s.said[f.Token] = verdictOf{r, a}
	s.mu.Unlock()
	s.write(ctx, a.word().document("type", f.Token))
}

// settled says a verdict again that the source has not agreed to in time.
func (s *stream) settled(ctx context.Context, f frame) {
	s.mu.Lock()
	v := s.said[f.Token]
	s.mu.Unlock()
	switch {
	case f.Error == "unconfirmed":
		s.write(ctx, v.answer.word().document("type", f.Token))
	case f.Error == "lease-ended" && s.refused != nil:
		s.refused(v.request, v.answer)
	}
}

// write sends a frame. Where that fails the stream has ended, and what it held comes again.
func (s *stream) write(ctx context.Context, document any) {
	text, err := json.Marshal(document)
	if err != nil {
		panic(err)
	}
	_ = s.conn.Write(ctx, websocket.MessageText, text)
}
