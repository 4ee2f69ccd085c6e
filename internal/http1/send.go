package http1

import (
	"errors"
	"time"
)

const (
	// inlineBody is the largest body that is copied behind its head, so that one write sends both.
	inlineBody = 8 << 10
	// bufferedBody is the largest request that the kernel surely takes without the server reading.
	// The rest of a larger one is written beside the reading of the answer, which may come before the
	// server has read it all.
	bufferedBody = 32 << 10
)

var errGone = errors.New("the server closed the connection, or spoke unasked")

// A sending is the writing of one request, which may still be under way.
type sending struct {
	err     error
	nothing bool      // no byte was written
	under   chan bool // not nil while it is under way; says at the end whether all was written
}

// send writes head and body, unless the server has closed the connection since the last answer or
// has said anything since.
func (k *conn) send(head, body []byte) sending {
	if len(body) > 0 && len(body) <= inlineBody {
		k.out = append(append(k.out[:0], head...), body...)
		head, body = k.out, nil
	}
	first, rest := head, body
	if len(rest) == 0 && len(head) > bufferedBody {
		first, rest = head[:bufferedBody], head[bufferedBody:]
	}
	// The look comes as late as can be: what arrives between it and the write is taken for the answer.
	if k.used && !k.isSilent() {
		return sending{err: errGone, nothing: true}
	}
	n, err := k.Write(first)
	switch {
	case err != nil:
		return sending{err: err, nothing: n == 0}
	case len(rest) == 0:
		return sending{}
	case len(first)+len(rest) <= bufferedBody:
		_, err := k.Write(rest)
		return sending{err: err}
	}
	under := make(chan bool, 1)
	go func() {
		_, err := k.Write(rest)
		under <- err == nil
	}()
	return sending{under: under}
}

// end waits for the end of the writing, and reports whether all of the request was written. What the
// server has answered before it had read it all is not written on.
func (s sending) end(k *conn) bool {
	if s.under == nil {
		return s.err == nil
	}
	_ = k.SetWriteDeadline(time.Now().Add(longPast))
	return <-s.under
}
