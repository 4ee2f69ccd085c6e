package main

import (
	"encoding/hex"
	"strings"
)

// A receipt handle says which message it is and which of its receives, and is as long
// as those of SQS are, since its length is paid for twice: in the answer and in the
// delete.
const (
	handleSize   = 344
	handleDigits = 16
)

func handlePadding() string {
	return strings.Repeat("AQEBnoMeaningAtAll+/", handleSize/20+1)[:handleSize-handleDigits]
}

func appendHandle(b []byte, n, received uint32, padding string) []byte {
	b = hex.AppendEncode(b, []byte{
		byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n),
		byte(received >> 24), byte(received >> 16), byte(received >> 8), byte(received),
	})
	return append(b, padding...)
}

func parseHandle(handle []byte) (n, received uint32, ok bool) {
	var b [8]byte
	if len(handle) != handleSize {
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

// appendID makes a number into what SQS's ids look like.
func appendID(b []byte, n uint32) []byte {
	b = append(b, "00000000-0000-4000-8000-0000"...)
	return hex.AppendEncode(b, []byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}
