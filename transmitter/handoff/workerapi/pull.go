package workerapi

import (
	"net/http"
	"strconv"
	"time"

	"carrier/internal/httpapi"
	"carrier/internal/plainjson"
	"carrier/transmitter/handoff"
)

const (
	usualMost  = 10
	most       = 100
	leastLease = time.Second
)

// A pullRequest is the body of POST /v1/pull. What is missing is as usual.
type pullRequest struct {
	Max   *int    `json:"max"`
	Wait  *string `json:"wait"`
	Lease *string `json:"lease"`
}

// plain reads a request in the usual form, and reports whether it is one.
func (p *pullRequest) plain(text []byte) bool {
	r := plainjson.NewReader(text)
	for r.Begin('{'); r.More('}'); {
		switch key := string(r.Key()); {
		case key == "max" && p.Max == nil:
			p.Max = new(r.Number())
		case key == "wait" && p.Wait == nil:
			p.Wait = new(string(r.Text()))
		case key == "lease" && p.Lease == nil:
			p.Lease = new(string(r.Text()))
		default:
			r.Fail()
		}
	}
	if !r.End() {
		*p = pullRequest{}
		return false
	}
	return true
}

// wish checks what p asks for.
func (p pullRequest) wish() (wish, *httpapi.Problem) {
	want := wish{most: usualMost, wait: usualWait}
	var problem *httpapi.Problem
	if p.Max != nil {
		if want.most = *p.Max; want.most < 1 || want.most > most {
			return want, invalid("max must be a whole number from 1 to ", strconv.Itoa(most))
		}
	}
	if p.Wait != nil {
		if want.wait, problem = duration("wait", *p.Wait, 0, longestWait); problem != nil {
			return want, problem
		}
	}
	if p.Lease != nil {
		want.lease, problem = duration("lease", *p.Lease, leastLease, handoff.MaxLease)
	}
	return want, problem
}

// pull answers with the first message, and those that are there with it.
func (s *Server) pull(route Route, w http.ResponseWriter, r *http.Request) {
	var p pullRequest
	if problem := readJSON(w, r, &p, p.plain); problem != nil {
		problem.Write(w)
		return
	}
	want, problem := p.wish()
	if problem != nil {
		problem.Write(w)
		return
	}
	got, problem := s.take(r.Context(), route.Table, want)
	switch {
	case problem != nil:
		problem.Write(w)
	case r.Context().Err() == nil:
		if s.writeMessages(w, route, got) != nil {
			unread(route.Table, got)
		}
	}
}
