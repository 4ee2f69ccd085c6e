package commit

import "go.etcd.io/bbolt"

// spareSpace is kept for what every commit copies, and for what is not refused: removals, counts,
// dead letters. They copy the pages they change before the old ones are free.
const spareSpace = 1 << 20

// admitToDisk refuses the refusable ops of b if the disk has no room for them, and says whether
// anything is left to be committed.
func (c *Committer[T, Q]) admitToDisk(b *Batch[T, Q], tx *bbolt.Tx) bool {
	var need int64
	for _, o := range b.ops {
		if r, ok := o.(Refusable); ok {
			need += r.Space()
		}
	}
	err := c.options.File.Ensure(tx.Size() + need + spareSpace)
	if err == nil || c.options.File.Unused() > 2*(need+spareSpace) {
		return true
	}
	left := false
	for _, o := range b.ops {
		r, ok := o.(Refusable)
		if ok {
			r.Refuse()
		}
		left = left || !ok
	}
	return left
}
