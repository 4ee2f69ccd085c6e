package queue

import (
	"net/http"
	"strconv"
	"time"
)

// Orders is what a benchmark's runner may have a server do with q, by path.
func (q *Queue) Orders() map[string]func(*http.Request) error {
	return map[string]func(*http.Request) error{"/fill": q.fill, "/offer": q.offered}
}

// fill puts n messages at once.
func (q *Queue) fill(r *http.Request) error {
	n, err := strconv.Atoi(r.FormValue("n"))
	if err == nil {
		q.Put(n)
	}
	return err
}

// offered begins to put messages at a rate, and returns.
func (q *Queue) offered(r *http.Request) error {
	rate, err := strconv.ParseFloat(r.FormValue("rate"), 64)
	if err != nil {
		return err
	}
	during, err := time.ParseDuration(r.FormValue("during"))
	if err != nil {
		return err
	}
	go q.offer(rate, during)
	return nil
}
