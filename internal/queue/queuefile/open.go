package queuefile

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

	"carrier/internal/queue/filecheck"
	"carrier/internal/queue/record"
)

const (
	// Name is what the file is called.
	Name = "queue.db"
	// NewName is what a file is called until it is whole.
	NewName = "queue.db.new"
	// SpareName is a file that holds space for a new queue file, should the disk be full when the
	// old one turns out to be damaged.
	SpareName   = "queue.spare"
	spareSize   = 256 << 10
	lockTimeout = time.Second
)

// ErrDamagedFile means that the file cannot be read as a queue.
var ErrDamagedFile = filecheck.ErrDamaged

// An Opened is a file that is open, and what it holds.
type Opened struct {
	DB   *bbolt.DB
	File *os.File
	Lock *Lock
	*Loaded
}

// Open opens the file in o.Dir and learns what it holds.
func Open(o Options) (Opened, error) {
	if o.Beginning == nil {
		o.Beginning = func(string) error { return nil }
	}
	if err := makeDir(o.Dir); err != nil {
		return Opened{}, err
	}
	lock, err := takeLock(o.Dir)
	if err != nil {
		return Opened{}, err
	}
	f, err := openOrBegin(&o, lock.state())
	if err != nil {
		return Opened{}, errors.Join(err, lock.Close())
	}
	f.Lock = lock
	_ = lock.Say(StateOpen)
	makeSpare(o.Dir)
	return f, SyncDir(o.Dir)
}

// openOrBegin opens the file that is there. One that is damaged is kept under another name, and a
// new one begun.
func openOrBegin(o *Options, state string) (Opened, error) {
	path := filepath.Join(o.Dir, Name)
	f, err := openExisting(o, path, state)
	if errors.Is(err, ErrDamagedFile) {
		if err := keepDamaged(path, err, o.Report); err != nil {
			return Opened{}, err
		}
	} else if err != nil || f.DB != nil {
		return f, err
	}
	f, err = begin(o)
	if NoSpace(err) {
		// The space for this case was put by when there was some.
		if os.Remove(filepath.Join(o.Dir, SpareName)) == nil {
			f, err = begin(o)
		}
	}
	if err != nil {
		return Opened{}, fmt.Errorf("begin a queue file: %w", err)
	}
	return f, nil
}

// openExisting opens the file at path; without an error and without a database there is none. All
// of it is read before bbolt sees it, which may panic on a damaged page in a goroutine of its own,
// where nothing can contain it. After a process that did not come to its end bbolt tries it in
// another process too.
func openExisting(o *Options, path, state string) (Opened, error) {
	l, err := inspect(o, path)
	if err != nil || l == nil {
		return Opened{}, err
	}
	switch {
	case len(state) > len(StateDamaged) && state[:len(StateDamaged)] == StateDamaged:
		return Opened{}, fmt.Errorf("%w: the last process found %s", ErrDamagedFile, state[len(StateDamaged):])
	case state != "" && o.TryFile != nil:
		if err := o.TryFile(path); errors.Is(err, ErrDamagedFile) {
			return Opened{}, err
		}
	}
	db, f, err := OpenBolt(path)
	if err != nil {
		return Opened{}, err
	}
	return Opened{DB: db, File: f, Loaded: l}, nil
}

// inspect reads the file at path; nil where there is none or it was not begun.
func inspect(o *Options, path string) (*Loaded, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if err := flock(f); err != nil {
		return nil, err // a carrier of an earlier version, without a lock file
	}
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return nil, err
	}
	readAhead(f)
	file, err := filecheck.Open(f, info.Size())
	if err != nil {
		return nil, err
	}
	if number, bad := file.BadMeta(); bad {
		if l, err := restore(o, f, file, number); err != nil || l != nil {
			return l, err
		}
	}
	l, empty, err := load(file)
	if err != nil || empty {
		return nil, err
	}
	if err := l.missing(); err != nil {
		o.Report(ContentMissing, err)
	}
	return l, nil
}

// restore looks for the commit that was lost with meta page number of f. Where all of it is there
// the meta page is written anew, and nothing is lost; else nil is returned, and what is missing is
// reported.
func restore(o *Options, to *os.File, f *filecheck.File, number int) (*Loaded, error) {
	lost := f.LostCommit()
	if lost == nil {
		o.Report(MetaDamaged, fmt.Errorf("meta page %d is damaged; there is no sign of a commit after %d, which is in effect", number, f.TX()))
		return nil, nil
	}
	l, _, err := load(lost)
	if err == nil {
		err = l.missing()
	}
	if err == nil {
		if err := errors.Join(lost.Repair(to), to.Sync()); err != nil {
			return nil, err
		}
		o.Report(MetaDamaged, fmt.Errorf("meta page %d was damaged; commit %d was found without it, and nothing is lost", number, lost.TX()))
		return l, nil
	}
	said := fmt.Errorf("meta page %d is damaged and commit %d is lost (%w); the queue is as commit %d left it", number, lost.TX(), err, f.TX())
	if l.sealed != nil {
		said = fmt.Errorf("%w; the lost commit held %d messages and %d dead letters", said,
			l.sealed[record.Plain]+l.sealed[record.Indexed], l.sealed[record.Dead])
	}
	o.Report(MetaDamaged, said)
	return nil, nil
}

