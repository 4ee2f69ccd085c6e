package filecheck

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrDamaged means that the file is not as bbolt wrote it. Errors of reading it do not wrap it.
var ErrDamaged = errors.New("damaged file")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

// The layout of bbolt's pages, in the byte order of the machine: a head of sixteen bytes (id,
// flags, count, overflow), count elements of sixteen bytes, then keys and values one after the
// other.
const (
	headSize    = 16
	elementSize = 16

	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagMeta     = 0x04
	flagFreelist = 0x10

	// bucketFlag marks a leaf's element that is a bucket. Its value begins with the page of the
	// bucket's root, 0 for a page that follows in the value itself.
	bucketFlag       = 0x01
	bucketHeaderSize = 16
)

// A page is one page of the file, or of a value, with the pages it overflows into.
type page struct {
	id       uint64
	flags    uint16
	count    int
	overflow uint64
	inline   bool // it lies in a value, and has no number
	// limit is how many bytes may belong to it, buf its beginning, and the rest is at offset in r.
	limit  int
	buf    []byte
	r      io.ReaderAt
	offset int64
}

// decode fills in p's head from its buf.
func (p *page) decode() {
	p.id = binary.NativeEndian.Uint64(p.buf)
	p.flags = binary.NativeEndian.Uint16(p.buf[8:])
	p.count = int(binary.NativeEndian.Uint16(p.buf[10:]))
	p.overflow = uint64(binary.NativeEndian.Uint32(p.buf[12:]))
}

// slice returns n bytes of p from at on. They are p's own where it has read that far.
func (p *page) slice(at, n int) ([]byte, error) {
	if at < 0 || n < 0 || at > p.limit || n > p.limit-at {
		return nil, damaged("page %d: %d bytes at %d reach beyond its end at %d", p.id, n, at, p.limit)
	}
	if at+n <= len(p.buf) {
		return p.buf[at : at+n : at+n], nil
	}
	b := make([]byte, n)
	return b, readAt(p.r, b, p.offset+int64(at))
}

// readAt fills b. The end of the file is damage, other errors are the disk's.
func readAt(r io.ReaderAt, b []byte, at int64) error {
	if _, err := r.ReadAt(b, at); err != nil {
		if errors.Is(err, io.EOF) {
			return damaged("it ends before byte %d", at+int64(len(b)))
		}
		return err
	}
	return nil
}

// An element is one entry of a page: a child of a branch, or a key and its value.
type element struct {
	flags     uint32
	child     uint64
	keyAt     int
	keySize   int
	valueSize int
}

// element reads entry i, without looking where it points to.
func (p *page) element(i int, leaf bool) (element, error) {
	at := headSize + i*elementSize
	b, err := p.slice(at, elementSize)
	if err != nil {
		return element{}, err
	}
	word := func(at int) int { return int(binary.NativeEndian.Uint32(b[at:])) }
	if leaf {
		return element{flags: uint32(word(0)), keyAt: at + word(4), keySize: word(8), valueSize: word(12)}, nil
	}
	return element{keyAt: at + word(0), keySize: word(4), child: binary.NativeEndian.Uint64(b[8:])}, nil
}

func (e element) valueAt() int { return e.keyAt + e.keySize }
func (e element) end() int     { return e.keyAt + e.keySize + e.valueSize }

// A Value is a value in the file. It is valid until the call that was given it returns.
type Value struct {
	page *page
	at   int
	// Size is its length in bytes.
	Size int
}

// prefixSize is how much of a value Prefix reads beyond what is in memory.
const prefixSize = 4 << 10

// Prefix returns the beginning of v: all of it, or at least 4 KiB.
func (v Value) Prefix() ([]byte, error) {
	inMemory := len(v.page.buf) - v.at
	return v.page.slice(v.at, min(v.Size, max(inMemory, prefixSize)))
}

// Bytes returns all of v.
func (v Value) Bytes() ([]byte, error) { return v.page.slice(v.at, v.Size) }
