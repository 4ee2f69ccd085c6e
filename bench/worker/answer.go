package main

import (
	"io"
	"net/http"
	"time"

	"carrier/bench/http1"
	"carrier/bench/load"
)

type kind uint8

const (
	accept kind = iota
	postpone
	fail
	drop
)

// An answer is what the worker does with one POST.
type answer struct {
	kind       kind
	after      time.Duration
	retryAfter time.Duration
}

// A temper says how the worker answers. What is rare is spread evenly over the POSTs,
// so that two runs of one scenario differ in nothing but time.
type temper struct {
	latency    time.Duration
	slow       time.Duration
	slowShare  float64
	postpone   float64 // share answered 429
	retryAfter time.Duration
	fail       float64 // share answered 500
	drop       float64 // share whose connection is closed unanswered
}

// answer is what the n-th POST gets.
func (t temper) answer(n int) answer {
	a := answer{after: t.latency}
	if among(n, t.slowShare) {
		a.after = t.slow
	}
	switch {
	case among(n, t.postpone):
		a.kind, a.retryAfter = postpone, t.retryAfter
	case among(n+1, t.fail): // shifted, so that equal shares do not fall on the same
		a.kind = fail
	case among(n+2, t.drop):
		a.kind = drop
	}
	return a
}

// among reports whether n is one of an even share of all numbers.
func among(n int, share float64) bool {
	return share > 0 && int(float64(n)*share) != int(float64(n-1)*share)
}

// A worker answers POSTs as its temper says, and keeps the books.
type worker struct {
	temper temper
	size   int // of every body; 0 for any
	ledger ledger
}

// serve is handle on net/http, for a temper that accepts everything at once.
func (w *worker) serve(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = w.take(body)
	}
	if err != nil {
		rw.WriteHeader(http.StatusUnprocessableEntity)
	}
}

func (w *worker) handle(c *http1.Conn, r *http1.Request) bool {
	n, sent, err := load.ParseHead(r.Body)
	if err != nil || w.size > 0 && r.Length != w.size {
		w.ledger.wrongSize()
		return c.Answer("422 Unprocessable Content", "", nil)
	}
	begun := time.Now()
	a := w.temper.answer(w.ledger.enter(n, sent, begun.UnixNano()))
	if a.after > 0 {
		c.Sleep(a.after)
		if c.Gone() {
			w.ledger.cutOff()
		}
	}
	// The books are closed before the answer leaves: what comes after it may come at once.
	w.ledger.leave(n, begun.UnixNano(), time.Now().UnixNano(), a)
	switch a.kind {
	case postpone:
		return c.Answer("429 Too Many Requests", retryAfter(a.retryAfter), nil)
	case fail:
		return c.Answer("500 Internal Server Error", "", nil)
	case drop:
		return false
	default:
		return c.Answer("200 OK", "", nil)
	}
}
