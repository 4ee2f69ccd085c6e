package queue

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"carrier/internal/queue/queuefile"

	"go.etcd.io/bbolt"
)

func TestWhatIsStoredSurvivesAKill(t *testing.T) {
	q := open(t, Options{})
	q.putAll(t, "", "a b c")
	q.putAll(t, "g", "g1 g2")
	batch := q.takeN(t, 3)
	q.remove(t, batch[0])
	again := open(t, Options{Dir: q.killed(t)})
	if got := bodies(again.takeN(t, 3)); got != "b c g1" {
		t.Errorf("received %s after a kill, want b c g1", got)
	}
	if s := again.Counts(); s.Messages != 4 {
		t.Errorf("%d messages, want 4", s.Messages)
	}
}

func TestReceiveCountAndDelaySurviveAKill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, Options{Lease: time.Second})
		q.putAll(t, "", "a b")
		q.mustPut(t, Entry{Body: []byte("late"), Delay: time.Hour})
		first := q.takeN(t, 2)
		if err := first[0].GiveBack(t.Context(), Retry{Delay: time.Minute}); err != nil {
			t.Fatal(err)
		}
		q.putAll(t, "", "barrier") // the marks of b are in this commit or an earlier one
		again := open(t, Options{Dir: q.killed(t), Lease: 2 * time.Hour})
		start := time.Now()
		batch := again.takeN(t, 3)
		if got := bodies(batch); got != "b barrier a" || time.Since(start) != time.Minute {
			t.Errorf("received %s in %v, want a a minute late", got, time.Since(start))
		}
		for i, want := range []int{2, 1, 2} {
			if batch[i].ReceiveCount != want {
				t.Errorf("receive count of %s = %d, want %d", batch[i].Body, batch[i].ReceiveCount, want)
			}
		}
		if !batch[0].FirstReceived.Equal(first[1].FirstReceived) {
			t.Errorf("first received %v, want %v", batch[0].FirstReceived, first[1].FirstReceived)
		}
		again.remove(t, batch[0], batch[1], batch[2])
		if late := again.take(t); string(late.Body) != "late" || time.Since(start) != time.Hour {
			t.Errorf("received %s after %v, want late after an hour", late.Body, time.Since(start))
		}
	})
}

func TestFailedCommitBreaksTheQueueForGood(t *testing.T) {
	fault := errors.New("disk on fire")
	var mu sync.Mutex
	var failing bool
	q := open(t, Options{commit: func(tx *bbolt.Tx) error {
		mu.Lock()
		defer mu.Unlock()
		if failing {
			failing = false // it is broken also if the disk seems to be well again
			return fault
		}
		return tx.Commit()
	}})
	q.putAll(t, "", "a b")
	d := q.take(t)
	q.remove(t, d) // no mark is pending from here on
	ended := make(chan error, 1)
	var first sync.WaitGroup
	first.Add(1)
	go func() {
		q.takeN(t, 1)
		first.Done()
		_, err := q.Receive(context.Background(), 1)
		ended <- err
	}()
	first.Wait()
	q.putAll(t, "", "") // nothing
	mu.Lock()
	failing = true
	mu.Unlock()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if s, err := q.Put(t.Context(), Entry{Body: []byte("lost")}); !errors.Is(err, ErrBroken) || s.ID != "" {
				t.Errorf("Put = %+v, %v; want ErrBroken", s, err)
			}
		})
	}
	wg.Wait()
	wantErr(t, "blocked Receive", <-ended, ErrBroken)
	_, err := q.Put(t.Context(), Entry{})
	wantErr(t, "later Put", err, ErrBroken)
	wantErr(t, "its cause", err, fault)
	wantErr(t, "Room", q.HasRoom(0, 0), ErrBroken)
	_, err = d.Extend()
	wantErr(t, "Extend", err, ErrBroken)
	again := open(t, Options{Dir: q.killed(t)})
	if got := bodies(again.takeN(t, 1)); got != "b" {
		t.Errorf("received %s after the break, want b", got)
	}
}

