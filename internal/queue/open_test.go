package queue

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"carrier/internal/queue/queuefile"
	"carrier/internal/queue/record"
	"carrier/internal/queue/store"
)

func TestDamagedNewestMetaPageLosesNothing(t *testing.T) {
	q := open(t, Options{})
	for i := range 40 {
		q.mustPut(t, Entry{Body: fmt.Append(nil, i)})
	}
	whole := q.fileNow(t)
	for number := range 2 {
		dir := fileWith(t, func(data []byte) { data[number*damagePage+16+20] ^= 4 }, whole)
		var e events
		again := open(t, Options{Dir: dir, Report: e.report})
		if c := again.Counts(); c.Messages != 40 || e.count(MetaDamaged) != 1 || len(e.all) != 1 {
			t.Errorf("meta page %d: %d messages of 40, reported %v", number, c.Messages, e.all)
		}
		again.putAll(t, "", "more")
		third := open(t, Options{Dir: again.killed(t), Report: e.report})
		if c := third.Counts(); c.Messages != 41 || len(e.all) != 1 {
			t.Errorf("meta page %d: %d messages of 41 after a restart, reported %v", number, c.Messages, e.all)
		}
	}
}

func TestCommitThatCannotBeRestoredIsSaidWithNumbers(t *testing.T) {
	q := open(t, Options{})
	pad := strings.Repeat("-", 1500)
	q.putAll(t, "", "a"+pad+" b"+pad)
	before := q.fileNow(t)
	q.putAll(t, "", "cccc"+pad)
	after := q.fileNow(t)
	newest := 0
	if !bytes.Equal(before[damagePage:2*damagePage], after[damagePage:2*damagePage]) {
		newest = 1
	}
	dir := fileWith(t, func(data []byte) {
		data[newest*damagePage+16+20] ^= 4
		at := bytes.Index(data, []byte("cccc")) / damagePage * damagePage
		data[at+8] ^= 0x10 // the page with the last message is no leaf any more
	}, after)
	var e events
	again := open(t, Options{Dir: dir, Report: e.report})
	if c := again.Counts(); c.Messages != 2 {
		t.Errorf("%d messages, want the two of the commit before", c.Messages)
	}
	if said := strings.Join(e.all, "\n"); e.count(MetaDamaged) != 1 || !strings.Contains(said, "is lost") || !strings.Contains(said, "held 3 messages") {
		t.Errorf("reported %s", said)
	}
}

// fileWith is a directory with a file that is data, damaged.
func fileWith(t *testing.T, damage func([]byte), data []byte) string {
	t.Helper()
	data = bytes.Clone(data)
	damage(data)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, queuefile.Name), data, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestMissingMessagesAreSaidWithNumbers(t *testing.T) {
	q := open(t, Options{})
	q.putAll(t, "", "a b c")
	dir := q.killed(t)
	change(t, dir, func(tx *bbolt.Tx) error {
		c := record.Counts{record.Plain: 5}
		return c.Seal(tx)
	})
	var e events
	again := open(t, Options{Dir: dir, Report: e.report})
	if e.count(ContentMissing) != 1 || !strings.Contains(e.all[0], "bucket plain holds 3 of 5") {
		t.Errorf("reported %v, want that two are missing", e.all)
	}
	again.putAll(t, "", "d")
	open(t, Options{Dir: again.killed(t), Report: e.report})
	if len(e.all) != 1 {
		t.Errorf("reported %v, want it once", e.all)
	}
}

func TestCommitsOfAnOlderCarrierAreNoLoss(t *testing.T) {
	q := open(t, Options{})
	q.putAll(t, "", "a b c")
	dir := q.killed(t)
	change(t, dir, func(tx *bbolt.Tx) error { return store.Of(tx)[record.Plain].Delete(record.SeqKey(1)) })
	var e events
	open(t, Options{Dir: dir, Report: e.report})
	if len(e.all) != 0 {
		t.Errorf("reported %v, want nothing", e.all)
	}
}

