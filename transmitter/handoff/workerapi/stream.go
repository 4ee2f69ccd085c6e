package workerapi

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"

	"carrier/transmitter/handoff"
	"carrier/transmitter/handoff/stream"
)

// streams are those that are open. Its methods are safe for concurrent use.
type streams struct {
	count   atomic.Int64
	open    sync.WaitGroup
	closing chan struct{} // closed by end
	once    sync.Once
	cut     chan struct{} // closed by wait
}

func newStreams() *streams {
	return &streams{closing: make(chan struct{}), cut: make(chan struct{})}
}

// stream hands messages over on a WebSocket until that is closed.
func (s *Server) stream(route Route, w http.ResponseWriter, r *http.Request) {
	s.streams.open.Add(1)
	defer s.streams.open.Done()
	defer s.streams.count.Add(-1)
	if s.streams.count.Add(1) > maxStreams {
		busy("too many streams are open").Write(w)
		return
	}
	select {
	case <-s.draining:
		drained().Write(w)
		return
	default:
	}
	conn := stream.Accept(w, r)
	if conn == nil {
		return
	}
	// net/http says nothing of the request any more.
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	s.streams.open.Go(func() {
		select {
		case <-s.streams.cut:
			cancel()
		case <-ctx.Done():
		}
	})
	stream.Serve(ctx, conn, stream.Options{
		Table: route.Table, Most: route.Most, Message: route.appendFrame, Verdict: verdictOf, Decide: s.tables.Decide,
		SettleTimeout: settleTimeout, Draining: s.draining, Closing: s.streams.closing,
	})
}

// appendFrame appends a message as a stream has it.
func (r Route) appendFrame(b []byte, h handoff.Handed) []byte {
	return append(r.appendMessage(append(b, `{"type":"message",`...), h), '}')
}

// verdictOf is the verdict in a frame, read as one of a settlement.
func verdictOf(f stream.Frame) (handoff.Verdict, error) {
	v, problem := settlement{Verdict: f.Type, Delay: f.Delay, For: f.For, Reason: f.Reason}.read()
	if problem != nil {
		return v, errors.New(problem.Detail)
	}
	return v, nil
}

// end has all streams answer what is pending, and end.
func (s *streams) end() { s.once.Do(func() { close(s.closing) }) }

// wait waits until all have ended, and closes those that have not when ctx ends. It is called once.
func (s *streams) wait(ctx context.Context) {
	ended := make(chan struct{})
	go func() {
		s.open.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	close(s.cut)
}
