package ingest

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

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

// ServeHTTP stores the request, or says why not.
func (d *door) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	defer d.containPanic(w)
	id, p := d.store(w, req)
	if len(req.TransferEncoding) > 0 || d.receiver.stopping.Load() {
		// After a chunked body nobody is sure where the next request begins who has
		// read it differently than we have.
		w.Header().Set("Connection", "close")
	}
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(writeTimeout))
	if p != nil {
		_ = control.SetReadDeadline(time.Now().Add(lingerTimeout))
		p.write(w)
		d.receiver.options.OnAnswer(p.Status)
		linger(control, req)
		return
	}
	writeJSON(w, "application/json", http.StatusOK, accepted{Status: "OK", ID: id})
	d.receiver.options.OnAnswer(http.StatusOK)
}

// An accepted is the body of a 200.
type accepted struct {
	Status string `json:"status"`
	ID     string `json:"id"`
}

// store answers with the id of what is now on the disk. All that can be refused without
// the body is, before the body is asked for: reading it is what sends 100 Continue.
func (d *door) store(w http.ResponseWriter, req *http.Request) (string, *problem) {
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
	body, p := d.readBody(w, req)
	if p != nil {
		return "", p
	}
	e.Body = body
	id, err := q.Put(req.Context(), e)
	if err != nil {
		return "", refused(err)
	}
	return id, nil
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
	err := q.Room(max(0, req.ContentLength))
	if err == nil || e.Key != "" && errors.Is(err, queue.ErrFull) {
		return nil
	}
	return refused(err)
}

func (d *door) containPanic(w http.ResponseWriter) {
	if r := recover(); r != nil {
		d.receiver.options.Report("handler_panic", fmt.Errorf("%v", r))
		broken().write(w)
		d.receiver.options.OnAnswer(http.StatusServiceUnavailable)
	}
}

func writeJSON(w http.ResponseWriter, contentType string, status int, v any) {
	b, _ := json.Marshal(v) // of a struct of strings and numbers
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // an error here is the producer's having gone
}
