package http1

import (
	"bytes"
	"encoding/binary"
	"net"
	"syscall"
)

// isSilent reports, without waiting, that the server has neither closed an idle connection nor said
// anything on it, which would be taken for the next answer: nothing is in our buffer, nothing in
// that of TLS, and nothing in the socket. Where there is no way to look at a socket it is silent.
func (k *conn) isSilent() bool {
	return k.reader.Buffered() == 0 && (k.secured == nil || k.isDecrypted()) && k.socket.isSilent()
}

// hasSpoken reports whether what isSilent has met, or what is behind an answer, is more than the end of
// the connection: the server answers more than it is asked.
func (k *conn) hasSpoken() bool {
	if k.leftover {
		return true
	}
	said := k.socket.said
	if k.secured != nil {
		return len(said) >= recordHeader && said[0] == recordData && recordLength(said) >= shortestAnswer
	}
	return len(said) > 0 && !bytes.HasPrefix(said, []byte("HTTP/1.1 408")) // told to an idle client
}

// isDecrypted reports that crypto/tls holds nothing that it has read and not handed on.
func (k *conn) isDecrypted() bool {
	if !k.socket.records.complete() {
		k.leftover = true
		return false
	}
	k.socket.looking = true
	defer func() { k.socket.looking = false }()
	var one [1]byte
	n, err := k.secured.Read(one[:])
	k.leftover = n > 0
	return err == errNothing //nolint:errorlint // crypto/tls hands it on as it is
}

// A socket is the connection without TLS.
type socket struct {
	net.Conn
	raw     syscall.RawConn // nil where there is no way to look
	look    func(fd uintptr) bool
	silent  bool   // the answer of look
	said    []byte // what look has seen, or the beginning of it
	looking bool   // Read reads nothing
	records records
}

// lookLength is how much of what a server has said is looked at.
const lookLength = 12

func newSocket(c net.Conn) *socket {
	s := &socket{Conn: c}
	if with, ok := c.(syscall.Conn); ok {
		s.raw, _ = with.SyscallConn()
	}
	var buffer [lookLength]byte
	s.look = func(fd uintptr) bool {
		n, _, err := syscall.Recvfrom(int(fd), buffer[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		s.silent, s.said = err == syscall.EAGAIN, buffer[:max(n, 0)]
		return true
	}
	return s
}

// isSilent reports that there is nothing to read in the socket, not even its end.
func (s *socket) isSilent() bool {
	if s.raw == nil {
		return true
	}
	s.silent = false
	return s.raw.Read(s.look) == nil && s.silent
}

// Read is what TLS reads by. While somebody looks what TLS has left it says that there is nothing
// more for now.
func (s *socket) Read(p []byte) (int, error) {
	if s.looking {
		return 0, errNothing
	}
	n, err := s.Conn.Read(p)
	s.records.follow(p[:n])
	return n, err
}

// errNothing is a temporary error: crypto/tls keeps a connection that met it.
var errNothing net.Error = nothing{}

type nothing struct{}

func (nothing) Error() string   { return "nothing to read for now" }
func (nothing) Timeout() bool   { return true }
func (nothing) Temporary() bool { return true }

const (
	// recordHeader is the length of the header of a TLS record (RFC 8446, section 5.1).
	recordHeader = 5
	// recordData is the type of a record that holds data, or in TLS 1.3 anything.
	recordData = 23
	// shortestAnswer is the length of the shortest record with an answer in it. A close_notify is
	// shorter.
	shortestAnswer = 36
)

// recordLength is the length of what follows a record's header.
func recordLength(header []byte) int { return int(binary.BigEndian.Uint16(header[recordHeader-2:])) }

// records knows whether the bytes that were read end with a TLS record.
type records struct {
	header [recordHeader]byte
	have   int // bytes of header
	left   int // bytes of the record
}

func (r *records) complete() bool { return r.have == 0 && r.left == 0 }

// follow takes the next bytes that were read.
func (r *records) follow(p []byte) {
	for len(p) > 0 {
		if r.left > 0 {
			n := min(r.left, len(p))
			r.left, p = r.left-n, p[n:]
			continue
		}
		n := copy(r.header[r.have:], p)
		r.have, p = r.have+n, p[n:]
		if r.have == recordHeader {
			r.have, r.left = 0, recordLength(r.header[:])
		}
	}
}
