package filecheck

import (
	"encoding/binary"
	"errors"

	"carrier/internal/queue/record"
)

// LostCommit looks through all pages for the sealed counts of a commit after the one that is in
// effect: there is one where the newest meta page was damaged. The file it returns is read as that
// commit left it; nil where there is none.
func (f *File) LostCommit() *File {
	var lost *File
	_ = f.eachPage(func(p *page) error {
		root := p.id
		return leafEntries(p, func(e element, key []byte) error {
			if e.flags != bucketFlag || string(key) != record.Meta.Name() {
				return nil
			}
			tx := f.sealedIn(p, e)
			if tx <= f.meta.tx || lost != nil && tx <= lost.meta.tx {
				return nil
			}
			lost = &File{r: f.r, size: f.size, pageSize: f.pageSize, badMeta: f.badMeta}
			lost.meta = meta{
				pageSize: f.pageSize, root: root, freelist: noFreelist,
				highWater: uint64(f.size) / uint64(f.pageSize), tx: tx,
			}
			return nil
		})
	})
	return lost
}

// sealedIn is the commit of the counts in the bucket of meta data whose value is that of e; 0 where
// there are none. The bucket lies in the value, or on a page where it holds many subscriptions.
func (f *File) sealedIn(p *page, e element) (tx uint64) {
	header, err := p.slice(e.valueAt(), e.valueSize)
	if err != nil || len(header) < bucketHeaderSize {
		return 0
	}
	in := &page{buf: header[bucketHeaderSize:], limit: len(header) - bucketHeaderSize, inline: true}
	if root := binary.NativeEndian.Uint64(header); root != 0 {
		in, err = f.anyPage(root)
	} else if len(header) < bucketHeaderSize+headSize {
		return 0
	}
	if err != nil {
		return 0
	}
	in.decode()
	_ = leafEntries(in, func(e element, key []byte) error {
		if string(key) != record.CountsKey {
			return nil
		}
		if value, err := in.slice(e.valueAt(), e.valueSize); err == nil {
			_, tx, _ = record.DecodeCounts(value)
		}
		return nil
	})
	return tx
}

// anyPage reads page id, which may lie beyond the high-water mark.
func (f *File) anyPage(id uint64) (*page, error) {
	pages := uint64(f.size) / uint64(f.pageSize)
	if id < 2 || id >= pages {
		return nil, damaged("there is no page %d", id)
	}
	p := &page{buf: make([]byte, f.pageSize), r: f.r, offset: int64(id) * int64(f.pageSize), limit: int((pages - id) * uint64(f.pageSize))}
	return p, readAt(f.r, p.buf, p.offset)
}

// eachPage reads every page that bears its own number, in use or not. Pages beyond the high-water
// mark are read too: the commit that is looked for may have moved it.
func (f *File) eachPage(visit func(p *page) error) error {
	buf := make([]byte, f.pageSize)
	pages := uint64(f.size) / uint64(f.pageSize)
	for id := uint64(2); id < pages; id++ {
		offset := int64(id) * int64(f.pageSize)
		if err := readAt(f.r, buf, offset); err != nil {
			if errors.Is(err, ErrDamaged) {
				return nil
			}
			return err
		}
		p := &page{buf: buf, r: f.r, offset: offset, limit: int((pages - id) * uint64(f.pageSize))}
		p.decode()
		if p.id != id {
			continue
		}
		if err := visit(p); err != nil {
			return err
		}
	}
	return nil
}

// leafEntries calls visit with each entry that lies within p, if that is a leaf.
func leafEntries(p *page, visit func(e element, key []byte) error) error {
	if p.flags != flagLeaf {
		return nil
	}
	for i := range p.count {
		e, key, err := p.entry(i, true)
		if err != nil || e.keySize == 0 || e.end() > p.limit {
			continue
		}
		if err := visit(e, key); err != nil {
			return err
		}
	}
	return nil
}

// orphans looks for what lost pages may have held on pages that nothing refers to: older copies of
// theirs, and pages below a lost one. It returns how much found took.
func (s *survey) orphans(found func(b record.Bucket, key, value []byte) (bool, error)) (n int, err error) {
	err = s.file.eachPage(func(p *page) error {
		if p.id/64 < uint64(len(s.walk.owned)) && s.walk.isOwned(p.id) {
			return nil
		}
		return leafEntries(p, func(e element, key []byte) error {
			if e.flags != 0 || e.valueSize > int(s.file.size) {
				return nil
			}
			value, err := p.slice(e.valueAt(), e.valueSize)
			if err != nil {
				return ignoreDamage(err)
			}
			b, ok := kindOf(key, value)
			if !ok || !s.wanted(b, key) {
				return nil
			}
			took, err := found(b, key, value)
			if took {
				n++
			}
			return err
		})
	})
	return n, err
}

func ignoreDamage(err error) error {
	if errors.Is(err, ErrDamaged) {
		return nil
	}
	return err
}

// wanted says whether key may have been on a lost page of bucket b, and something of it is missing.
func (s *survey) wanted(b record.Bucket, key []byte) bool {
	if s.report.Sealed != nil && s.report.Missing(b) == 0 {
		return false
	}
	for _, l := range s.lost {
		if (l.Bucket == b || l.Bucket == ofBuckets) && !outside(key, l.Low, l.High) {
			return true
		}
	}
	return false
}

// kindOf says which bucket a key and its value come from, by what the checksum vouches for.
func kindOf(key, value []byte) (record.Bucket, bool) {
	if record.Keys.HasKeysOf(len(key)) {
		return record.Keys, Vouched(record.Keys, key, value) == nil
	}
	if seq, _, ok := record.CutSlotKey(key); !ok || seq == 0 {
		return 0, false
	}
	// A dead letter, which holds another value, may look like a message; no message looks like it.
	for _, b := range []record.Bucket{record.States, record.Dead, record.Ends} {
		if Vouched(b, key, value) == nil {
			return b, true
		}
	}
	m, err := record.DecodeMessage(value)
	if err != nil || !record.Plain.HasKeysOf(len(key)) {
		return 0, false
	}
	if m.Group == "" && m.Due == 0 {
		return record.Plain, true
	}
	return record.Indexed, true
}
