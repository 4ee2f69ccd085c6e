package workerapi

import (
	"net/http"
	"time"

	"carrier/internal/httpapi"
)

// maxBody is the largest body of a request, in bytes.
const maxBody = 1 << 20

// readJSON reads the body of r, one JSON object, into dst; an empty body changes nothing.
func readJSON(w http.ResponseWriter, r *http.Request, dst any) *httpapi.Problem {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTimeout))
	problem := httpapi.ReadJSON(w, r, maxBody, dst)
	if problem == nil {
		_ = control.SetReadDeadline(time.Time{})
	}
	return problem
}
