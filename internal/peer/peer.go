// Package peer looks whether the other side of a connection is still there, so that a
// request is not sent on one that was closed while it was idle.
package peer

import (
	"crypto/tls"
	"net"
	"syscall"
)

// A Peer is the other side of one connection. One goroutine uses it at a time.
type Peer struct {
	raw  syscall.RawConn // nil where there is no way to look
	look func(fd uintptr) bool
	open bool
}

// Of returns the peer of c. Of a connection secured by TLS it is the one beneath: even
// a farewell is something said.
func Of(c net.Conn) *Peer {
	p := &Peer{}
	if secured, ok := c.(*tls.Conn); ok {
		c = secured.NetConn()
	}
	if s, ok := c.(syscall.Conn); ok {
		p.raw, _ = s.SyscallConn()
	}
	var one [1]byte
	p.look = func(fd uintptr) bool {
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		p.open = err == syscall.EAGAIN
		return true
	}
	return p
}

// Waits reports, without waiting, whether the peer has neither closed the connection
// nor said anything that nobody asked for. Where there is no way to know, it is true.
func (p *Peer) Waits() bool {
	if p.raw == nil {
		return true
	}
	p.open = false
	return p.raw.Read(p.look) == nil && p.open
}
