package workerapi

import (
	"net/http"
	"time"

	"carrier/internal/httpapi"
)

// maxBody is the largest body of a request, in bytes.
const maxBody = 1 << 20

// readJSON reads the body of r, one JSON object, into dst; an empty body changes nothing. plain sets
// dst from a body in the usual form; where it is in another one plain reports false and leaves dst empty.
func readJSON(w http.ResponseWriter, r *http.Request, dst any, plain func([]byte) bool) *httpapi.Problem {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTimeout))
	body, problem := httpapi.ReadBody(w, r, maxBody)
	if problem != nil {
		return problem
	}
	_ = control.SetReadDeadline(time.Time{})
	if plain(body) {
		return nil
	}
	return httpapi.DecodeJSON(body, dst)
}
