package ingest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// acceptPause is the time between two tries of a socket that fails, for want of file
	// descriptors for instance.
	acceptPause = 100 * time.Millisecond
	// stalledAfter is how long a producer may send nothing of a body before its connection
	// counts as idle.
	stalledAfter = 5 * time.Second
	// firstRequestGrace is how long a connection that has sent no request yet is kept open at the stop:
	// its first one may be on its way, and is answered 503 rather than cut off.
	firstRequestGrace = 250 * time.Millisecond
)

// A listener bounds the connections that are open at once. At the limit the one that has been
// idle longest is closed for a new one; where none is idle, the new one waits.
type listener struct {
	net.Listener
	certificate *tls.Config // nil for plain text
	limit       int
	grace       time.Duration // firstRequestGrace
	options     Options
	serving     *sync.WaitGroup // one is added for each connection

	stopped chan struct{}
	freed   chan struct{} // a place, or a connection that may be closed; capacity 1
	full    atomic.Bool   // tellFull has told

	mu      sync.Mutex
	open    map[*conn]struct{}
	stopNow bool
}

func newListener(l net.Listener, certificate *tls.Config, o Options, serving *sync.WaitGroup) *listener {
	return &listener{
		Listener: l, certificate: certificate, limit: o.MaxConnections, grace: firstRequestGrace, options: o, serving: serving,
		stopped: make(chan struct{}), freed: make(chan struct{}, 1), open: map[*conn]struct{}{},
	}
}

// Accept waits for a connection and for a place for it. It fails once the listener is stopped.
func (l *listener) Accept() (net.Conn, error) {
	nc, err := l.accept()
	if err != nil {
		return nil, err
	}
	c := newConn(nc, l)
	if l.count() >= l.limit {
		l.tellFull()
	}
	for {
		admitted, err := l.admit(c)
		if err != nil {
			_ = nc.Close()
			return nil, err
		}
		if admitted {
			return c, nil
		}
		l.rest(l.freed, time.Second) // a body may be found to have stalled
	}
}

// accept takes a connection from the socket. It tries again where that fails, and reports the
// first of such failures in a row.
func (l *listener) accept() (net.Conn, error) {
	for failing := false; ; failing = true {
		nc, err := l.Listener.Accept()
		if err == nil || l.isStopped() || errors.Is(err, net.ErrClosed) {
			return nc, err
		}
		if !failing {
			l.options.Report("server", err)
		}
		l.rest(nil, acceptPause)
	}
}

// rest waits for a signal, the end of d, or the stop.
func (l *listener) rest(signal <-chan struct{}, d time.Duration) {
	select {
	case <-signal:
	case <-time.After(d):
	case <-l.stopped:
	}
}

// admit gives c a place, if need be that of an idle connection. It reports whether there was one.
func (l *listener) admit(c *conn) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopNow {
		return false, net.ErrClosed
	}
	if len(l.open) >= l.limit && !l.closeIdlest() {
		return false, nil
	}
	l.open[c] = struct{}{}
	l.serving.Add(1)
	return true, nil
}

// closeIdlest closes the connection that has sent nothing for longest, and reports whether one
// could be closed. The caller holds mu.
func (l *listener) closeIdlest() bool {
	for {
		var idlest *conn
		since := time.Now()
		for c := range l.open {
			if at, idle := c.idleSince(); idle && at.Before(since) {
				idlest, since = c, at
			}
		}
		if idlest == nil {
			return false
		}
		if idlest.closeIdle() { // else a request has come meanwhile
			delete(l.open, idlest)
			return true
		}
	}
}

// leave takes the place of c away.
func (l *listener) leave(c *conn) {
	l.mu.Lock()
	delete(l.open, c)
	left := len(l.open)
	l.mu.Unlock()
	l.signal()
	if left <= l.limit*9/10 && l.full.CompareAndSwap(true, false) {
		l.options.Warn("", fmt.Sprintf("ingest: open connections are below the limit of %d again", l.limit), nil)
	}
}

// tellFull logs that the limit is hit, once until a tenth of the places is free again.
func (l *listener) tellFull() {
	if l.full.CompareAndSwap(false, true) {
		l.options.Warn("", fmt.Sprintf("ingest: all %d connections are open; the one idle longest is closed for each new one", l.limit), nil)
	}
}

// signal wakes Accept where it waits for a place.
func (l *listener) signal() {
	select {
	case l.freed <- struct{}{}:
	default:
	}
}

// count is how many connections are open.
func (l *listener) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open)
}

// stop ends Accept, and closes the connections that wait for a request: those that had one at once, the
// others after firstRequestGrace.
func (l *listener) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopNow {
		return
	}
	l.stopNow = true
	close(l.stopped)
	var fresh []*conn
	for c := range l.open {
		if c.fresh.Load() {
			fresh = append(fresh, c)
		} else {
			l.closeWaiting(c)
		}
	}
	if len(fresh) > 0 {
		time.AfterFunc(l.grace, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			for _, c := range fresh {
				l.closeWaiting(c)
			}
		})
	}
}

// closeWaiting closes c if it waits for a request. The caller holds mu.
func (l *listener) closeWaiting(c *conn) {
	if c.state.Load() == stateWaiting && c.closeIdle() {
		delete(l.open, c)
	}
}

func (l *listener) isStopped() bool {
	select {
	case <-l.stopped:
		return true
	default:
		return false
	}
}
