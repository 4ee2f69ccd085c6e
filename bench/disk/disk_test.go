package main

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

func TestAcknowledgedRecordsAreStoredAndCommitsAreShared(t *testing.T) {
	for name, remove := range map[string]bool{"kept": false, "removed again": true} {
		t.Run(name, func(t *testing.T) {
			db, err := open(filepath.Join(t.TempDir(), "db"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			g, stop := newGroup(), make(chan struct{})
			var producers sync.WaitGroup
			var lock sync.Mutex
			acknowledged := 0
			for range 8 {
				producers.Go(func() {
					for g.add(stop, func(time.Duration) { lock.Lock(); acknowledged++; lock.Unlock() }) {
					}
				})
			}
			groups, err := g.write(db, options{size: 100, remove: remove, during: 50 * time.Millisecond})
			close(stop)
			producers.Wait()
			if err != nil || groups == 0 || acknowledged < groups {
				t.Fatalf("%d acknowledged in %d commits, %v", acknowledged, groups, err)
			}
			stored := 0
			err = db.View(func(tx *bbolt.Tx) error {
				stored = tx.Bucket([]byte("messages")).Stats().KeyN
				return nil
			})
			// With removal only the last commit's records are left.
			if err != nil || !remove && stored < acknowledged || remove && stored > 8 {
				t.Errorf("%d acknowledged, %d stored, %v", acknowledged, stored, err)
			}
		})
	}
}

func TestDiskIsMeasuredAndLeftClean(t *testing.T) {
	dir := t.TempDir()
	for name, measure := range map[string]func(options) (result, error){"fdatasync": syncs, "bbolt": commits} {
		r, err := measure(options{dir: dir, size: 1024, producers: 4, during: 50 * time.Millisecond})
		if err != nil || r.Rate <= 0 || r.P99 < r.P50 || r.PerCommit < 1 {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
