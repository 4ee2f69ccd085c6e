// Package queuefile opens a queue's file, so that no damage to it can end the program: it is locked
// by a file of its own, read page by page, tried in another process where the last one did not come
// to its end, and replaced by an empty one where it is damaged.
package queuefile

import "errors"

// Events that Options.Report is told of; see package queue.
const (
	FileSetAside   = "queue_file_set_aside"
	MetaDamaged    = "queue_meta_damaged"
	ContentMissing = "queue_content_missing"
)

var (
	// ErrGone means that the file was removed or replaced.
	ErrGone = errors.New("the queue file was removed or replaced while it was in use")
	// ErrLocked means that another process has the file open.
	ErrLocked = errors.New("another process holds the queue file")
)

// Options says which file is opened, and who is told what was found.
type Options struct {
	// Dir holds the file. It is made, with mode 0700, if it is not there.
	Dir string
	// Report is told of what was damaged.
	Report func(event string, err error)
	// TryFile opens the file at a path with TryFile in another process; nil does without.
	TryFile func(path string) error
	// Beginning, if not nil, is called before a new file is begun. It is for tests.
	Beginning func(dir string) error
}