// change writes to the file in dir as something other than a Queue.
func change(t *testing.T, dir string, write func(tx *bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(dir, queuefile.Name), 0o600, &bbolt.Options{NoFreelistSync: true})
	if err == nil {
		err = errors.Join(db.Update(write), db.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestDamageMetWhileRunningDoesNotComeBack(t *testing.T) {
	dir := t.TempDir()
	q := open(t, Options{Dir: dir, commit: func(*bbolt.Tx) error { panic("page 17") }})
	_, err := q.Put(t.Context(), Entry{Body: []byte("a")})
	wantErr(t, "Put", err, ErrBroken)
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	var e events
	again := open(t, Options{Dir: dir, Report: e.report})
	if e.count(FileSetAside) != 1 || !strings.Contains(e.all[0], "page 17") {
		t.Errorf("reported %v, want the file set aside and why", e.all)
	}
	again.putAll(t, "", "b")
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, Options{Dir: dir, Report: e.report})
	if len(e.all) != 1 {
		t.Errorf("reported %v, want it once", e.all)
	}
}

func TestFileIsTriedElsewhereOnlyAfterAnUncleanEnd(t *testing.T) {
	dir := t.TempDir()
	tried := 0
	o := Options{Dir: dir, TryFile: func(string) error { tried++; return nil }}
	for range 2 {
		if err := open(t, o).Close(); err != nil {
			t.Fatal(err)
		}
	}
	if tried != 0 {
		t.Errorf("tried %d times after clean ends", tried)
	}
	if err := os.WriteFile(filepath.Join(dir, queuefile.LockName), []byte(queuefile.StateOpen), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := open(t, o).Close(); err != nil || tried != 1 {
		t.Errorf("tried %d times after an unclean end, %v", tried, err)
	}
	o.TryFile = func(string) error { return fmt.Errorf("%w: it panics", ErrDamagedFile) }
	if err := os.WriteFile(filepath.Join(dir, queuefile.LockName), []byte(queuefile.StateOpen), 0o600); err != nil {
		t.Fatal(err)
	}
	var e events
	o.Report = e.report
	open(t, o)
	if e.count(FileSetAside) != 1 {
		t.Errorf("reported %v, want the file set aside", e.all)
	}
}

func TestTryFileTakesASoundFileAndChangesNothing(t *testing.T) {
	q := open(t, Options{})
	q.putAll(t, "g", "a b c")
	path := filepath.Join(q.killed(t), queuefile.Name)
	before, _ := os.ReadFile(path)
	if err := queuefile.TryFile(path); err != nil {
		t.Errorf("TryFile = %v", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the file has changed")
	}
}

func TestDamagedFileOnAFullDiskIsReplaced(t *testing.T) {
	dir := t.TempDir()
	if err := open(t, Options{Dir: dir}).Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, queuefile.SpareName)); err != nil || info.Size() == 0 {
		t.Fatalf("no space is put by: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, queuefile.Name), make([]byte, 9000), 0o600); err != nil {
		t.Fatal(err)
	}
	var e events
	full := func(dir string) error {
		if _, err := os.Stat(filepath.Join(dir, queuefile.SpareName)); err == nil {
			return syscall.ENOSPC
		}
		return nil
	}
	q := open(t, Options{Dir: dir, Report: e.report, beginning: full})
	q.putAll(t, "", "a")
	if e.count(FileSetAside) != 1 {
		t.Errorf("reported %v", e.all)
	}
}

func TestFileThatIsRemovedBreaksTheQueue(t *testing.T) {
	for name, remove := range map[string]func(dir string) error{
		"file removed":       func(dir string) error { return os.Remove(filepath.Join(dir, queuefile.Name)) },
		"directory removed":  os.RemoveAll,
		"directory replaced": func(dir string) error { return errors.Join(os.Rename(dir, dir+".old"), os.Mkdir(dir, 0o700)) },
		"file replaced": func(dir string) error {
			path := filepath.Join(dir, queuefile.Name)
			return errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600))
		},
	} {
		t.Run("while nothing is put: "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := open(t, Options{Dir: filepath.Join(t.TempDir(), "data")})
				if err := remove(q.options.Dir); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				_, err := q.Receive(t.Context(), 1)
				wantErr(t, "Receive", err, ErrGone)
				wantErr(t, "Receive", err, ErrBroken)
				if time.Since(start) > time.Second {
					t.Errorf("noticed after %v", time.Since(start))
				}
			})
		})
		t.Run("at the next put: "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := open(t, Options{Dir: filepath.Join(t.TempDir(), "data")})
				if err := remove(q.options.Dir); err != nil {
					t.Fatal(err)
				}
				_, err := q.Put(t.Context(), Entry{Body: []byte("a")})
				wantErr(t, "Put", err, ErrGone)
			})
		})
	}
}

func TestLockIsHeldByAFileOfItsOwn(t *testing.T) {
	q := open(t, Options{})
	if err := os.Remove(filepath.Join(q.options.Dir, queuefile.Name)); err != nil {
		t.Fatal(err)
	}
	_, err := Open(Options{Dir: q.options.Dir})
	wantErr(t, "Open beside a queue whose file was removed", err, ErrLocked)
}
