package httpapi

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// LimitConnections lets at most so many connections of server be open at once. For a new one beyond
// the limit the one is closed that has waited longest for a request; the new one itself where all
// others are being answered. It is called after everything else of server is set, and before it
// serves.
func LimitConnections(server *http.Server, most int) {
	c := &connections{most: most, open: map[net.Conn]struct{}{}, waiting: map[net.Conn]time.Time{}}
	server.Handler, server.ConnState, server.ConnContext = c.answering(server.Handler), c.track, c.name
}

// connections bounds the connections of a server, so that whoever reaches the port cannot use up
// the file descriptors of the program, nor keep others out. It is safe for concurrent use.
type connections struct {
	most int

	mu      sync.Mutex
	open    map[net.Conn]struct{}
	waiting map[net.Conn]time.Time // for a request, since when
}

// track is told by net/http what a connection does.
func (c *connections) track(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		if len(c.open) >= c.most && !c.closeOldest() {
			_ = conn.Close()
			return
		}
		c.open[conn], c.waiting[conn] = struct{}{}, time.Now()
	case http.StateIdle:
		if _, open := c.open[conn]; open {
			c.waiting[conn] = time.Now()
		}
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
		delete(c.waiting, conn)
	}
}

// closeOldest closes the connection that has waited longest, and reports whether any waits.
func (c *connections) closeOldest() bool {
	var oldest net.Conn
	for conn, since := range c.waiting {
		if oldest == nil || since.Before(c.waiting[oldest]) {
			oldest = conn
		}
	}
	if oldest == nil {
		return false
	}
	delete(c.open, oldest)
	delete(c.waiting, oldest)
	_ = oldest.Close()
	return true
}

type connKey struct{}

// name puts conn into the context of its requests.
func (c *connections) name(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// answering tells which connections have a request, and passes the request on.
func (c *connections) answering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if conn, ok := r.Context().Value(connKey{}).(net.Conn); ok {
			c.mu.Lock()
			delete(c.waiting, conn)
			c.mu.Unlock()
		}
		next.ServeHTTP(w, r)
	})
}
