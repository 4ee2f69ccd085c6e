// Package record is the format of what the queue's file holds: the names of its buckets, and
// the values in them.
package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

// Every value in the file begins with the CRC-32C of the rest, and a version: bbolt itself keeps
// checksums of its two meta pages only.
const (
	version  = 1
	sealSize = 5
	// severalVersion is that of a message that is for other subscriptions than that of slot 0
	// alone: the slots follow the seal.
	severalVersion = 2
)

// ErrDamaged means that a value is not as it was written.
var ErrDamaged = errors.New("damaged value")

// seal fills in the first five bytes of b.
func seal(b []byte) []byte { return sealAs(b, version) }

func sealAs(b []byte, version byte) []byte {
	b[4] = version
	binary.BigEndian.PutUint32(b, checksum(b[4:]))
	return b
}

// unseal returns what seal was given, less the five bytes.
func unseal(b []byte) ([]byte, error) {
	if err := checkSeal(b, version); err != nil {
		return nil, err
	}
	return b[sealSize:], nil
}

// checkSeal returns an error unless b is as it was sealed, with a version up to newest.
func checkSeal(b []byte, newest byte) error {
	if len(b) < sealSize {
		return fmt.Errorf("%w: %d bytes", ErrDamaged, len(b))
	}
	if binary.BigEndian.Uint32(b) != checksum(b[4:]) {
		return fmt.Errorf("%w: checksum", ErrDamaged)
	}
	if b[4] < version || b[4] > newest {
		return fmt.Errorf("%w: version %d", ErrDamaged, b[4])
	}
	return nil
}

// Verify checks the seal of any value but a message's.
func Verify(b []byte) error { return checkSeal(b, version) }

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

func appendBytes(b, s []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func cutBytes(b []byte) (s, rest []byte, ok bool) {
	n, w := binary.Uvarint(b)
	if w <= 0 || n > uint64(len(b)-w) {
		return nil, nil, false
	}
	return b[w : w+int(n)], b[w+int(n):], true
}

func cutNumber(b []byte) (n int, rest []byte, ok bool) {
	v, w := binary.Uvarint(b)
	if w <= 0 || v > math.MaxInt32 {
		return 0, nil, false
	}
	return int(v), b[w:], true
}
