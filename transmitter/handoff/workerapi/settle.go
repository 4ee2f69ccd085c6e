package workerapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"carrier/internal/httpapi"
	"carrier/internal/plainjson"
	"carrier/transmitter/handoff"
	"carrier/transmitter/handoff/stream"
)

// settleTimeout is how long the source is waited for.
const settleTimeout = 10 * time.Second

// A settleRequest is the body of POST /v1/settle.
type settleRequest struct {
	Messages []settlement `json:"messages"`
}

// A settlement is one verdict in JSON.
type settlement struct {
	Token   string `json:"token"`
	Verdict string `json:"verdict"`
	Delay   string `json:"delay"`
	For     string `json:"for"`
	Reason  string `json:"reason"`
}

// plain reads a request in the usual form, and reports whether it is one.
func (s *settleRequest) plain(text []byte) bool {
	r := plainjson.NewReader(text)
	for r.Begin('{'); r.More('}'); {
		if string(r.Key()) != "messages" || s.Messages != nil {
			r.Fail()
			break
		}
		s.Messages = make([]settlement, 0, len(text)/usualSettlement)
		for r.Begin('['); r.More(']'); {
			s.Messages = append(s.Messages, plainSettlement(r))
		}
	}
	if !r.End() {
		*s = settleRequest{}
		return false
	}
	return true
}

// usualSettlement is how many bytes a settlement has at least, in the usual form.
const usualSettlement = 64

// plainSettlement reads one verdict.
func plainSettlement(r *plainjson.Reader) (m settlement) {
	for r.Begin('{'); r.More('}'); {
		into := m.member(r.Key())
		if into == nil || *into != "" {
			r.Fail()
			break
		}
		if *into = string(r.Text()); *into == "" { // which could come twice
			r.Fail()
		}
	}
	return m
}

// member is the field of a name; nil where there is none.
func (m *settlement) member(name []byte) *string {
	switch string(name) {
	case "token":
		return &m.Token
	case "verdict":
		return &m.Verdict
	case "delay":
		return &m.Delay
	case "for":
		return &m.For
	case "reason":
		return &m.Reason
	default:
		return nil
	}
}

// settle passes verdicts on and answers once the source has agreed to each, or 10 seconds later.
// Where one is wrong in itself none is passed on.
func (s *Server) settle(w http.ResponseWriter, r *http.Request) {
	var request settleRequest
	if problem := readJSON(w, r, &request, request.plain); problem != nil {
		problem.Write(w)
		return
	}
	if request.Messages == nil {
		invalid(`"messages" is missing`).Write(w)
		return
	}
	verdicts := make([]handoff.Verdict, len(request.Messages))
	for i, m := range request.Messages {
		var problem *httpapi.Problem
		if verdicts[i], problem = m.read(); problem != nil {
			problem.Detail = "messages[" + strconv.Itoa(i) + "]: " + problem.Detail
			problem.Write(w)
			return
		}
	}
	s.writeResults(w, request.Messages, s.settleAll(r.Context(), request.Messages, verdicts))
}

// writeResults answers with what became of each verdict.
func (s *Server) writeResults(w http.ResponseWriter, messages []settlement, errs []error) {
	room := s.buffers.take()
	defer s.buffers.put(room)
	text := room.text
	text = append(text, `{"results":[`...)
	for i, m := range messages {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(stream.AppendResult(append(text, `{"token":`...), m.Token, errs[i]), '}')
	}
	text = append(text, "]}\n"...)
	room.text = text
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(text)
}

// settleAll passes all verdicts on before it waits for any, and returns what became of each.
func (s *Server) settleAll(ctx context.Context, messages []settlement, verdicts []handoff.Verdict) []error {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	pending, errs := make([]handoff.Pending, len(verdicts)), make([]error, len(verdicts))
	for i, m := range messages {
		pending[i], errs[i] = s.tables.Decide(m.Token, verdicts[i])
	}
	for i, err := range handoff.WaitAll(ctx, pending) {
		if errs[i] == nil {
			errs[i] = err
		}
	}
	return errs
}

// verdict passes the verdict of the path on.
func (s *Server) verdict(w http.ResponseWriter, r *http.Request) {
	m := fromQuery(r.PathValue("verdict"), r.URL.Query())
	v, problem := m.read()
	if problem != nil {
		problem.Write(w)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), settleTimeout)
	defer cancel()
	pending, err := s.tables.Decide(r.PathValue("token"), v)
	if err == nil {
		err = pending.Wait(ctx)
	}
	if err != nil {
		refused(err).Write(w)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func fromQuery(verdict string, query url.Values) settlement {
	return settlement{Verdict: verdict, Delay: query.Get("delay"), For: query.Get("for"), Reason: query.Get("reason")}
}

// read checks what m says.
func (m settlement) read() (v handoff.Verdict, problem *httpapi.Problem) {
	v = handoff.Verdict{Kind: handoff.Kind(m.Verdict), Reason: m.Reason}
	if !v.Kind.Known() {
		return v, invalid("the verdict must be ack, retry, dead-letter or extend")
	}
	if m.Delay != "" {
		if v.Delay, problem = duration("delay", m.Delay, 0, handoff.MaxLease); problem != nil {
			return v, problem
		}
	}
	if m.For != "" {
		v.For, problem = duration("for", m.For, leastLease, handoff.MaxLease)
	}
	return v, problem
}
