package queue

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"go.etcd.io/bbolt"
)

// A diskReserve makes sure that the disk has space for a commit before it is begun. A full disk is
// then refused politely, put by put; were it found out in mid-commit, nobody could say what was
// stored, and the queue would be broken.
type diskReserve struct {
	path     string // where file belongs
	file     *os.File
	reserve  func(*os.File, int64) error
	reserved int64 // the file has space on the disk up to here
	off      bool  // the file system cannot reserve
}

const (
	// keySpace is what an idempotency key may take: it lies on a page of its own choosing, and
	// that page and those above it are copied.
	keySpace = 4 * 4096
	// spareSpace is kept for what every commit copies, and for what is not refused: removals,
	// counts, dead letters. They copy the pages they change before the old ones are free.
	spareSpace = 1 << 20
	// smallStep and largeStep bound how much more than needed is reserved at once: every change
	// of the file's length costs the commit that follows it.
	smallStep, largeStep = 1 << 20, 16 << 20
)

// admitToDisk refuses the puts of b if the disk has no room for them, and says whether anything is
// left to be committed.
func (q *Queue) admitToDisk(b *batch, tx *bbolt.Tx) bool {
	need := b.space()
	err := q.disk.ensure(tx.Size() + need + spareSpace)
	if err == nil || q.unused() > 2*(need+spareSpace) {
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

// unused is how many bytes of the file hold nothing.
func (q *Queue) unused() int64 {
	s := q.db.Stats()
	return int64(s.FreePageN+s.PendingPageN) * int64(q.db.Info().PageSize)
}

// ensure reserves the file's first upto bytes, and fails if the disk has no room for them.
func (d *diskReserve) ensure(upto int64) error {
	if d.off || upto <= d.reserved {
		return nil
	}
	step := min(max(smallStep, upto/2), largeStep)
	err := d.reserve(d.file, upto+step)
	if err == nil {
		d.reserved = upto + step
		return nil
	}
	if !noSpace(err) {
		d.off = true
		return nil
	}
	if err := d.reserve(d.file, upto); err != nil {
		return err
	}
	d.reserved = upto
	return nil
}

func noSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// inPlace fails if the file is not at its path any more: what is written to it then is lost.
func (d *diskReserve) inPlace() error {
	there, err := os.Stat(d.path)
	if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		return nil // it may be there all the same
	}
	here, err2 := d.file.Stat()
	if err2 != nil {
		return err2
	}
	if err != nil || !os.SameFile(there, here) {
		return fmt.Errorf("%w: %s", ErrGone, d.path)
	}
	return nil
}
