package httpapi

import "net/http"

// A Mux is handlers by the patterns of http.ServeMux, which may be added before it serves. What it
// answers to other requests are problem documents too.
type Mux struct{ mux http.ServeMux }

// Handle adds a handler.
func (m *Mux) Handle(pattern string, h http.Handler) { m.mux.Handle(pattern, h) }

// ServeHTTP answers r.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h, pattern := m.mux.Handler(r)
	if pattern != "" {
		m.mux.ServeHTTP(w, r) // which sets the path's values
		return
	}
	refused := refusal{header: http.Header{}, status: http.StatusNotFound}
	h.ServeHTTP(&refused, r)
	if refused.status != http.StatusMethodNotAllowed {
		refused.status = http.StatusNotFound
	}
	Problem{Status: refused.status, Header: refused.allow()}.Write(w)
}

// A refusal takes the status of an answer and leaves the rest.
type refusal struct {
	header http.Header
	status int
}

// Header is written to and not sent.
func (f *refusal) Header() http.Header { return f.header }

// Write takes nothing.
func (f *refusal) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader keeps the status.
func (f *refusal) WriteHeader(status int) { f.status = status }

func (f *refusal) allow() http.Header {
	if values := f.header.Values("Allow"); len(values) > 0 {
		return http.Header{"Allow": values}
	}
	return nil
}