func TestPanicInACommitBreaksTheQueueAndNothingElse(t *testing.T) {
	q := open(t, Options{commit: func(*bbolt.Tx) error { panic("page 17") }})
	_, err := q.Put(t.Context(), Entry{})
	wantErr(t, "Put", err, ErrBroken)
	if err := q.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
}

func TestFullDiskRefusesAPutAndKeepsServing(t *testing.T) {
	var mu sync.Mutex
	var full bool
	q := open(t, Options{reserve: func(f *os.File, size int64) error {
		mu.Lock()
		defer mu.Unlock()
		if full {
			return syscall.ENOSPC
		}
		return queuefile.Allocate(f, size)
	}})
	q.putAll(t, "", "a")
	mu.Lock()
	full = true
	mu.Unlock()
	big := make([]byte, 64<<20)
	_, err := q.Put(t.Context(), Entry{Body: big, Key: "k"})
	wantErr(t, "Put", err, ErrDiskFull)
	wantErr(t, "Put", err, ErrFull)
	if s := q.Counts(); s.Messages != 1 || s.Bytes != 1 {
		t.Errorf("stats = %+v, want one message of one byte", s)
	}
	q.remove(t, q.take(t))
	mu.Lock()
	full = false
	mu.Unlock()
	q.mustPut(t, Entry{Body: []byte("b"), Key: "k"})
	if d := q.take(t); string(d.Body) != "b" {
		t.Errorf("received %.10q, want b: the refused put left its key", d.Body)
	}
}

func TestDirectoryAndFileAreTheOwnersOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	open(t, Options{Dir: dir})
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, queuefile.Name): 0o600} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", path, info.Mode().Perm(), err, want)
		}
	}
}

func TestSecondOpenerIsToldSo(t *testing.T) {
	q := open(t, Options{})
	q.putAll(t, "", "a")
	_, err := Open(Options{Dir: q.options.Dir})
	wantErr(t, "Open", err, ErrLocked)
	if d := q.take(t); string(d.Body) != "a" {
		t.Errorf("received %s", d.Body)
	}
}

func TestDamagedFileIsSetAside(t *testing.T) {
	whole := func(t *testing.T) []byte {
		q := open(t, Options{})
		for i := range 200 {
			q.mustPut(t, Entry{Body: fmt.Appendf(nil, "%0500d", i)})
		}
		data, err := os.ReadFile(filepath.Join(q.killed(t), queuefile.Name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	cases := map[string]func(data []byte) []byte{
		"not a database":     func([]byte) []byte { return []byte("hello, world") },
		"zeroes":             func(data []byte) []byte { return make([]byte, len(data)) },
		"cut off":            func(data []byte) []byte { return data[:5*4096] },
		"pages of noise":     func(data []byte) []byte { return noise(data, 2*4096) },
		"both metas damaged": func(data []byte) []byte { data[40] ^= 1; data[4096+40] ^= 1; return data },
		"another's database": foreign,
		"a page in the wrong place": func(data []byte) []byte {
			copy(data[8*4096:9*4096], data[9*4096:10*4096])
			copy(data[5*4096:6*4096], data[9*4096:10*4096])
			return noise(data, 10*4096)
		},
	}
	for name, damage := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			data := damage(whole(t))
			if err := os.WriteFile(filepath.Join(dir, queuefile.Name), data, 0o600); err != nil {
				t.Fatal(err)
			}
			var e events
			q := open(t, Options{Dir: dir, Report: e.report})
			if n := e.count(FileSetAside); n != 1 {
				t.Errorf("reported %d times: %v", n, e.all)
			}
			kept, _ := filepath.Glob(filepath.Join(dir, queuefile.Name+".corrupt-*"))
			if len(kept) != 1 {
				t.Fatalf("kept %v, want one file", kept)
			}
			if got, _ := os.ReadFile(kept[0]); string(got) != string(data) {
				t.Error("the file that was set aside has changed")
			}
			q.putAll(t, "", "a")
			if d := q.take(t); string(d.Body) != "a" {
				t.Errorf("received %s", d.Body)
			}
		})
	}
}

