package main

import (
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"carrier/bench/load"
)

// rewrite is the length of the file that is written over, so that its blocks and its
// length are settled and fdatasync is about data alone, as it is for a database that
// grows in steps.
const rewrite = 16 << 20

// syncs writes and syncs one record after another.
func syncs(o options) (result, error) {
	f, err := os.Create(filepath.Join(o.dir, "fdatasync")) //nolint:gosec // the runner's directory
	if err != nil {
		return result{}, err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	defer func() { _ = f.Close() }()
	if _, err := f.Write(make([]byte, rewrite)); err != nil {
		return result{}, err
	}
	if err := f.Sync(); err != nil {
		return result{}, err
	}
	var h load.Histogram
	record := load.Rest(o.size)
	start, at := time.Now(), int64(0)
	for time.Since(start) < o.during {
		if _, err := f.WriteAt(record, at); err != nil {
			return result{}, err
		}
		before := time.Now()
		if err := unix.Fdatasync(int(f.Fd())); err != nil { //nolint:gosec // a descriptor
			return result{}, err
		}
		h.Add(time.Since(before))
		at = (at + int64(o.size)) % (rewrite - int64(o.size))
	}
	rate := float64(h.Count()) / time.Since(start).Seconds()
	return result{Rate: rate, P50: h.Quantile(0.5), P99: h.Quantile(0.99), PerCommit: 1}, nil
}
