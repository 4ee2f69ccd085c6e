package queue

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"carrier/internal/queue/queuefile"
)

// A file never gets smaller by itself. Once compactFrom bytes of it have been written to,
// and what is in use is at most a quarter of them and at most compactLive, what is in use
// is copied to a new file that takes its place. Copying so little takes milliseconds.
const (
	compactFrom = 8 << 20
	compactLive = 8 << 20
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
	err := queuefile.Contained(func() error {
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
	path := filepath.Join(q.options.Dir, queuefile.NewName)
	if err := queuefile.RemoveIfThere(path); err != nil {
		return false, err
	}
	db, f, err := queuefile.OpenBolt(path)
	if err != nil {
		return false, err
	}
	if err := queuefile.Contained(func() error { return queuefile.Copy(db, q.db, q.counts) }); err != nil {
		return false, errors.Join(err, queuefile.Contained(db.Close), os.Remove(path))
	}
	q.file.Lock()
	defer q.file.Unlock()
	if err := os.Rename(path, filepath.Join(q.options.Dir, queuefile.Name)); err != nil {
		return false, errors.Join(err, queuefile.Contained(db.Close), os.Remove(path))
	}
	old := q.db
	q.db = db
	q.disk = queuefile.DiskReserve{Path: q.disk.Path, File: f, Reserve: q.options.reserve}
	if err := errors.Join(queuefile.SyncDir(q.options.Dir), queuefile.Contained(old.Close)); err != nil {
		return true, fmt.Errorf("replace the file: %w", err)
	}
	return true, nil
}
