package main

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"go.etcd.io/bbolt"

	"carrier/bench/load"
)

// A group gathers the records that wait for a commit. While one commit is on its way to
// the disk, the next group gathers: that is all the batching there is, and nobody waits
// for company.
type group struct {
	mu      sync.Mutex
	records int
	done    chan struct{}
	arrived chan struct{}
}

func newGroup() *group { return &group{done: make(chan struct{}), arrived: make(chan struct{}, 1)} }

// commits stores records from a number of producers, each of which waits for its
// record's commit before it sends the next one. With o.remove every record is removed
// again in the commit after its own, as a queue does whose worker keeps up.
func commits(o options) (result, error) {
	path := filepath.Join(o.dir, "bbolt")
	db, err := open(path)
	if err != nil {
		return result{}, err
	}
	defer func() { _ = os.Remove(path) }()
	defer func() { _ = db.Close() }()
	g := newGroup()
	stop := make(chan struct{})
	var (
		h         load.Histogram
		lock      sync.Mutex
		producers sync.WaitGroup
	)
	for range o.producers {
		producers.Go(func() {
			for g.add(stop, func(d time.Duration) { lock.Lock(); h.Add(d); lock.Unlock() }) {
			}
		})
	}
	used, start := cpu(), time.Now()
	groups, err := g.write(db, o)
	took, spent := time.Since(start), cpu()-used
	close(stop)
	producers.Wait()
	if err != nil || h.Count() == 0 {
		return result{}, err
	}
	n := float64(h.Count())
	return result{
		Rate: n / took.Seconds(), P50: h.Quantile(0.5), P99: h.Quantile(0.99),
		PerCommit: n / float64(groups), CPU: time.Duration(float64(spent) / n),
	}, nil
}

// add puts one record into the group and waits until it is stored.
func (g *group) add(stop <-chan struct{}, stored func(time.Duration)) bool {
	start := time.Now()
	g.mu.Lock()
	g.records++
	done := g.done
	g.mu.Unlock()
	select {
	case g.arrived <- struct{}{}:
	default:
	}
	select {
	case <-done:
		stored(time.Since(start))
		return true
	case <-stop:
		return false
	}
}

// write commits one group after another until the time is over; without a time, until
// the program ends.
func (g *group) write(db *bbolt.DB, o options) (groups int, err error) {
	s := &store{record: load.Rest(o.size), remove: o.remove}
	for start := time.Now(); o.during == 0 || time.Since(start) < o.during; {
		<-g.arrived
		g.mu.Lock()
		n, done := g.records, g.done
		g.records, g.done = 0, make(chan struct{})
		g.mu.Unlock()
		if n == 0 {
			continue
		}
		if err := db.Update(func(tx *bbolt.Tx) error { return s.commit(tx, n) }); err != nil {
			return groups, err
		}
		s.stored = s.next
		groups++
		close(done)
	}
	return groups, nil
}

// A store is the keys of what is stored: removed <= those that are there < next.
type store struct {
	record                []byte
	remove                bool
	next, stored, removed uint64
}

// commit puts n records, and removes those of the commits before.
func (s *store) commit(tx *bbolt.Tx, n int) error {
	b, err := tx.CreateBucketIfNotExists([]byte("messages"))
	if err != nil {
		return err
	}
	b.FillPercent = 0.9 // keys come in their order
	for range n {
		if err := b.Put(key(s.next), s.record); err != nil {
			return err
		}
		s.next++
	}
	for ; s.remove && s.removed < s.stored; s.removed++ {
		if err := b.Delete(key(s.removed)); err != nil {
			return err
		}
	}
	return nil
}

func key(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// cpu is the processor time this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
