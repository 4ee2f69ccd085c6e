// Package httpapi holds what carrier's own HTTP servers share: problem documents, JSON answers
// and bearer tokens.
package httpapi

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// A Problem is an error answer as RFC 9457 describes it. Only Status is required: Type is
// "about:blank" and Title the status's own text unless they are set.
type Problem struct {
	Type    string            `json:"type"`
	Title   string            `json:"title"`
	Status  int               `json:"status"`
	Detail  string            `json:"detail,omitempty"`
	Reasons map[string]string `json:"reasons,omitempty"`

	// Header is sent with the answer.
	Header http.Header `json:"-"`
}

// Write answers a request with p.
func (p Problem) Write(w http.ResponseWriter) {
	if p.Type == "" {
		p.Type = "about:blank"
	}
	if p.Title == "" {
		p.Title = http.StatusText(p.Status)
	}
	for name, values := range p.Header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", "application/problem+json")
	WriteJSON(w, p.Status, p)
}

// WriteJSON answers a request with body as JSON, which caches must not keep. The content type is
// application/json unless one was set before. An error of the connection is not reported: the
// status is already out.
func WriteJSON(w http.ResponseWriter, status int, body any) {
	document, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	values := [...]string{"application/json", strconv.Itoa(len(document) + 1), "no-store"} // in one piece
	if h.Get("Content-Type") == "" {
		h["Content-Type"] = values[0:1:1]
	}
	h["Content-Length"], h["Cache-Control"] = values[1:2:2], values[2:3:3]
	w.WriteHeader(status)
	_, _ = w.Write(append(document, '\n'))
}
