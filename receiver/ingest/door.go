package ingest

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"

	"carrier/internal/queue"
)

// A door answers producers.
type door struct {
	receiver *Receiver
	token    [sha256.Size]byte
}

func newDoor(r *Receiver) *door {
	return &door{receiver: r, token: sha256.Sum256([]byte(r.options.Token))}
}

// store answers with the id of what is now on the disk. All that can be refused without
// the body is, before the body is asked for: reading it is what sends 100 Continue.
func (d *door) store(ctx context.Context, c *conn, req *http.Request) (string, *problem) {
	switch req.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		return "", methodNotAllowed(req.Method)
	}
	carriersOwn, ok := d.authorized(req.Header)
	if !ok {
		return "", unauthorized()
	}
	if d.receiver.stopping.Load() {
		return "", stopping()
	}
	e, p := parse(req, carriersOwn)
	if p != nil {
		return "", p
	}
	q := d.receiver.queue.Load()
	if p := d.roomFor(q, req, e); p != nil {
		return "", p
	}
	body, p := d.readBody(c, req)
	if p != nil {
		return "", p
	}
	e.Body = body
	stored, err := q.Put(ctx, e)
	if err != nil {
		return "", refused(err)
	}
	return stored.ID, nil
}

// authorized says whether the request may be stored, and whether its Authorization was
// meant for carrier. Hashes are compared, so that the time taken tells nothing, not even
// the token's length.
func (d *door) authorized(h http.Header) (carriersOwn, ok bool) {
	if d.receiver.options.Token == "" {
		return false, true
	}
	values := h.Values("Authorization")
	if len(values) != 1 {
		return false, false
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	same := subtle.ConstantTimeCompare(sum[:], d.token[:]) == 1
	ok = strings.EqualFold(scheme, "Bearer") && same
	return ok, ok
}

// roomFor refuses a body that is known to be too large, or not to fit. A key may be one
// that is stored already, so that nothing is to be added.
func (d *door) roomFor(q *queue.Queue, req *http.Request, e queue.Entry) *problem {
	if req.ContentLength > d.receiver.options.MaxBody {
		return tooLarge(d.receiver.options.MaxBody)
	}
	err := q.HasRoom(max(0, req.ContentLength))
	if err == nil || e.Key != "" && errors.Is(err, queue.ErrFull) {
		return nil
	}
	return refused(err)
}
