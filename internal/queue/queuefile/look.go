package queuefile

import (
	"carrier/internal/queue/filecheck"
)

// Look reads what the file at path holds, and changes nothing. The error wraps ErrInUse where a
// carrier runs on it, and ErrDamagedFile where it cannot be read as a queue.
func Look(path string) (*Loaded, error) {
	f, size, err := OpenToRead(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if size == 0 {
		return newLoaded(), nil
	}
	file, err := filecheck.Open(f, size)
	if err != nil {
		return nil, err
	}
	l, empty, err := load(file)
	if err != nil {
		return nil, err
	}
	if empty {
		return newLoaded(), nil
	}
	return l, nil
}
