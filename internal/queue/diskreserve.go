package queue

import "go.etcd.io/bbolt"

const (
	// keySpace is what an idempotency key may take: it lies on a page of its own choosing, and
	// that page and those above it are copied.
	keySpace = 4 * 4096
	// spareSpace is kept for what every commit copies, and for what is not refused: removals,
	// counts, dead letters. They copy the pages they change before the old ones are free.
	spareSpace = 1 << 20
)

// admitToDisk refuses the puts of b if the disk has no room for them, and says whether anything is
// left to be committed.
func (q *Queue) admitToDisk(b *batch, tx *bbolt.Tx) bool {
	need := b.space()
	err := q.file.Ensure(tx.Size() + need + spareSpace)
	if err == nil || q.file.Unused() > 2*(need+spareSpace) {
		return true
	}
	left := false
	for _, o := range b.ops {
		if p, ok := o.(*putOp); ok {
			p.refused = ErrDiskFull
			continue
		}
		left = true
	}
	return left
}

// space is how much the puts of b take at most. A value that does not go into what is left of a
// page begins a new one, which at worst doubles it.
func (b *batch) space() int64 {
	var need int64
	for _, o := range b.ops {
		p, ok := o.(*putOp)
		if !ok {
			continue
		}
		need += 2*int64(len(p.value)) + 512
		if p.hasKey {
			need += keySpace
		}
	}
	return need
}
