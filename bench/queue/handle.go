package queue

import (
	"encoding/hex"
	"strings"
)

const handleDigits = 16

// Handles makes receipt handles, which say which message it is and which of its
// receives, and are as long as the real ones, since their length is paid for twice: in
// the answer that hands out and in the call that settles.
type Handles struct{ padding string }

// NewHandles makes handles of size bytes, sixteen at least.
func NewHandles(size int) Handles {
	return Handles{strings.Repeat("AQEBnoMeaningAtAll+/", size/20+1)[:size-handleDigits]}
}

// Append appends the handle of message n, handed out for the received-th time.
func (h Handles) Append(b []byte, n, received uint32) []byte {
	b = hex.AppendEncode(b, []byte{
		byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n),
		byte(received >> 24), byte(received >> 16), byte(received >> 8), byte(received),
	})
	return append(b, h.padding...)
}

// Parse reads what Append wrote.
func (h Handles) Parse(handle []byte) (n, received uint32, ok bool) {
	var b [8]byte
	if len(handle) != handleDigits+len(h.padding) {
		return 0, 0, false
	}
	if _, err := hex.Decode(b[:], handle[:handleDigits]); err != nil {
		return 0, 0, false
	}
	four := func(b []byte) uint32 {
		return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	}
	return four(b[:4]), four(b[4:]), true
}
