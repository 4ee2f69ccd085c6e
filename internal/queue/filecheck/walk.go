package filecheck

import (
	"bytes"
	"encoding/binary"
	"errors"

	"carrier/internal/queue/record"
)

// A Visit is told of one key and its value. Both are valid until it returns.
type Visit func(b record.Bucket, key []byte, v Value) error

// A Lost says what cannot be read: a page, and the keys from Low up to High that may have been on
// it or below it. Nil is no bound.
type Lost struct {
	Bucket    record.Bucket
	Page      uint64
	Low, High []byte
	Err       error
}

// maxDepth is how deep a tree may be; bbolt's of 2^40 pages is not half of that.
const maxDepth = 24

// A walk visits the pages of a file's buckets once.
type walk struct {
	file  *File
	visit Visit
	// lost, if not nil, is told of damage, and the walk goes on; else the damage ends it.
	lost  func(Lost)
	owned []uint64 // a bit for each page
	bufs  [][]byte // for each depth
}

func (f *File) newWalk(visit Visit, lost func(Lost)) *walk {
	pages := min(f.meta.highWater, uint64(f.size/int64(f.pageSize))+1)
	return &walk{file: f, visit: visit, lost: lost, owned: make([]uint64, pages/64+1)}
}

// Walk visits every key in the order of the buckets given by order, and in each in the order of
// keys. Everything that bbolt takes for granted is checked: page numbers, kinds and lengths, that
// no page belongs to two others or lies beyond the high-water mark or the file's end, that
// elements lie side by side within their page, the order of keys within and across pages, and
// that there are no buckets but those that belong there. Values are not checked. An error that
// wraps ErrDamaged says what is wrong. Empty means that the file was made and not begun.
func (f *File) Walk(order []record.Bucket, visit Visit) (empty bool, err error) {
	w := f.newWalk(visit, nil)
	roots, err := w.roots()
	if err != nil {
		return false, err
	}
	if len(roots) == 0 {
		return true, w.freelist()
	}
	for b := range record.NumBuckets {
		if _, there := roots[b]; !there && !b.Optional() {
			return false, damaged("there is no bucket %s", b.Name())
		}
	}
	for _, b := range order {
		header, there := roots[b]
		if !there {
			continue
		}
		if err := w.bucket(b, header); err != nil {
			return false, err
		}
	}
	return false, w.freelist()
}

// roots reads the bucket of buckets: what each one's value in it is.
func (w *walk) roots() (map[record.Bucket][]byte, error) {
	roots := make(map[record.Bucket][]byte)
	inner := *w
	inner.visit = func(_ record.Bucket, key []byte, v Value) error {
		b, known := record.BucketNamed(key)
		if !known {
			return damaged("a bucket %.40q", key)
		}
		value, err := v.Bytes()
		if err != nil {
			return err
		}
		if len(value) < bucketHeaderSize {
			return damaged("bucket %s: %d bytes are none", b.Name(), len(value))
		}
		roots[b] = bytes.Clone(value)
		return nil
	}
	err := inner.tree(tree{bucket: ofBuckets}, w.file.meta.root, nil, nil)
	w.bufs = inner.bufs
	return roots, err
}

// bucket visits the bucket b, whose value in the bucket of buckets is header.
func (w *walk) bucket(b record.Bucket, header []byte) error {
	if root := binary.NativeEndian.Uint64(header); root != 0 {
		return w.tree(tree{bucket: b}, root, nil, nil)
	}
	if len(header) < bucketHeaderSize+headSize {
		return w.damage(Lost{Bucket: b, Err: damaged("bucket %s: %d bytes hold no page", b.Name(), len(header))})
	}
	p := &page{buf: header[bucketHeaderSize:], limit: len(header) - bucketHeaderSize, inline: true}
	p.decode()
	if p.flags != flagLeaf || p.overflow != 0 {
		return w.damage(Lost{Bucket: b, Err: damaged("bucket %s: flags %#x, overflow %d", b.Name(), p.flags, p.overflow)})
	}
	return w.leaf(tree{bucket: b}, p, nil, nil)
}

// ofBuckets stands for the bucket of buckets.
const ofBuckets = record.NumBuckets

// A tree is a place in a bucket's tree.
type tree struct {
	bucket record.Bucket
	depth  int
}

func (t tree) name() string {
	if t.bucket == ofBuckets {
		return "list of buckets"
	}
	return t.bucket.Name()
}

