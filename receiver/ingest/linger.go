package ingest

import (
	"io"
	"net/http"
	"time"
)

// What a producer that is refused in mid-sentence may still say.
const (
	lingerTimeout = time.Second
	lingerBytes   = 16 << 20
)

// linger reads on for a while after a refusal. A producer that is writing its body when
// the connection is closed gets a reset, and the answer is lost with it. One that waits to
// be asked for its body is not sending any.
func linger(control *http.ResponseController, req *http.Request) {
	if req.Header.Get("Expect") != "" || control.Flush() != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, req.Body, lingerBytes)
}
