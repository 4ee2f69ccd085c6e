package queuefile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"go.etcd.io/bbolt"

	"carrier/internal/queue/record"
)

// A DB is a file that is open. View is safe for concurrent use; the other methods belong to one
// goroutine, which writes.
type DB struct {
	dir       string
	reserve   func(*os.File, int64) error
	compactAt int64 // size below which compaction is not thought of

	mu   sync.RWMutex // held for reading while db is read, for writing while it is swapped
	db   *bbolt.DB
	disk DiskReserve
}

// NewDB takes over what was opened in dir. Reserve gives a file space on the disk up to a size.
func NewDB(dir string, o Opened, reserve func(*os.File, int64) error) *DB {
	return &DB{
		dir: dir, reserve: reserve, compactAt: compactFrom, db: o.DB,
		disk: DiskReserve{Path: filepath.Join(dir, Name), File: o.File, Reserve: reserve},
	}
}

// View reads the file in a transaction. A panic of bbolt is an error.
func (d *DB) View(read func(*bbolt.Tx) error) error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return Contained(func() error { return d.db.View(read) })
}

// Begin begins a transaction that writes. Its owner commits it, or ends it with RollBack.
func (d *DB) Begin() (*bbolt.Tx, error) { return d.db.Begin(true) }

// Ensure makes sure that the disk has space for the file's first upto bytes.
func (d *DB) Ensure(upto int64) error { return d.disk.Ensure(upto) }

// InPlace fails if the file is not at its path any more. It is safe for concurrent use.
func (d *DB) InPlace() error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.disk.InPlace()
}

// Unused is how many bytes of the file hold nothing.
func (d *DB) Unused() int64 {
	s := d.db.Stats()
	return int64(s.FreePageN+s.PendingPageN) * int64(d.db.Info().PageSize)
}

// Close closes the file.
func (d *DB) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Contained(d.db.Close)
}

// Abandon lets others lock the file where bbolt may never let go of its own locks.
func (d *DB) Abandon() error { return Unlock(d.disk.File) }

// Prepare writes down the subscriptions in table where they are not those that o found, and removes
// what releases cannot read that know of no subscriptions, where nothing needs it any more.
func Prepare(o *Opened, table []record.Subscription, same bool) error {
	return Contained(func() error {
		hasEnds := false
		err := o.DB.View(func(tx *bbolt.Tx) error {
			hasEnds = tx.Bucket([]byte(record.Ends.Name())) != nil
			return nil
		})
		needsEnds := !record.OnlyFirstSlot(table) || o.Several()
		if err != nil || same && hasEnds == needsEnds {
			return err
		}
		return o.DB.Update(func(tx *bbolt.Tx) error {
			if hasEnds && !needsEnds {
				o.Counts[record.Ends] = 0
				if err := tx.DeleteBucket([]byte(record.Ends.Name())); err != nil {
					return err
				}
			}
			return errors.Join(record.PutTable(tx, table), o.Counts.Seal(tx))
		})
	})
}

// A file never gets smaller by itself. Once compactFrom bytes of it have been written to,
// and what is in use is at most a quarter of them and at most compactLive, what is in use
// is copied to a new file that takes its place. Copying so little takes milliseconds.
const (
	compactFrom = 8 << 20
	compactLive = 8 << 20
)

// CompactIfEmptied makes the file, which holds c, smaller where that is worth while. It is called
// between two transactions. Replaced says whether an error came too late to go on with the file.
func (d *DB) CompactIfEmptied(c record.Counts) (replaced bool, err error) {
	size, used := d.sizes()
	if size < d.compactAt || used > compactLive || used*4 > size {
		return false, nil
	}
	replaced, err = d.compact(c)
	if err != nil {
		d.compactAt = 2 * size // do not try again with every commit
		return replaced, err
	}
	d.compactAt = compactFrom
	return true, nil
}

// sizes says how far the file has been written to, and how much of that is in use. Space
// that is only reserved does not count: it would be reserved again.
func (d *DB) sizes() (size, used int64) {
	err := Contained(func() error {
		return d.db.View(func(tx *bbolt.Tx) error {
			size = tx.Size()
			return nil
		})
	})
	if err != nil {
		return 0, 0
	}
	return size, size - d.Unused()
}

// compact copies the file and puts the copy in its place. The copy is complete and synced
// before that, and stays locked from its making on; a process that dies in between leaves
// either the old file or the new one, with the same messages.
func (d *DB) compact(c record.Counts) (replaced bool, err error) {
	path := filepath.Join(d.dir, NewName)
	if err := RemoveIfThere(path); err != nil {
		return false, err
	}
	db, f, err := OpenBolt(path)
	if err != nil {
		return false, err
	}
	if err := Contained(func() error { return Copy(db, d.db, c) }); err != nil {
		return false, errors.Join(err, Contained(db.Close), os.Remove(path))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := os.Rename(path, filepath.Join(d.dir, Name)); err != nil {
		return false, errors.Join(err, Contained(db.Close), os.Remove(path))
	}
	old := d.db
	d.db = db
	d.disk = DiskReserve{Path: d.disk.Path, File: f, Reserve: d.reserve}
	if err := errors.Join(SyncDir(d.dir), Contained(old.Close)); err != nil {
		return true, fmt.Errorf("replace the file: %w", err)
	}
	return true, nil
}
