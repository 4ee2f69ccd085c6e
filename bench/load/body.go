// Package load is what the benchmark's programs agree on: what a message's body looks
// like, and how latencies are counted.
package load

import (
	"bytes"
	"errors"
	"strconv"
)

// Every body is a JSON object that begins with a number of its own and the moment it
// was sent, both at fixed places, so that a worker reads them without a parser:
//
//	{"n":"000000000000002a","sent":"18d2c1e0a1b2c3d4","items":[ ... ],"pad":"..."}
//
// JSON, because that is what queues mostly carry, and because its quotes are escaped
// once more inside the answers of SQS, which is dearer to read than plain letters.
const (
	numberAt = len(`{"n":"`)
	sentAt   = numberAt + digits + len(`","sent":"`)
	digits   = 16

	// HeadLen is how many bytes of a body are its own; the rest is the same for all
	// bodies of one size.
	HeadLen = sentAt + digits + len(`",`)
)

const (
	item   = `{"id":48151623,"name":"a thing of no importance","price":"12.50","tags":["a","b"]},`
	open   = `"items":[`
	middle = `{}],"pad":"`
	end    = `"}`

	// MinSize is the length of the shortest body.
	MinSize = HeadLen + len(open) + len(middle) + len(end)
)

// ErrBody means that a body is not one of this package's.
var ErrBody = errors.New("not a body of the benchmark")

// Rest returns what follows the head of every body of size bytes, which is at least
// MinSize.
func Rest(size int) []byte {
	room := max(size, MinSize) - MinSize
	b := append(make([]byte, 0, room+MinSize), open...)
	b = append(b, bytes.Repeat([]byte(item), room/len(item))...)
	b = append(b, middle...)
	b = append(b, bytes.Repeat([]byte("x"), room%len(item))...)
	return append(b, end...)
}

// AppendHead appends the first HeadLen bytes of the body with number n, sent at a
// moment given in nanoseconds since the epoch.
func AppendHead(b []byte, n uint64, sent int64) []byte {
	b = append(b, `{"n":"`...)
	b = appendHex(b, n)
	b = append(b, `","sent":"`...)
	b = appendHex(b, uint64(sent)) //nolint:gosec // after 1970
	return append(b, `",`...)
}

// ParseHead reads what AppendHead wrote.
func ParseHead(b []byte) (n uint64, sent int64, err error) {
	if len(b) < HeadLen {
		return 0, 0, ErrBody
	}
	n, errN := strconv.ParseUint(string(b[numberAt:numberAt+digits]), 16, 64)
	s, errS := strconv.ParseUint(string(b[sentAt:sentAt+digits]), 16, 63)
	if errN != nil || errS != nil {
		return 0, 0, ErrBody
	}
	return n, int64(s), nil //nolint:gosec // parsed as 63 bits
}

// Escaped returns b as it stands inside a JSON string.
func Escaped(b []byte) []byte { return bytes.ReplaceAll(b, []byte(`"`), []byte(`\"`)) }

func appendHex(b []byte, v uint64) []byte {
	const hex = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, hex[v>>shift&15])
	}
	return b
}
