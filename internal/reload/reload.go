// Package reload holds what is made from files, and makes it again when a file has changed.
package reload

import (
	"os"
	"sync"
	"time"
)

// A Value is what was made last from its files. It is safe for concurrent use.
type Value[T any] struct {
	files  []string
	load   func() (T, error)
	failed func(error)

	mu     sync.Mutex
	seen   []stamp // of files, before they were read last
	loaded T
}

// A stamp tells one state of a file from another. It is zero for a file that cannot be seen.
type stamp struct {
	changed time.Time
	size    int64
}

// Open calls load and returns its value. Load reads files, whose empty names are skipped. Failed
// is told the error of each later load; both are called by one goroutine at a time.
func Open[T any](load func() (T, error), failed func(error), files ...string) (*Value[T], error) {
	v := &Value[T]{files: files, load: load, failed: failed, seen: stampsOf(files)}
	loaded, err := load()
	if err != nil {
		return nil, err
	}
	v.loaded = loaded
	return v, nil
}

// Current looks at the files, loads them again where one has changed, and returns the value of
// the last load that succeeded. A load that fails is not repeated before the next change.
func (v *Value[T]) Current() T {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := stampsOf(v.files)
	if equal(now, v.seen) {
		return v.loaded
	}
	v.seen = now
	loaded, err := v.load()
	if err != nil {
		v.failed(err)
		return v.loaded
	}
	v.loaded = loaded
	return loaded
}

func stampsOf(files []string) []stamp {
	stamps := make([]stamp, len(files))
	for i, name := range files {
		if name == "" {
			continue
		}
		if info, err := os.Stat(name); err == nil {
			stamps[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return stamps
}

func equal(a, b []stamp) bool {
	for i := range a {
		if a[i].size != b[i].size || !a[i].changed.Equal(b[i].changed) {
			return false
		}
	}
	return true
}
