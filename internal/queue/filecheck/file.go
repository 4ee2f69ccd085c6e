// Package filecheck reads the queue's file page by page, without bbolt, which panics on pages
// that make no sense to it. It says whether a file may be opened with bbolt, and copies out of a
// damaged one what checksums vouch for.
package filecheck

import (
	"encoding/binary"
	"hash/fnv"
	"io"
)

// A File is a queue file that is read and not changed. Nobody may write to it meanwhile. It is
// not safe for concurrent use.
type File struct {
	r        io.ReaderAt
	size     int64
	pageSize int
	meta     meta
	badMeta  int    // the number of a meta page that is damaged; -1 is none
	used     uint64 // one more than the last page that Walk found to be in use
}

// A meta is what a meta page says.
type meta struct {
	pageSize                  int
	root, freelist, highWater uint64
	tx                        uint64
}

const (
	metaMagic   = 0xED0CDAED
	metaVersion = 2
	metaSize    = 64
	noFreelist  = 0xffffffffffffffff
	// minPageSize and maxPageSize are what bbolt looks for where the first meta page is damaged.
	minPageSize = 1 << 10
	maxPageSize = 16 << 20
)

// Open reads the meta pages. It fails where both are damaged.
func Open(r io.ReaderAt, size int64) (*File, error) {
	f := &File{r: r, size: size, badMeta: -1}
	first, ok0 := f.readMeta(0)
	if ok0 {
		f.pageSize = first.pageSize
	}
	second, ok1 := f.secondMeta()
	switch {
	case !ok0 && !ok1:
		return nil, damaged("both meta pages are damaged")
	case !ok0:
		f.meta, f.badMeta = second, 0
	case !ok1:
		f.meta, f.badMeta = first, 1
	case first.tx > second.tx:
		f.meta = first
	default:
		f.meta = second
	}
	f.pageSize = f.meta.pageSize
	return f, nil
}

// readMeta reads the meta page that begins at offset at; false where it is damaged.
func (f *File) readMeta(at int64) (meta, bool) {
	b := make([]byte, headSize+metaSize)
	if err := readAt(f.r, b, at); err != nil {
		return meta{}, false
	}
	b = b[headSize:]
	m := meta{
		pageSize: int(binary.NativeEndian.Uint32(b[8:])), root: binary.NativeEndian.Uint64(b[16:]),
		freelist: binary.NativeEndian.Uint64(b[32:]), highWater: binary.NativeEndian.Uint64(b[40:]),
		tx: binary.NativeEndian.Uint64(b[48:]),
	}
	good := binary.NativeEndian.Uint32(b) == metaMagic && binary.NativeEndian.Uint32(b[4:]) == metaVersion &&
		binary.NativeEndian.Uint64(b[56:]) == metaSum(b) &&
		m.pageSize >= minPageSize && m.pageSize <= maxPageSize && m.pageSize&(m.pageSize-1) == 0
	return m, good
}

// secondMeta looks for the second meta page where the first one says, or at every page size
// there may be.
func (f *File) secondMeta() (meta, bool) {
	if f.pageSize != 0 {
		return f.readMeta(int64(f.pageSize))
	}
	for size := minPageSize; size <= maxPageSize && int64(size) < f.size; size *= 2 {
		if m, ok := f.readMeta(int64(size)); ok && m.pageSize == size {
			return m, true
		}
	}
	return meta{}, false
}

// TX is the number of the last commit.
func (f *File) TX() uint64 { return f.meta.tx }

// BadMeta says whether one of the two meta pages is damaged, and which: then the other one is in
// effect, and the last commit may be lost.
func (f *File) BadMeta() (number int, bad bool) { return f.badMeta, f.badMeta >= 0 }

// Repair writes the meta page that was lost, once Walk has found all of f in order: f is what
// LostCommit returned. It does not sync.
func (f *File) Repair(to io.WriterAt) error {
	b := make([]byte, headSize+metaSize)
	number := f.meta.tx % 2
	binary.NativeEndian.PutUint64(b, number)
	binary.NativeEndian.PutUint16(b[8:], flagMeta)
	m := b[headSize:]
	binary.NativeEndian.PutUint32(m, metaMagic)
	binary.NativeEndian.PutUint32(m[4:], metaVersion)
	binary.NativeEndian.PutUint32(m[8:], uint32(f.pageSize))
	binary.NativeEndian.PutUint64(m[16:], f.meta.root)
	binary.NativeEndian.PutUint64(m[32:], noFreelist)
	binary.NativeEndian.PutUint64(m[40:], f.used)
	binary.NativeEndian.PutUint64(m[48:], f.meta.tx)
	binary.NativeEndian.PutUint64(m[56:], metaSum(m))
	_, err := to.WriteAt(b, int64(number)*int64(f.pageSize))
	return err
}

func metaSum(m []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(m[:metaSize-8])
	return h.Sum64()
}

// readPage reads page id into buf, which is one page long. The pages it may flow over into end
// at the high-water mark.
func (f *File) readPage(id uint64, buf []byte) (*page, error) {
	if id < 2 || id >= f.meta.highWater {
		return nil, damaged("page %d is not between 2 and the high-water mark %d", id, f.meta.highWater)
	}
	p := &page{
		id: id, buf: buf, r: f.r, offset: int64(id) * int64(f.pageSize),
		limit: int((f.meta.highWater - id) * uint64(f.pageSize)),
	}
	if err := readAt(f.r, buf, p.offset); err != nil {
		return nil, err
	}
	p.decode()
	return p, nil
}
