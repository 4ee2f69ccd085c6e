package filecheck

import (
	"bytes"
	"encoding/binary"
)

// checkAndOwn makes sure that p is as it should be, and takes the pages it overflows into.
func (w *walk) checkAndOwn(t tree, p *page, low, high []byte) error {
	if err := w.check(t, p, low, high); err != nil {
		return err
	}
	return w.own(p.id+1, p.overflow)
}

// check makes sure that p is laid out as bbolt does it: entries side by side and as many as
// there is space for before the first key, keys in order, and no page more than that takes.
func (w *walk) check(t tree, p *page, low, high []byte) error {
	if p.count == 0 && (p.flags != flagLeaf || t.depth > 0) {
		return damaged("page %d is empty", p.id)
	}
	next, previous := headSize+p.count*elementSize, low
	for i := range p.count {
		e, key, err := w.checkEntry(t, p, i, next)
		if err != nil {
			return err
		}
		if order := bytes.Compare(previous, key); order > 0 || order == 0 && i > 0 {
			return damaged("page %d: the key of entry %d is out of order", p.id, i)
		}
		next, previous = e.end(), key
	}
	if high != nil && bytes.Compare(previous, high) >= 0 {
		return damaged("page %d: its last key belongs onto another page", p.id)
	}
	if pages := (next + w.file.pageSize - 1) / w.file.pageSize; !p.inline && uint64(pages) != p.overflow+1 {
		return damaged("page %d takes %d pages and says %d", p.id, pages, p.overflow+1)
	}
	return nil
}

// checkEntry makes sure that entry i of p begins at next, and reads it.
func (w *walk) checkEntry(t tree, p *page, i, next int) (element, []byte, error) {
	leaf := p.flags == flagLeaf
	e, key, err := p.entry(i, leaf)
	switch {
	case err != nil:
	case e.keyAt != next:
		err = damaged("page %d: entry %d of %d begins at %d and not at %d", p.id, i, p.count, e.keyAt, next)
	case e.end() > p.limit || e.end() < next:
		err = damaged("page %d: entry %d reaches beyond the page", p.id, i)
	case leaf && e.flags != t.flags():
		err = damaged("page %d: entry %d has flags %#x", p.id, i, e.flags)
	case !t.hasKeysOf(e.keySize):
		err = damaged("page %d: entry %d has a key of %d bytes", p.id, i, e.keySize)
	}
	return e, key, err
}

// flags are those of the entries in t's leaves.
func (t tree) flags() uint32 {
	if t.bucket == ofBuckets {
		return bucketFlag
	}
	return 0
}

func (t tree) hasKeysOf(size int) bool {
	if t.bucket == ofBuckets {
		return size > 0
	}
	return t.bucket.HasKeysOf(size)
}

// freelist checks the list of free pages, which is there in a file that was just made. It must
// not name a page that is in use, or one twice.
func (w *walk) freelist() error {
	id := w.file.meta.freelist
	if id == noFreelist {
		return nil
	}
	p, err := w.file.readPage(id, make([]byte, w.file.pageSize))
	if err != nil {
		return err
	}
	if p.id != id || p.flags != flagFreelist || p.overflow != 0 || p.count > (w.file.pageSize-headSize)/8 {
		return damaged("page %d is no list of free pages", id)
	}
	if err := w.own(id, 1); err != nil {
		return err
	}
	for i := range p.count {
		free := binary.NativeEndian.Uint64(p.buf[headSize+8*i:])
		if free < 2 || free >= w.file.meta.highWater || free/64 >= uint64(len(w.owned)) {
			return damaged("page %d lists page %d as free", id, free)
		}
		if err := w.own(free, 1); err != nil {
			return err
		}
	}
	return nil
}