// noise overwrites data from one offset on.
func noise(data []byte, from int) []byte {
	for i := from; i < len(data); i++ {
		data[i] = byte(i*7 + i>>8)
	}
	return data
}

func foreign([]byte) []byte {
	dir, err := os.MkdirTemp("", "queue")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "other")
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		panic(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("users"))
		return err
	})
	data, err2 := os.ReadFile(path)
	if err := errors.Join(err, err2, db.Close()); err != nil {
		panic(err)
	}
	return data
}

func TestEmptyFileIsBegunAnew(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, queuefile.Name), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var e events
	q := open(t, Options{Dir: dir, Report: e.report})
	q.putAll(t, "", "a")
	if len(e.all) != 0 {
		t.Errorf("reported %v, want nothing", e.all)
	}
}

func TestDamagedMessageIsNotDelivered(t *testing.T) {
	q := open(t, Options{})
	q.putAll(t, "", "first damaged-1 last")
	q.putAll(t, "g", "damaged-2 g2")
	dir := q.killed(t)
	path := filepath.Join(dir, queuefile.Name)
	data, _ := os.ReadFile(path)
	for _, body := range []string{"damaged-1", "damaged-2"} {
		data = []byte(string(replaceAll(data, body, "d@maged")))
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	var e events
	again := open(t, Options{Dir: dir, Report: e.report})
	if got := bodies(again.takeN(t, 3)); got != "first last g2" {
		t.Errorf("received %s, want what is whole", got)
	}
	if s := again.Counts(); s.SetAside != 2 || s.Messages != 3 || e.count(ValueSetAside) != 2 {
		t.Errorf("stats = %+v, reported %v; want two set aside", s, e.all)
	}
	third := open(t, Options{Dir: again.killed(t), Report: e.report})
	if s := third.Counts(); s.SetAside != 2 || s.Messages != 3 || e.count(ValueSetAside) != 2 {
		t.Errorf("stats after a restart = %+v, reported %v", s, e.all)
	}
}

// replaceAll overwrites the beginning of every occurrence of old with new, which is shorter.
func replaceAll(data []byte, old, new string) []byte {
	for i := 0; i+len(old) <= len(data); i++ {
		if string(data[i:i+len(old)]) == old {
			copy(data[i:], new)
		}
	}
	return data
}

func TestEmptiedFileBecomesSmall(t *testing.T) {
	dir := t.TempDir()
	var e events
	q := open(t, Options{Dir: dir, Report: e.report})
	q.mustPut(t, Entry{Key: "k", Body: []byte("dead")})
	if err := q.take(t).DeadLetter(t.Context(), Reason{Text: "r"}); err != nil {
		t.Fatal(err)
	}
	id := q.mustPut(t, Entry{Key: "kept", Body: []byte("kept"), Delay: time.Hour})
	big := make([]byte, 1<<20)
	var wg sync.WaitGroup
	for range 24 {
		wg.Go(func() { _, _ = q.Put(t.Context(), Entry{Body: big}) })
	}
	wg.Wait()
	size := func() int64 {
		info, err := os.Stat(filepath.Join(dir, queuefile.Name))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	if size() < 24<<20 {
		t.Fatalf("the file has %d bytes, with 24 MiB in it", size())
	}
	q.remove(t, q.takeN(t, 24)...)
	q.putAll(t, "", "after") // committed after the compaction, or before it and copied
	q.putAll(t, "", "all")
	if size() > 16<<20 {
		t.Errorf("the file has %d bytes, emptied; reported %v", size(), e.all)
	}
	if got := q.mustPut(t, Entry{Key: "kept", Body: []byte("kept")}); got != id {
		t.Errorf("id = %s, want %s: the keys went with the old file", got, id)
	}
	_, err := Open(Options{Dir: dir})
	wantErr(t, "Open beside the new file", err, ErrLocked)
	again := open(t, Options{Dir: q.killed(t)})
	if s := again.Counts(); s.DeadMessages != 1 || s.Messages != 3 {
		t.Errorf("stats after a restart = %+v, want the dead letter and three messages", s)
	}
	if got := bodies(again.takeN(t, 2)); got != "after all" {
		t.Errorf("received %s", got)
	}
}
