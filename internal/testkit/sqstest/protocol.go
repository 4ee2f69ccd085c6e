package sqstest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	"carrier/internal/testkit/sqstest/service"
	"carrier/internal/testkit/sqstest/shapes"
)

// A call is one request while it is being answered.
type call struct {
	s     *Server
	op    string
	n     int
	base  string
	fault Fault
}

// serve answers the request, and does to it what the call's fault says.
func (c *call) serve(w http.ResponseWriter, r *http.Request) {
	if c.fault.Unread {
		c.answerUnread(w, r)
		return
	}
	if c.fault.EarlyHead {
		sendHead(w)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || !c.fault.before(r.Context()) {
		panic(http.ErrAbortHandler)
	}
	if c.fault.Page != nil {
		c.fault.Page.serve(w)
		return
	}
	out, failure := c.work(r.Context(), body)
	if !c.fault.after(r.Context()) {
		panic(http.ErrAbortHandler)
	}
	c.answer(w, out, failure)
}

func (c *call) work(ctx context.Context, body []byte) (any, *Error) {
	if c.fault.Error != nil {
		return nil, c.fault.Error
	}
	do := service.Call{Op: c.op, N: c.n, Base: c.base, Deaf: c.fault.Deaf, Entry: c.fault.Entry}
	return c.s.Do(ctx, &do, body)
}

// answerUnread sends the whole answer, and reads the request's body only then, so that
// the connection can be kept.
func (c *call) answerUnread(w http.ResponseWriter, r *http.Request) {
	allowEarly(w)
	c.answer(w, nil, c.fault.Error)
	_ = http.NewResponseController(w).Flush()
	_, _ = io.Copy(io.Discard, r.Body)
}

// allowEarly lets an answer out before the request's body is read, which net/http
// otherwise does first.
func allowEarly(w http.ResponseWriter) {
	if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// sendHead sends a success's head, and only that, before the request's body is read.
func sendHead(w http.ResponseWriter) {
	allowEarly(w)
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(http.StatusOK)
	if err := http.NewResponseController(w).Flush(); err != nil {
		panic(http.ErrAbortHandler)
	}
}

func (c *call) answer(w http.ResponseWriter, out any, failure *Error) {
	status := http.StatusOK
	w.Header().Set("X-Amzn-Requestid", shapes.NewID())
	if failure != nil {
		status = failure.HTTPStatus()
		w.Header().Set("X-Amzn-Query-Error", failure.Query())
		out = map[string]string{"__type": failure.Type, "message": failure.Message}
	}
	body, err := json.Marshal(out)
	if err == nil && failure == nil && c.fault.Edit != nil {
		body, err = edited(body, c.fault.Edit)
	}
	if err != nil {
		panic(err)
	}
	if !c.fault.EarlyHead {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(status)
	}
	c.write(w, body)
}

// write sends body, or half of it where the fault says so. A client that has gone
// is no concern of the server's.
func (c *call) write(w http.ResponseWriter, body []byte) {
	if c.fault.Drop != MidAnswer {
		_, _ = w.Write(body)
		return
	}
	_, _ = w.Write(body[:len(body)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}
