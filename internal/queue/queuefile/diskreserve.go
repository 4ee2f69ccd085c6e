package queuefile

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// A DiskReserve makes sure that the disk has space for a commit before it is begun. A full disk is
// then refused politely, put by put; were it found out in mid-commit, nobody could say what was
// stored, and the queue would be broken.
type DiskReserve struct {
	// Path is where File belongs.
	Path string
	File *os.File
	// Reserve is Allocate, or what a test puts in its place.
	Reserve func(*os.File, int64) error

	reserved int64 // the file has space on the disk up to here
	off      bool  // the file system cannot reserve
}

// smallStep and largeStep bound how much more than needed is reserved at once: every change of the
// file's length costs the commit that follows it.
const smallStep, largeStep = 1 << 20, 16 << 20

// Ensure reserves the file's first upto bytes, and fails if the disk has no room for them.
func (d *DiskReserve) Ensure(upto int64) error {
	if d.off || upto <= d.reserved {
		return nil
	}
	step := min(max(smallStep, upto/2), largeStep)
	err := d.Reserve(d.File, upto+step)
	if err == nil {
		d.reserved = upto + step
		return nil
	}
	if !NoSpace(err) {
		d.off = true
		return nil
	}
	if err := d.Reserve(d.File, upto); err != nil {
		return err
	}
	d.reserved = upto
	return nil
}

// NoSpace says that err is one of a disk, a quota or a file that can grow no more.
func NoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// InPlace fails if the file is not at its path any more: what is written to it then is lost.
func (d *DiskReserve) InPlace() error {
	there, err := os.Stat(d.Path)
	if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		return nil // it may be there all the same
	}
	here, err2 := d.File.Stat()
	if err2 != nil {
		return err2
	}
	if err != nil || !os.SameFile(there, here) {
		return fmt.Errorf("%w: %s", ErrGone, d.Path)
	}
	return nil
}
