package filecheck

import (
	"bytes"

	"carrier/internal/queue/record"
)

// salvageable notes l, the damage of page p, and visits what can be read of it all the same: what
// has a checksum vouches for itself, wherever it is found.
func (w *walk) salvageable(t tree, p *page, l Lost) error {
	if err := w.damage(l); err != nil {
		return err
	}
	if p.flags&flagLeaf == 0 && p.flags&flagBranch != 0 {
		return w.children(t, p, l)
	}
	if t.bucket == ofBuckets {
		return w.readable(p, t, func(e element, key []byte) error {
			if _, known := record.BucketNamed(key); !known || e.valueSize < bucketHeaderSize {
				return nil
			}
			return w.visit(t.bucket, key, Value{p, e.valueAt(), e.valueSize})
		})
	}
	return w.readable(p, t, func(e element, key []byte) error {
		if e.flags != 0 || outside(key, l.Low, l.High) {
			return nil
		}
		v := Value{p, e.valueAt(), e.valueSize}
		if value, err := v.Bytes(); err != nil || Vouched(t.bucket, key, value) != nil {
			return nil
		}
		return w.visit(t.bucket, key, v)
	})
}

// readable calls visit with each entry of a leaf of t whose key and value lie within it. Where the
// page's count is not what there is space for before the first key, the space is believed.
func (w *walk) readable(p *page, t tree, visit func(e element, key []byte) error) error {
	n := p.count
	if first, err := p.element(0, true); err == nil {
		if fits := (first.keyAt - headSize) / elementSize; (first.keyAt-headSize)%elementSize == 0 && fits > n && fits <= 1<<16 {
			n = fits
		}
	}
	for i := range n {
		e, key, err := p.entry(i, true)
		if err != nil || !t.hasKeysOf(e.keySize) || e.end() > p.limit {
			continue
		}
		if err := visit(e, key); err != nil {
			return err
		}
	}
	return nil
}

// children walks those of a damaged branch that can be found.
func (w *walk) children(t tree, p *page, l Lost) error {
	for i := range p.count {
		e, err := p.element(i, false)
		if err != nil || e.child < 2 || e.child >= w.file.meta.highWater || w.isOwned(e.child) {
			continue
		}
		if err := w.tree(t.below(), e.child, l.Low, l.High); err != nil {
			return err
		}
	}
	return nil
}

func outside(key, low, high []byte) bool {
	return bytes.Compare(key, low) < 0 || high != nil && bytes.Compare(key, high) >= 0
}

// Vouched returns an error unless the checksum in value vouches for it, and it is what bucket b
// holds under a key like key. What is in Quarantined vouches for nothing.
func Vouched(b record.Bucket, key, value []byte) error {
	if !b.HasKeysOf(len(key)) {
		return record.ErrDamaged
	}
	var err error
	switch b {
	case record.Plain, record.Indexed:
		_, err = record.DecodeMessage(value)
	case record.States:
		_, err = record.DecodeState(value)
	case record.Keys:
		_, err = record.DecodeKey(value)
	case record.Dead:
		_, _, _, err = record.DecodeDeadLetter(value)
	case record.Ends:
		_, err = record.DecodeEnds(value)
	case record.Expiry:
		if !bytes.Equal(value, record.ExpiryValue()) {
			err = record.ErrDamaged
		}
	case record.Quarantined:
		err = record.ErrDamaged
	default:
		if string(key) == record.FormatKey {
			_, err = record.DecodeTable(value)
			break
		}
		err = record.Verify(value)
	}
	return err
}
