package workerapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"carrier/internal/httpapi"
)

// maxBody is the largest body of a request, in bytes.
const maxBody = 1 << 20

// readJSON reads the body of r, one JSON value, into dst; an empty body changes nothing.
func readJSON(w http.ResponseWriter, r *http.Request, dst any) *httpapi.Problem {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTimeout))
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(dst)
	if err == nil {
		if _, err = decoder.Token(); err == nil {
			err = errors.New("there is more after it")
		}
	}
	if errors.Is(err, io.EOF) { // nothing at all, or nothing after the value
		_ = control.SetReadDeadline(time.Time{})
		return nil
	}
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return &httpapi.Problem{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("the body may have %d bytes", tooLarge.Limit)}
	}
	return invalid("the body must be one JSON object: ", err.Error())
}
