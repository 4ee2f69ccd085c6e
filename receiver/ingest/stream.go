package ingest

import (
	"errors"
	"net"
	"time"
)

// errLongHead means that more was sent than is read of a request's head.
var errLongHead = errors.New("too much was sent")

// A stream reads no more than it may, and no longer.
type stream struct {
	net.Conn
	left     int64     // bytes that may still be read
	err      error     // of the last Read
	deadline time.Time // of reading
	readBy   time.Time // what the connection was told
	writeBy  time.Time
}

// until sets the deadline of reading. The connection is told of it when something has to
// be waited for, which for a small request that arrives whole is never.
func (s *stream) until(t time.Time) { s.deadline = t }

// Read reads what is there, within the limits.
func (s *stream) Read(p []byte) (int, error) {
	if s.left <= 0 {
		s.err = errLongHead
		return 0, s.err
	}
	if !closeTo(s.readBy, s.deadline) {
		s.readBy = s.deadline
		_ = s.SetReadDeadline(s.deadline) // an error shows when it is read from
	}
	var n int
	n, s.err = s.Conn.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	return n, s.err
}

// write writes all of p within writeTimeout.
func (s *stream) write(p []byte) error {
	if by := time.Now().Add(writeTimeout); !closeTo(s.writeBy, by) {
		s.writeBy = by
		_ = s.SetWriteDeadline(by)
	}
	_, err := s.Write(p)
	return err
}

// closeTo says whether a deadline need not be moved: one that is less than a second early
// does as well, so that a busy connection sets its own once a second.
func closeTo(is, should time.Time) bool {
	early := should.Sub(is)
	return early >= 0 && early < time.Second
}
