package api

import (
	"net/http"
	"sync/atomic"
	"time"
)

// clockTolerance is how far the clock may be off before a refused request is signed anew. AWS
// refuses signatures that are five minutes off or more.
const clockTolerance = time.Minute

// A clock follows the time of the answers, as the SDK does: a signature is refused when its time
// is minutes off. It is safe for concurrent use.
type clock struct {
	fixed  bool // is our own clock, always
	offset atomic.Int64
}

// ahead is how far the time of the answers is ahead of our own.
func (c *clock) ahead() time.Duration { return time.Duration(c.offset.Load()) }

func (c *clock) now() time.Time { return time.Now().Add(c.ahead()) }

// follow takes the time from the head of an answer. A cached one, which says its age, is out of
// date.
func (c *clock) follow(answer http.Header) {
	if c.fixed || answer.Get("Age") != "" {
		return
	}
	date := answer.Get("Date")
	if date == "" {
		return
	}
	if there, err := http.ParseTime(date); err == nil {
		c.offset.Store(int64(time.Until(there)))
	}
}
