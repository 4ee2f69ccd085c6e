package queue

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"carrier/internal/queue/record"
)

// A file never gets smaller by itself. Once compactFrom bytes of it have been written to,
// and what is in use is at most a quarter of them and at most compactLive, what is in use
// is copied to a new file that takes its place. Copying so little takes milliseconds.
const (
	compactFrom = 8 << 20
	compactLive = 8 << 20
	compactStep = 1 << 20 // bytes copied in one transaction
)

// compactIfEmptied is called by the committer between two commits.
func (q *Queue) compactIfEmptied() {
	size, used := q.sizes()
	if size < q.compactAt || used > compactLive || used*4 > size {
		return
	}
	replaced, err := q.compact()
	switch {
	case err == nil:
		q.compactAt = compactFrom
	case !replaced:
		q.compactAt = 2 * size // do not try again with every commit
		q.options.Report(CompactionFailed, err)
	default:
		q.mu.Lock()
		defer q.mu.Unlock()
		q.fail(err)
	}
}

// sizes says how far the file has been written to, and how much of that is in use. Space
// that is only reserved does not count: it would be reserved again.
func (q *Queue) sizes() (size, used int64) {
	err := contained(func() error {
		return q.db.View(func(tx *bbolt.Tx) error {
			size = tx.Size()
			return nil
		})
	})
	if err != nil {
		return 0, 0
	}
	return size, size - q.unused()
}

// compact copies the file and puts the copy in its place. The copy is complete and synced
// before that, and stays locked from its making on; a process that dies in between leaves
// either the old file or the new one, with the same messages. replaced says whether an
// error came too late to go on with the old file.
func (q *Queue) compact() (replaced bool, err error) {
	path := filepath.Join(q.options.Dir, newName)
	if err := removeIfThere(path); err != nil {
		return false, err
	}
	db, f, err := openBolt(path)
	if err != nil {
		return false, err
	}
	if err := contained(func() error { return copyAll(db, q.db, q.counts) }); err != nil {
		return false, errors.Join(err, contained(db.Close), os.Remove(path))
	}
	q.file.Lock()
	defer q.file.Unlock()
	if err := os.Rename(path, filepath.Join(q.options.Dir, fileName)); err != nil {
		return false, errors.Join(err, contained(db.Close), os.Remove(path))
	}
	old := q.db
	q.db = db
	q.disk = diskReserve{path: q.disk.path, file: f, reserve: q.options.reserve}
	if err := errors.Join(syncDir(q.options.Dir), contained(old.Close)); err != nil {
		return true, fmt.Errorf("replace the file: %w", err)
	}
	return true, nil
}

// copyAll copies src, which holds c, to dst, and syncs it once at the end.
func copyAll(dst, src *bbolt.DB, c record.Counts) error {
	dst.NoSync = true
	if err := bbolt.Compact(dst, src, compactStep); err != nil {
		return err
	}
	if err := dst.Update(func(tx *bbolt.Tx) error { return seal(tx, &c) }); err != nil {
		return err
	}
	dst.NoSync = false
	return dst.Sync()
}
