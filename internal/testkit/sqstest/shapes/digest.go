package shapes

import (
	"crypto/md5"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

// NewID is a random id of the form the service gives messages and requests.
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// Digest is MD5OfBody.
func Digest(body string) string {
	sum := md5.Sum([]byte(body))
	return hex.EncodeToString(sum[:])
}

// DigestAttributes is MD5OfMessageAttributes, empty where there are none: the name,
// type and value of each in the order of names, every one behind its length in four
// bytes, and a byte between type and value that is 1 for text and 2 for binary.
func DigestAttributes(attrs map[string]Attribute) string {
	if len(attrs) == 0 {
		return ""
	}
	var b []byte
	put := func(v string) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
		b = append(b, v...)
	}
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		a := attrs[name]
		put(name)
		put(a.DataType)
		if strings.HasPrefix(a.DataType, "Binary") {
			b = append(b, 2)
			put(string(a.BinaryValue))
		} else {
			b = append(b, 1)
			put(a.StringValue)
		}
	}
	return Digest(string(b))
}
