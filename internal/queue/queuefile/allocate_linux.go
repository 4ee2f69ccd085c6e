package queuefile

import (
	"os"

	"golang.org/x/sys/unix"
)

// Allocate gives f's first size bytes space on the disk, and makes f at least that long.
func Allocate(f *os.File, size int64) error { return unix.Fallocate(int(f.Fd()), 0, 0, size) }

// readAhead asks for all of f to be read into memory in the order of the disk, which is
// much faster than the page by page that follows.
func readAhead(f *os.File) { _ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_WILLNEED) }

// VolumeSize is how many bytes the file system that dir is on holds; 0 where that is not known.
func VolumeSize(dir string) int64 {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0
	}
	return int64(s.Blocks) * s.Bsize
}
