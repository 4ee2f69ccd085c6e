package filecheck

import (
	"encoding/binary"
	"errors"

	"carrier/internal/queue/record"
)

// LostCommit looks through all pages for the counts of a commit after the one that is in effect.
// There is one where the newest meta page was damaged.
func (f *File) LostCommit() (tx uint64, c record.Counts, found bool) {
	_ = f.eachPage(func(p *page) error {
		return leafEntries(p, func(e element, key []byte) error {
			if e.flags != bucketFlag || string(key) != record.Meta.Name() {
				return nil
			}
			counts, at := f.sealedCounts(p, e)
			if at > f.meta.tx && at > tx {
				tx, c, found = at, counts, true
			}
			return nil
		})
	})
	return tx, c, found
}

// sealedCounts are those in the bucket of meta data that lies in the value of e.
func (f *File) sealedCounts(p *page, e element) (c record.Counts, tx uint64) {
	header, err := p.slice(e.valueAt(), e.valueSize)
	if err != nil || len(header) < bucketHeaderSize+headSize {
		return c, 0
	}
	in := &page{buf: header[bucketHeaderSize:], limit: len(header) - bucketHeaderSize, inline: true}
	in.decode()
	_ = leafEntries(in, func(e element, key []byte) error {
		if string(key) != record.CountsKey {
			return nil
		}
		if value, err := in.slice(e.valueAt(), e.valueSize); err == nil {
			c, tx, _ = record.DecodeCounts(value)
		}
		return nil
	})
	return c, tx
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
	if len(key) == record.Keys.KeySize() {
		return record.Keys, Vouched(record.Keys, key, value) == nil
	}
	if len(key) != 8 || binary.BigEndian.Uint64(key) == 0 {
		return 0, false
	}
	if m, err := record.DecodeMessage(value); err == nil {
		if m.Group == "" && m.Due == 0 {
			return record.Plain, true
		}
		return record.Indexed, true
	}
	for _, b := range []record.Bucket{record.States, record.Dead} {
		if Vouched(b, key, value) == nil {
			return b, true
		}
	}
	return 0, false
}
