package ingest

import (
	"context"
	"errors"
	"net/http"
	"os"

	"carrier/receiver/ingest/bodies"
	"carrier/receiver/ingest/request"
)

// readBody reads all of the body. One that is cut off, too slow or too large is a problem, and
// its connection is closed after the answer.
func (h *handler) readBody(ctx context.Context, b *bodies.Body, r *http.Request) ([]byte, *request.Problem) {
	most := h.door.options.MaxBody
	data, err := b.ReadAll(ctx, r.Body, r.ContentLength, most)
	switch {
	case errors.Is(err, bodies.ErrNoMemory):
		return nil, request.TooManyBodies()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, request.TooSlow()
	case err != nil:
		return nil, request.CutOff()
	case int64(len(data)) > most:
		return nil, request.TooLarge(most)
	default:
		return data, nil
	}
}
