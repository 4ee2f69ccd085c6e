package ingest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

// bodyAtOnce is how much of a declared length is believed before it has arrived.
const bodyAtOnce = 64 << 10

// readBody reads all of the body. One that is cut off, too slow or too large is a problem,
// and its connection is closed after the answer.
func (d *door) readBody(w http.ResponseWriter, req *http.Request) ([]byte, *problem) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(d.receiver.options.ReadTimeout))
	limited := http.MaxBytesReader(w, req.Body, d.receiver.options.MaxBody)
	var body bytes.Buffer
	if req.ContentLength > 0 {
		body.Grow(int(min(req.ContentLength, bodyAtOnce)) + bytes.MinRead)
	}
	_, err := io.Copy(&body, limited)
	var over *http.MaxBytesError
	switch {
	case err == nil:
		_ = control.SetReadDeadline(time.Time{}) // it would end the request while it is stored
		return body.Bytes(), nil
	case errors.As(err, &over):
		return nil, tooLarge(d.receiver.options.MaxBody)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, tooSlow()
	default:
		return nil, cutOff()
	}
}
