package stream

import (
	"net"
	"sync"
)

// A gathering is a connection whose frames can be gathered, and written at once: one call of the
// system for many frames. Its methods are safe for concurrent use.
type gathering struct {
	net.Conn

	mu   sync.Mutex
	on   bool
	text []byte
}

// gather has all that is written from now on gathered until flush.
func (g *gathering) gather() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.on = true
}

// gathered is how many bytes are.
func (g *gathering) gathered() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.text)
}

// Write writes p, or gathers it.
func (g *gathering) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.on {
		g.text = append(g.text, p...)
		return len(p), nil
	}
	return g.Conn.Write(p)
}

// flush ends the gathering, and writes what was gathered. It returns how many bytes of that were
// written.
func (g *gathering) flush() (n int, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.on = false
	if len(g.text) > 0 {
		n, err = g.Conn.Write(g.text)
	}
	g.text = g.text[:0]
	if cap(g.text) > 2*piece {
		g.text = nil
	}
	return n, err
}
