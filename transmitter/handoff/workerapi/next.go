package workerapi

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"carrier/internal/httpapi"
	"carrier/transmitter/webhook"
)

const tokenHeader = "X-Carrier-Token"

// next answers with one message as it is, its headers those of a POST of it.
func (s *Server) next(route Route, w http.ResponseWriter, r *http.Request) {
	wait, problem := waitOf(r.URL.Query())
	if problem != nil {
		problem.Write(w)
		return
	}
	got, problem := s.take(r.Context(), route.Table, wish{most: 1, wait: wait})
	switch {
	case problem != nil:
		problem.Write(w)
		return
	case r.Context().Err() != nil:
		return
	case len(got) == 0:
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	m, h := route.shown(got[0].Message), w.Header()
	webhook.AddHeader(h, m, webhook.HeaderOptions{ContentType: route.ContentType, Deadline: got[0].Deadline, MaxBytes: route.MaxHeaderBytes})
	h.Set(tokenHeader, got[0].Token)
	h.Set("Content-Length", strconv.Itoa(len(m.Body)))
	h.Set("Cache-Control", "no-store")
	out := newAnswer(w)
	out.write(m.Body)
	if out.flush() != nil {
		route.Table.Unread(got[0].Token)
	}
}

// waitOf is how long a query says that is waited.
func waitOf(query url.Values) (time.Duration, *httpapi.Problem) {
	if !query.Has("wait") {
		return usualWait, nil
	}
	return duration("wait", query.Get("wait"), 0, longestWait)
}

// duration reads a duration of a request that is called name.
func duration(name, text string, least, most time.Duration) (time.Duration, *httpapi.Problem) {
	d, err := time.ParseDuration(text)
	if err != nil || d < least || d > most {
		return 0, invalid(name, " must be a duration such as 30s, from ", least.String(), " to ", most.String())
	}
	return d, nil
}

// An answer is written piece by piece. After the first error nothing is written.
type answer struct {
	w       http.ResponseWriter
	control *http.ResponseController
	err     error
}

// newAnswer begins an answer, which has to be written within answerTimeout.
func newAnswer(w http.ResponseWriter) *answer {
	a := &answer{w: w, control: http.NewResponseController(w)}
	_ = a.control.SetWriteDeadline(time.Now().Add(answerTimeout))
	w.WriteHeader(http.StatusOK)
	return a
}

func (a *answer) write(p []byte) {
	if a.err == nil {
		_, a.err = a.w.Write(p)
	}
}

// flush sends what was written, and says whether all of it could be.
func (a *answer) flush() error {
	if a.err == nil {
		a.err = a.control.Flush()
	}
	return a.err
}
