package queue

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bberrors "go.etcd.io/bbolt/errors"
	"golang.org/x/sys/unix"
)

const (
	fileName    = "queue.db"
	compactName = "queue.db.compact"
	lockTimeout = time.Second
)

var (
	// errDamaged means that the file cannot be read as a queue.
	errDamaged = errors.New("damaged file")
	// errMoved means that the file was replaced between opening and locking it.
	errMoved = errors.New("file was replaced meanwhile")
)

// openFile opens the file in o.Dir and learns what it holds.
func openFile(o Options) (*bbolt.DB, *os.File, loaded, error) {
	if err := makeDir(o.Dir); err != nil {
		return nil, nil, loaded{}, err
	}
	path := filepath.Join(o.Dir, fileName)
	for try := 0; ; try++ {
		db, f, l, err := openChecked(path)
		switch {
		case errors.Is(err, errMoved) && try < 10:
		case errors.Is(err, errDamaged) && try < 10:
			if err := keepDamaged(path, err, o.Report); err != nil {
				return nil, nil, loaded{}, err
			}
		case err != nil:
			return nil, nil, loaded{}, err
		default:
			_ = os.Remove(filepath.Join(o.Dir, compactName)) // of a process that died over it
			return db, f, l, syncDir(o.Dir)
		}
	}
}

// openChecked reads all of an existing file before it is opened for writing: there a
// damaged page would panic in a goroutine of bbolt's, where nothing can contain it.
func openChecked(path string) (*bbolt.DB, *os.File, loaded, error) {
	var l loaded
	if info, err := os.Stat(path); err == nil && info.Size() > 0 {
		ro, f, err := openBolt(path, true)
		if err != nil {
			return nil, f, l, err
		}
		readAhead(f)
		l, err = loadAll(ro)
		err = errors.Join(err, contained(ro.Close))
		if err != nil {
			return nil, f, l, err
		}
	}
	db, f, err := openBolt(path, false)
	if err != nil {
		return nil, f, l, err
	}
	if err := contained(func() error { return prepare(db, path, f, &l) }); err != nil {
		return nil, f, l, errors.Join(err, contained(db.Close))
	}
	return db, f, l, nil
}

// prepare makes sure that db is the file at path and is what l was learnt from, and gives
// a new one its buckets.
func prepare(db *bbolt.DB, path string, f *os.File, l *loaded) error {
	if !samePlace(path, f) {
		return errMoved
	}
	if l.tx != 0 {
		return db.View(func(tx *bbolt.Tx) error {
			if tx.ID() != l.tx {
				return errMoved
			}
			return nil
		})
	}
	*l = loaded{schedule: newSchedule()}
	return db.Update(func(tx *bbolt.Tx) error {
		if k, _ := tx.Cursor().First(); k != nil {
			return errMoved
		}
		return makeBuckets(tx)
	})
}

func samePlace(path string, f *os.File) bool {
	there, err1 := os.Stat(path)
	here, err2 := f.Stat()
	return err1 == nil && err2 == nil && os.SameFile(there, here)
}

// openBolt opens the database at path. The file is returned also with errDamaged; it may
// be closed then.
func openBolt(path string, readOnly bool) (db *bbolt.DB, f *os.File, err error) {
	options := boltOptions()
	options.ReadOnly = readOnly
	options.OpenFile = func(name string, flag int, mode os.FileMode) (*os.File, error) {
		f, err = os.OpenFile(name, flag, mode)
		return f, err
	}
	err = contained(func() error {
		db, err = bbolt.Open(path, 0o600, options)
		return err
	})
	if err == nil {
		return db, f, nil
	}
	if f != nil {
		_ = f.Close() // after a panic it is open still, and locked
	}
	return nil, f, classify(err)
}

// boltOptions are the same for every opening.
//
// The list of free pages is not written: with a large backlog drained it would be sorted
// and written with every commit. The price is that all pages are read at the start, which
// the check for damage does anyway.
func boltOptions() *bbolt.Options {
	return &bbolt.Options{Timeout: lockTimeout, FreelistType: bbolt.FreelistMapType, NoFreelistSync: true}
}

// classify sorts the errors of opening: the operating system's say nothing about what the
// file holds, all others do.
func classify(err error) error {
	var number syscall.Errno
	switch {
	case errors.Is(err, bberrors.ErrTimeout):
		return ErrLocked
	case errors.As(err, &number):
		return err
	default:
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
}

// keepDamaged renames the file at path and reports it.
func keepDamaged(path string, cause error, report func(string, error)) error {
	held, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = held.Close() }()
	if err := unix.Flock(int(held.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return ErrLocked
	}
	if !samePlace(path, held) {
		return nil // somebody else was faster; look again
	}
	name := fmt.Sprintf("%s.corrupt-%s", path, time.Now().UTC().Format("20060102T150405.000000000Z"))
	if err := os.Rename(path, name); err != nil {
		return fmt.Errorf("set aside damaged file: %w", err)
	}
	report(FileSetAside, fmt.Errorf("kept as %s: %w", name, cause))
	return syncDir(filepath.Dir(path))
}

// makeDir makes dir and syncs the directory above each one made: a file is not safe before
// the way to it is.
func makeDir(dir string) error {
	if info, err := os.Stat(dir); err == nil {
		if !info.IsDir() {
			return fmt.Errorf("%s is not a directory", dir)
		}
		return nil
	}
	above := filepath.Dir(filepath.Clean(dir))
	if above != dir {
		if err := makeDir(above); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return syncDir(above)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
