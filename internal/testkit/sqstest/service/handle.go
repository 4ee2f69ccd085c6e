package service

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"carrier/internal/testkit/sqstest/shapes"
)

// handle is m's receipt handle for its latest hand-out: a new one every time.
func (q *Queue) handle(m *stored) string {
	return base64.StdEncoding.EncodeToString([]byte(q.name + " " + m.id + " " + strconv.FormatInt(m.serial, 10)))
}

// open returns what a handle of this queue stands for: the message's id, and
// the message where it is still there; current is whether it is the latest handle.
func (q *Queue) open(handle string) (h opened, err *shapes.Error) {
	if handle == "" {
		return h, shapes.MissingParameter("ReceiptHandle")
	}
	text, fault := base64.StdEncoding.DecodeString(handle)
	parts := strings.Split(string(text), " ")
	if fault != nil || len(parts) != 3 || parts[0] != q.name {
		return h, shapes.Plain("ReceiptHandleIsInvalid", "The input receipt handle %q is not a valid receipt handle.", handle)
	}
	h.id = parts[1]
	if m, ok := q.find(h.id); ok {
		h.message, h.current = m, strconv.FormatInt(m.serial, 10) == parts[2]
	}
	return h, nil
}

type opened struct {
	id      string
	message *stored // nil when it is no longer in the queue
	current bool
}

func sequenceNumber(n int64) string { return fmt.Sprintf("%020d", n) }
