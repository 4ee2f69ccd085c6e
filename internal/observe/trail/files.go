package trail

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The files are audit.jsonl, which is written to, and audit-N.jsonl, where a greater N is newer.
const (
	current     = "audit.jsonl"
	olderPrefix = "audit-"
	suffix      = ".jsonl"
)

// files writes lines to a file and begins another when it is full. It belongs to one goroutine at a
// time.
type files struct {
	failed   func(error)
	failing  bool
	dir      string
	maxSize  int64
	maxFiles int
	maxAge   time.Duration

	file   *os.File
	size   int64
	last   int // the greatest number of an older file
	looked time.Time
}

// lookAgain is how often old files are looked for.
const lookAgain = time.Minute

func openFiles(o Options) (*files, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	f := &files{failed: o.Failed, dir: o.Dir, maxSize: o.MaxSize, maxFiles: max(1, o.MaxFiles), maxAge: o.MaxAge}
	older, err := olderFiles(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	if len(older) > 0 {
		f.last = older[len(older)-1]
	}
	if err := f.open(); err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	return f, nil
}

// open opens the current file. What a crash has cut off at its end gets a line break, so that the next
// line begins a line.
func (f *files) open() error {
	file, err := os.OpenFile(filepath.Join(f.dir, current), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return errors.Join(err, file.Close())
	}
	f.file, f.size = file, info.Size()
	if f.size == 0 {
		return nil
	}
	end := make([]byte, 1)
	if _, err := file.ReadAt(end, f.size-1); err == nil && end[0] != '\n' {
		n, err := file.Write([]byte("\n"))
		f.size += int64(n)
		return err
	}
	return nil
}

// Write writes whole lines, as many to a file as it takes.
func (f *files) Write(lines []byte) (n int, err error) {
	n, err = f.write(lines)
	if err == nil {
		err = f.removeOld()
	}
	if err != nil && !f.failing && f.failed != nil {
		f.failed(err)
	}
	f.failing = err != nil
	return n, err
}

func (f *files) write(lines []byte) (written int, err error) {
	for written < len(lines) {
		fit := f.fit(lines[written:])
		switch {
		case fit == 0:
			err = f.rotate()
		case f.file == nil:
			err = f.open()
		default:
			var n int
			n, err = f.file.Write(lines[written : written+fit])
			f.size += int64(n)
			written += n
		}
		if err != nil {
			f.reopen()
			return written, err
		}
	}
	return written, nil
}

// reopen has the next write open the file: that ends a line of which a part was written.
func (f *files) reopen() {
	if f.file != nil {
		_ = f.file.Close()
		f.file = nil
	}
}

// fit is how many bytes of whole lines go into the current file; a line too long for any file goes
// into an empty one.
func (f *files) fit(lines []byte) int {
	left := f.maxSize - f.size
	if int64(len(lines)) <= left {
		return len(lines)
	}
	whole := 0
	for {
		end := bytes.IndexByte(lines[whole:], '\n') + 1
		if end == 0 || int64(whole+end) > left {
			break
		}
		whole += end
	}
	if whole == 0 && f.size == 0 {
		return bytes.IndexByte(lines, '\n') + 1
	}
	return whole
}

// rotate ends the current file.
func (f *files) rotate() error {
	f.reopen()
	f.last++
	err := os.Rename(filepath.Join(f.dir, current), olderPath(f.dir, f.last))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		f.last--
		return err
	}
	f.looked = time.Time{}
	return f.open()
}

// removeOld removes older files beyond maxFiles, and those whose last line is older than maxAge.
func (f *files) removeOld() error {
	now := time.Now()
	if now.Sub(f.looked) < lookAgain {
		return nil
	}
	f.looked = now
	older, err := olderFiles(f.dir)
	if err != nil {
		return err
	}
	for i, n := range older {
		path := olderPath(f.dir, n)
		tooMany := i < len(older)-(f.maxFiles-1)
		if info, err := os.Stat(path); !tooMany && (err != nil || f.maxAge <= 0 || now.Sub(info.ModTime()) <= f.maxAge) {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (f *files) close() {
	if f.file == nil {
		return
	}
	if err := f.file.Close(); err != nil && f.failed != nil {
		f.failed(err)
	}
}

func olderPath(dir string, n int) string {
	return filepath.Join(dir, olderPrefix+strconv.Itoa(n)+suffix)
}

// olderFiles lists the numbers of the older files, the oldest first.
func olderFiles(dir string) ([]int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, e := range entries {
		digits, ok := strings.CutPrefix(strings.TrimSuffix(e.Name(), suffix), olderPrefix)
		n, err := strconv.Atoi(digits)
		if ok && err == nil && n > 0 && e.Name() == olderPrefix+strconv.Itoa(n)+suffix {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}