func (t tree) below() tree { return tree{t.bucket, t.depth + 1} }

// damage ends the walk with l.Err, or notes it.
func (w *walk) damage(l Lost) error {
	if w.lost == nil || !errors.Is(l.Err, ErrDamaged) {
		return l.Err
	}
	l.Low, l.High = bytes.Clone(l.Low), bytes.Clone(l.High)
	w.lost(l)
	return nil
}

// tree visits page id and what is below it. All keys are at least low and less than high.
func (w *walk) tree(t tree, id uint64, low, high []byte) error {
	p, err := w.take(t, id)
	switch {
	case err != nil && w.lost != nil && p != nil:
		return w.salvageable(t, p, Lost{t.bucket, id, low, high, err})
	case err != nil:
		return w.damage(Lost{t.bucket, id, low, high, err})
	case p.flags == flagBranch:
		return w.branch(t, p, low, high)
	default:
		return w.leaf(t, p, low, high)
	}
}

// take reads page id and makes sure that it may belong to t and belongs to nothing else, except the
// pages that it overflows into. The page is returned also where its head is wrong.
func (w *walk) take(t tree, id uint64) (*page, error) {
	if t.depth > maxDepth {
		return nil, damaged("page %d: the tree of %s is deeper than %d", id, t.name(), maxDepth)
	}
	for len(w.bufs) <= t.depth {
		w.bufs = append(w.bufs, make([]byte, w.file.pageSize))
	}
	p, err := w.file.readPage(id, w.bufs[t.depth])
	if err != nil {
		return nil, err
	}
	if err := w.own(id, 1); err != nil {
		return nil, err
	}
	switch {
	case p.id != id:
		err = damaged("page %d says that it is page %d", id, p.id)
	case p.flags != flagBranch && p.flags != flagLeaf:
		err = damaged("page %d has flags %#x", id, p.flags)
	case p.overflow >= w.file.meta.highWater-id:
		err = damaged("page %d: %d pages of overflow reach beyond the high-water mark", id, p.overflow)
	case int64(id+p.overflow+1)*int64(w.file.pageSize) > w.file.size:
		err = damaged("page %d: %d pages of overflow reach beyond the file's end", id, p.overflow)
	default:
		p.limit = int(p.overflow+1) * w.file.pageSize
	}
	p.id = id
	return p, err
}

// own notes that n pages from id on belong to somebody.
func (w *walk) own(id, n uint64) error {
	for ; n > 0; id, n = id+1, n-1 {
		bit := uint64(1) << (id % 64)
		if w.owned[id/64]&bit != 0 {
			return damaged("page %d belongs to two others", id)
		}
		w.owned[id/64] |= bit
		w.file.used = max(w.file.used, id+1)
	}
	return nil
}

func (w *walk) isOwned(id uint64) bool { return w.owned[id/64]&(1<<(id%64)) != 0 }

// branch visits what is below p.
func (w *walk) branch(t tree, p *page, low, high []byte) error {
	if err := w.checkAndOwn(t, p, low, high); err != nil {
		if w.lost == nil || !errors.Is(err, ErrDamaged) {
			return err
		}
		return w.salvageable(t, p, Lost{t.bucket, p.id, low, high, err})
	}
	for i := range p.count {
		e, key, err := p.entry(i, false)
		if err != nil {
			return err
		}
		until := high
		if i+1 < p.count {
			if _, until, err = p.entry(i+1, false); err != nil {
				return err
			}
		}
		if err := w.tree(t.below(), e.child, key, until); err != nil {
			return err
		}
	}
	return nil
}

// leaf visits the keys of p.
func (w *walk) leaf(t tree, p *page, low, high []byte) error {
	if err := w.checkAndOwn(t, p, low, high); err != nil {
		if w.lost == nil || !errors.Is(err, ErrDamaged) {
			return err
		}
		return w.salvageable(t, p, Lost{t.bucket, p.id, low, high, err})
	}
	for i := range p.count {
		e, key, err := p.entry(i, true)
		if err != nil {
			return err
		}
		if err := w.visit(t.bucket, key, Value{p, e.valueAt(), e.valueSize}); err != nil {
			return err
		}
	}
	return nil
}

// entry reads entry i and its key.
func (p *page) entry(i int, leaf bool) (element, []byte, error) {
	e, err := p.element(i, leaf)
	if err != nil {
		return e, nil, err
	}
	key, err := p.slice(e.keyAt, e.keySize)
	return e, key, err
}
