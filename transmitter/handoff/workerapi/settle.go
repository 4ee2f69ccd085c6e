package workerapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"carrier/internal/httpapi"
	"carrier/transmitter/handoff"
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

// A result is what became of one verdict.
type result struct {
	Token string `json:"token"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}

// settle passes verdicts on and answers once the source has agreed to each, or 10 seconds later.
// Where one is wrong in itself none is passed on.
func (s *Server) settle(w http.ResponseWriter, r *http.Request) {
	var request settleRequest
	if problem := readJSON(w, r, &request); problem != nil {
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
	httpapi.WriteJSON(w, http.StatusOK, map[string][]result{"results": s.settleAll(r.Context(), request.Messages, verdicts)})
}

// settleAll passes all verdicts on before it waits for any.
func (s *Server) settleAll(ctx context.Context, messages []settlement, verdicts []handoff.Verdict) []result {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	pending, errs := make([]*handoff.Pending, len(verdicts)), make([]error, len(verdicts))
	for i, m := range messages {
		pending[i], errs[i] = s.tables.Decide(m.Token, verdicts[i])
	}
	results := make([]result, len(verdicts))
	for i, m := range messages {
		err := errs[i]
		if err == nil {
			err = pending[i].Wait(ctx)
		}
		results[i] = result{Token: m.Token, OK: err == nil}
		if err != nil {
			results[i].Error = err.Error()
		}
	}
	return results
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
