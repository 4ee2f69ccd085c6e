package trail

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"carrier/internal/httpapi"
)

// Records is the answer to GET /v1/attempts, each kind with the newest first. Settlements are told only
// to who asks for them.
type Records struct {
	Attempts    []Attempt    `json:"attempts"`
	Settlements []Settlement `json:"settlements,omitempty"`
}

// Handler answers GET /v1/attempts?message_id=&route=&outcome=&since=&limit=&settlements= with what is
// in memory and matches all that is given. since is a time as in RFC 3339, limit is of each kind, and
// settlements=true asks for them too.
func (t *Trail) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := r.URL.Query()
		q, wrong := queryOf(asked)
		if wrong != "" {
			httpapi.Problem{Status: http.StatusBadRequest, Detail: wrong}.Write(w)
			return
		}
		found := Records{Attempts: t.Attempts(q)}
		if asked.Get("settlements") == "true" {
			found.Settlements = t.Settlements(q)
		}
		httpapi.WriteJSON(w, http.StatusOK, found)
	})
}

// queryOf reads a query, or says what is wrong with it.
func queryOf(asked url.Values) (q Query, wrong string) {
	q = Query{MessageID: asked.Get("message_id"), Route: asked.Get("route"), Outcome: asked.Get("outcome")}
	if q.Outcome != "" && !slices.Contains(Outcomes(), q.Outcome) {
		return q, "outcome must be one of " + strings.Join(Outcomes(), ", ")
	}
	var err error
	if limit := asked.Get("limit"); limit != "" {
		if q.Limit, err = strconv.Atoi(limit); err != nil || q.Limit < 1 {
			return q, "limit must be a whole number, 1 or more"
		}
	}
	if since := asked.Get("since"); since != "" {
		if q.Since, err = time.Parse(time.RFC3339, since); err != nil {
			return q, "since must be a time as in RFC 3339, 2026-11-28T12:00:00Z"
		}
	}
	return q, ""
}