// flock locks f for as long as it is open; ErrLocked means that another process has it.
func flock(f *os.File) error {
	for begun := time.Now(); ; time.Sleep(lockPause) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil || !errors.Is(err, unix.EWOULDBLOCK):
			return err
		case time.Since(begun) >= lockTimeout:
			return ErrLocked
		}
	}
}

// begin makes a new file under another name and gives it its own when it is whole.
func begin(o *Options) (Opened, error) {
	path := filepath.Join(o.Dir, NewName)
	if err := errors.Join(RemoveIfThere(path), o.Beginning(o.Dir)); err != nil {
		return Opened{}, err
	}
	db, f, err := OpenBolt(path)
	if err != nil {
		return Opened{}, errors.Join(err, RemoveIfThere(path))
	}
	l := newLoaded()
	err = Contained(func() error {
		return db.Update(func(tx *bbolt.Tx) error {
			return errors.Join(record.MakeBuckets(tx, l.Table), l.Counts.Seal(tx))
		})
	})
	if err == nil {
		err = os.Rename(path, filepath.Join(o.Dir, Name))
	}
	if err != nil {
		return Opened{}, errors.Join(err, Contained(db.Close), RemoveIfThere(path))
	}
	return Opened{DB: db, File: f, Loaded: l}, nil
}

// RemoveIfThere removes the file at path; that there is none is no error.
func RemoveIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// makeSpare puts space by for begin. Where there is none, or the file system cannot, there will be
// none.
func makeSpare(dir string) {
	path := filepath.Join(dir, SpareName)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	if err := errors.Join(Allocate(f, spareSize), f.Close()); err != nil {
		_ = os.Remove(path)
	}
}

// TryFile opens the file at path as Open does, and closes it. It may panic, also in a goroutine of
// its own, if the file is damaged, and is for a process that does nothing else.
func TryFile(path string) error {
	db, _, err := OpenBolt(path)
	if err != nil {
		return err
	}
	err = Contained(func() error {
		return db.View(func(tx *bbolt.Tx) error {
			return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
				return b.ForEach(func(_, _ []byte) error { return nil })
			})
		})
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamagedFile, err)
	}
	return db.Close()
}

// OpenBolt opens the database at path for writing, or makes it. Nothing is written to one that is
// there.
func OpenBolt(path string) (db *bbolt.DB, f *os.File, err error) {
	// The list of free pages is not written: with a large backlog drained it would be sorted and
	// written with every commit. The price is that all pages are read at the start, which the
	// check for damage does anyway.
	options := &bbolt.Options{Timeout: lockTimeout, FreelistType: bbolt.FreelistMapType, NoFreelistSync: true}
	options.OpenFile = func(name string, flag int, mode os.FileMode) (*os.File, error) {
		f, err = os.OpenFile(name, flag, mode)
		return f, err
	}
	err = Contained(func() error {
		db, err = bbolt.Open(path, 0o600, options)
		return err
	})
	if err == nil {
		return db, f, nil
	}
	if f != nil {
		_ = Unlock(f) // after a panic it is open still
	}
	return nil, nil, classify(err)
}

// Unlock closes f, which a panic may have left open. Closing it alone would not end the lock: a
// mapping that is left behind holds it.
func Unlock(f *os.File) error {
	return errors.Join(unix.Flock(int(f.Fd()), unix.LOCK_UN), f.Close())
}

// classify sorts the errors of opening: the operating system's say nothing about what the file
// holds, all others do.
func classify(err error) error {
	var number syscall.Errno
	switch {
	case errors.Is(err, bberrors.ErrTimeout):
		return ErrLocked
	case errors.As(err, &number):
		return err
	default:
		return fmt.Errorf("%w: %w", ErrDamagedFile, err)
	}
}

// keepDamaged renames the file at path and reports it. That takes no space on the disk.
func keepDamaged(path string, cause error, report func(string, error)) error {
	name := fmt.Sprintf("%s.corrupt-%s", path, time.Now().UTC().Format("20060102T150405.000000000Z"))
	if err := os.Rename(path, name); err != nil {
		return fmt.Errorf("set aside damaged file: %w", err)
	}
	report(FileSetAside, fmt.Errorf("kept as %s: %w", name, cause))
	return SyncDir(filepath.Dir(path))
}

// makeDir makes dir and syncs the directory above each one made: a file is not safe before the way
// to it is.
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
	return SyncDir(above)
}

// SyncDir makes sure that what was made, renamed or removed in dir stays so.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
