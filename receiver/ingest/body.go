package ingest

import (
	"context"
	"errors"
	"net/http"
	"os"

	"carrier/receiver/ingest/bodies"
)

// readBody reads all of the body. One that is cut off, too slow or too large is a problem, and
// its connection is closed after the answer.
func (h *handler) readBody(ctx context.Context, b *bodies.Body, r *http.Request) ([]byte, *problem) {
	most := h.door.options.MaxBody
	data, err := b.ReadAll(ctx, r.Body, r.ContentLength, most)
	switch {
	case errors.Is(err, bodies.ErrNoMemory):
		return nil, tooManyBodies()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, tooSlow()
	case err != nil:
		return nil, cutOff()
	case int64(len(data)) > most:
		return nil, tooLarge(most)
	default:
		return data, nil
	}
}
