package ingest

import (
	"context"
	"errors"
	"net/http"
	"time"

	"carrier/internal/contain"
	"carrier/internal/httpapi"
	"carrier/internal/queue"
	"carrier/receiver/ingest/bodies"
	"carrier/receiver/ingest/credential"
	"carrier/receiver/ingest/request"
)

// A handler answers producers. It is safe for concurrent use.
type handler struct {
	door        *Server
	credentials *credential.Checker
	bodies      *bodies.Budget
}

func newHandler(s *Server, credentials *credential.Checker) *handler {
	return &handler{door: s, credentials: credentials, bodies: bodies.New(s.options.bodyBudget)}
}

// An accepted is the body of a 200.
type accepted struct {
	Status string `json:"status"`
	ID     string `json:"id"`
	Stored string `json:"stored,omitempty"`
}

// An exchange is one request and its answer.
type exchange struct {
	conn *conn
	w    http.ResponseWriter
	r    *http.Request
	// expecting says that the producer waits to be asked for its body.
	expecting bool
}

// serve answers one request. The end of ctx ends the waiting for a commit.
func (h *handler) serve(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	x := &exchange{connOf(r), w, r, len(r.Header["Expect"]) > 0 && r.ProtoAtLeast(1, 1)}
	if !x.conn.move(stateWaiting, stateReceiving) {
		panic(http.ErrAbortHandler) // it was closed for a new one
	}
	var stored kept
	var p *request.Problem
	err := contain.Call(func() (err error) {
		stored, p, err = h.store(ctx, x)
		return err
	})
	switch {
	case errors.Is(err, http.ErrAbortHandler):
		panic(http.ErrAbortHandler)
	case err != nil:
		h.door.options.Report("handler_panic", err)
		p = request.NotAcknowledged()
	}
	x.conn.move(stateReceiving, stateAnswering)
	if err := contain.Call(func() error { h.answer(x, stored, p); return nil }); err != nil {
		h.door.options.Report("handler_panic", err)
	}
}

// store answers with what is now on the disk. All that can be refused without the body
// is, before the body is asked for: the first read of it sends 100 Continue.
func (h *handler) store(ctx context.Context, x *exchange) (kept, *request.Problem, error) {
	shown, p := h.admit(x.r)
	if p != nil {
		return kept{}, p, nil
	}
	to, p := h.door.topics.match(request.Path(x.r))
	if p != nil {
		return kept{}, p, nil
	}
	e, p := request.Parse(x.r, shown)
	if p != nil {
		return kept{}, p, nil
	}
	e.To = to
	q := h.door.queue.Load()
	if p := h.hasRoom(q, x.r, e.Entry); p != nil {
		return kept{}, p, nil
	}
	x.expecting = false
	body := h.bodies.Body()
	defer body.Release()
	if e.Body, p = h.readBody(ctx, body, x.r); p != nil {
		return kept{}, p, nil
	}
	if !h.credentials.Body(shown, e.Body) {
		return kept{}, h.unauthorized(), nil
	}
	if !x.conn.move(stateReceiving, stateAnswering) {
		return kept{}, nil, http.ErrAbortHandler // it was closed for a new one
	}
	stored, p := h.door.keep(ctx, &e)
	return stored, p, nil
}

// admit refuses what is never stored, and says which credential the head has shown. That of a
// signature can be judged with the body only.
func (h *handler) admit(r *http.Request) (shown credential.Credential, p *request.Problem) {
	if r.ProtoMajor != 1 {
		return shown, request.Malformed(http.StatusHTTPVersionNotSupported)
	}
	if len(r.Header["Expect"]) > 1 {
		return shown, request.Malformed(http.StatusExpectationFailed)
	}
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		return shown, request.MethodNotAllowed(r.Method)
	}
	shown, ok := h.credentials.Head(r)
	if !ok {
		return shown, h.unauthorized()
	}
	if h.door.stopping.Load() {
		return shown, request.Stopping()
	}
	return shown, nil
}

func (h *handler) unauthorized() *request.Problem {
	return request.Unauthorized(h.door.options.credentials().Signed())
}

// hasRoom refuses a body that is known to be too large, or not to fit. A key may be one that is
// stored already, so that nothing is to be added.
func (h *handler) hasRoom(q *queue.Queue, r *http.Request, e queue.Entry) *request.Problem {
	if r.ContentLength > h.door.options.MaxBody {
		return request.TooLarge(h.door.options.MaxBody)
	}
	if h.door.options.Target != nil {
		return nil
	}
	err := q.HasRoom(max(0, r.ContentLength), e.To)
	if err == nil || e.Key != "" && errors.Is(err, queue.ErrFull) {
		return nil
	}
	return request.Refused(err)
}

// answer writes the id of what was stored, or p where nothing was.
func (h *handler) answer(x *exchange, stored kept, p *request.Problem) {
	if closesAfter(x.r) || h.door.stopping.Load() || p != nil && p.Closes {
		x.w.Header().Set("Connection", "close")
	}
	if stored.Replayed {
		x.w.Header().Set("Idempotency-Replayed", "true")
	}
	status := http.StatusOK
	if p == nil {
		httpapi.WriteJSON(x.w, status, accepted{"OK", stored.ID, stored.in})
	} else {
		status = p.Status
		x.refuse(p)
	}
	h.door.options.OnAnswer(status)
}

// closesAfter says whether r is the last request of its connection. After a chunked body nobody
// is sure where the next request begins who has read it differently than we have.
func closesAfter(r *http.Request) bool {
	return !r.ProtoAtLeast(1, 1) || len(r.TransferEncoding) > 0
}

// refuse answers with p at once, and then reads what the producer is still sending.
func (x *exchange) refuse(p *request.Problem) {
	if x.r.ContentLength == 0 {
		p.Write(x.w)
		return
	}
	rc := http.NewResponseController(x.w)
	_ = rc.EnableFullDuplex() // else net/http reads the body first
	p.Write(x.w)
	_ = rc.Flush()
	if x.expecting {
		_ = rc.SetReadDeadline(time.Now()) // the body may come or not: the connection is closed
		return
	}
	if !x.conn.drainRefused(x.r.Body) {
		_ = x.conn.Close()
	}
}
