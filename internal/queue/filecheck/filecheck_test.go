package filecheck

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"carrier/internal/queue/record"
)

const testPage = 4096

// sound is a file with n plain messages, three dead letters and a key, and the counts that are
// sealed in it.
func sound(t *testing.T, n int) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f")
	c, err := newCopier(path)
	if err != nil {
		t.Fatal(err)
	}
	put := func(b record.Bucket, key, value []byte) {
		if took, err := c.put(b, key, value); err != nil || !took {
			t.Fatalf("put = %v, %v", took, err)
		}
	}
	for i := range n {
		m := record.Message{ID: [16]byte{1, byte(i)}, Stored: 5, Body: fmt.Appendf(nil, "%0300d", i)}
		put(record.Plain, record.SeqKey(uint64(i+1)), m.Encode())
		put(record.States, record.SeqKey(uint64(i+1)), record.State{Count: 1}.Encode())
	}
	for i := range 3 {
		m := record.Message{Stored: 5, Body: make([]byte, 9000)}
		put(record.Dead, record.SeqKey(uint64(n+i+1)), record.EncodeDeadLetter(record.Reason{}, testTime(), m.Encode()))
	}
	put(record.Keys, bytes.Repeat([]byte{7}, 32), record.Key{Expires: 9}.Encode())
	if err := c.close(true, record.DefaultTable()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// several is a file with messages, states, ends and dead letters of three subscriptions.
func several(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f")
	c, err := newCopier(path)
	if err != nil {
		t.Fatal(err)
	}
	put := func(b record.Bucket, key, value []byte) {
		if took, err := c.put(b, key, value); err != nil || !took {
			t.Fatalf("put = %v, %v", took, err)
		}
	}
	for seq := range uint64(30) {
		m := record.Message{To: seq%7 + 1, Stored: 5, Body: make([]byte, 200)}
		put(record.Plain, record.SeqKey(seq+1), m.Encode())
		put(record.States, record.SlotKey(seq+1, 2), record.State{Count: 1}.Encode())
		put(record.Ends, record.SeqKey(seq+1), record.EncodeEnds(1))
		put(record.Dead, record.SlotKey(seq+1, 1), record.EncodeDeadLetter(record.Reason{}, testTime(), record.ForFirstSlot(m.Encode())))
	}
	table := record.DefaultTable()
	for slot := 1; slot < 64; slot++ { // so many that they have a page of their own
		table = append(table, record.Subscription{Slot: slot, Name: fmt.Sprint("subscription-", slot), Pattern: "/a/long/path/to/be/matched/"})
	}
	if err := c.close(true, table); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestFileOfSeveralSubscriptionsIsReadAndSalvaged(t *testing.T) {
	data := several(t)
	if n, err := walked(data); err != nil || n != 4*30+2 {
		t.Errorf("Walk visits %d keys, %v; want 122", n, err)
	}
	r, out := salvaged(t, data)
	again, err := Check(bytes.NewReader(out), int64(len(out)))
	if !r.Sound() || err != nil || !again.Sound() || again.Vouched != *r.Sealed || len(again.Subscriptions) != 64 {
		t.Errorf("salvaged %+v with %d subscriptions of %+v, %v", again.Vouched, len(again.Subscriptions), r.Sealed, err)
	}
	bad := bytes.Clone(data)
	bad[newest(data)*testPage+40] ^= 1
	if r, _ := salvaged(t, bad); r.Copied != *r.Sealed || !strings.Contains(strings.Join(r.Problems, "\n"), "was found without it") {
		t.Errorf("without the newest meta page: %+v", r)
	}
}

// walked is what Walk says of data.
func walked(data []byte) (int, error) {
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return 0, err
	}
	n := 0
	order := surveyOrder()
	_, err = f.Walk(order, func(record.Bucket, []byte, Value) error {
		n++
		return nil
	})
	return n, err
}

// pagesOf finds the pages of data that are in use and have flags and at least two entries, and
// keys of keySize bytes if that is not 0.
func pagesOf(t *testing.T, data []byte, flags uint16, keySize int) [][]byte {
	t.Helper()
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	w := f.newWalk(func(record.Bucket, []byte, Value) error { return nil }, nil)
	roots, err := w.roots()
	if err != nil {
		t.Fatal(err)
	}
	for b, header := range roots {
		if err := w.bucket(b, header); err != nil {
			t.Fatal(err)
		}
	}
	var found [][]byte
	for id := uint64(2); id < f.meta.highWater; id++ {
		p := data[id*testPage : (id+1)*testPage]
		head := &page{buf: p, limit: testPage}
		head.decode()
		if !w.isOwned(id) || head.id != id || head.flags != flags || head.count < 2 || head.overflow > 0 {
			continue
		}
		if e, err := head.element(0, flags == flagLeaf); keySize == 0 || err == nil && e.keySize == keySize {
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		t.Fatalf("no page with flags %#x", flags)
	}
	return found
}

func TestSoundFileIsRead(t *testing.T) {
	data := sound(t, 500)
	n, err := walked(data)
	if err != nil || n != 500+500+3+2+2 {
		t.Errorf("Walk visits %d keys, %v; want 1007", n, err)
	}
	r, err := Check(bytes.NewReader(data), int64(len(data)))
	if err != nil || !r.Sound() || r.Vouched[record.Plain] != 500 || r.Sealed == nil || r.Sealed[record.Dead] != 3 {
		t.Errorf("Check = %+v, %v; want a sound file", r, err)
	}
}

// TestWalkRefusesWhatBboltTakesForGranted has one case for each thing that bbolt does not check.
func TestWalkRefusesWhatBboltTakesForGranted(t *testing.T) {
	data := sound(t, 500)
	set16 := func(p []byte, at int, v uint16) { binary.NativeEndian.PutUint16(p[at:], v) }
	set32 := func(p []byte, at int, v uint32) { binary.NativeEndian.PutUint32(p[at:], v) }
	add32 := func(p []byte, at int, v uint32) { set32(p, at, binary.NativeEndian.Uint32(p[at:])+v) }
	set64 := func(p []byte, at int, v uint64) { binary.NativeEndian.PutUint64(p[at:], v) }
	for name, c := range map[string]struct {
		flags  uint16
		damage func(p []byte, others [][]byte)
	}{
		"number":                     {flagLeaf, func(p []byte, _ [][]byte) { p[0] ^= 1 }},
		"no kind":                    {flagLeaf, func(p []byte, _ [][]byte) { set16(p, 8, 0) }},
		"two kinds":                  {flagLeaf, func(p []byte, _ [][]byte) { set16(p, 8, 3) }},
		"fewer entries":              {flagLeaf, func(p []byte, _ [][]byte) { set16(p, 10, 1) }},
		"more entries":               {flagLeaf, func(p []byte, _ [][]byte) { set16(p, 10, 4000) }},
		"no entries":                 {flagLeaf, func(p []byte, _ [][]byte) { set16(p, 10, 0) }},
		"overflow into a neighbour":  {flagLeaf, func(p []byte, _ [][]byte) { set32(p, 12, 1) }},
		"overflow beyond the file":   {flagLeaf, func(p []byte, _ [][]byte) { set32(p, 12, 1<<30) }},
		"a bucket among messages":    {flagLeaf, func(p []byte, _ [][]byte) { set32(p, 16, bucketFlag) }},
		"a key elsewhere":            {flagLeaf, func(p []byte, _ [][]byte) { add32(p, 20, 1) }},
		"no key":                     {flagLeaf, func(p []byte, _ [][]byte) { set32(p, 24, 0) }},
		"a value beyond the page":    {flagLeaf, func(p []byte, _ [][]byte) { set32(p, 28, 1<<31) }},
		"a value of another length":  {flagLeaf, func(p []byte, _ [][]byte) { add32(p, 28, 1) }},
		"keys out of order":          {flagLeaf, func(p []byte, _ [][]byte) { p[16+binary.NativeEndian.Uint32(p[20:])] ^= 0x40 }},
		"a child that is not there":  {flagBranch, func(p []byte, _ [][]byte) { set64(p, 24, 1<<40) }},
		"a meta page as a child":     {flagBranch, func(p []byte, _ [][]byte) { set64(p, 24, 1) }},
		"one child twice":            {flagBranch, func(p []byte, _ [][]byte) { copy(p[24:32], p[40:48]) }},
		"itself as a child":          {flagBranch, func(p []byte, _ [][]byte) { copy(p[24:32], p[:8]) }},
		"a child's keys elsewhere":   {flagBranch, func(p []byte, _ [][]byte) { p[16+binary.NativeEndian.Uint32(p[16:])+7] += 100 }},
		"another leaf in its place":  {flagLeaf, func(p []byte, others [][]byte) { copy(p[8:], others[1][8:]) }},
		"a branch read as a leaf":    {flagBranch, func(p []byte, _ [][]byte) { set16(p, 8, flagLeaf) }},
		"a key beyond the next page": {flagLeaf, func(p []byte, _ [][]byte) { growLastKey(p) }},
	} {
		t.Run(name, func(t *testing.T) {
			bad := bytes.Clone(data)
			pages := pagesOf(t, bad, c.flags, 8)
			c.damage(pages[0], pages)
			if _, err := walked(bad); !errors.Is(err, ErrDamaged) {
				t.Errorf("Walk = %v, want ErrDamaged", err)
			}
		})
	}
}

// growLastKey makes the last key of leaf p greater than all others.
func growLastKey(p []byte) {
	last := 16 * int(binary.NativeEndian.Uint16(p[10:]))
	p[last+int(binary.NativeEndian.Uint32(p[last+4:]))] = 0xff
}

func TestSealedMetaThatIsNonsenseIsRefused(t *testing.T) {
	data := sound(t, 50)
	for name, at := range map[string]int{"root": 16, "free list": 32, "high-water mark": 40} {
		for _, value := range []uint64{0, 1, 5, 1 << 50} {
			t.Run(fmt.Sprint(name, " ", value), func(t *testing.T) {
				bad := bytes.Clone(data)
				for _, page := range []int{0, testPage} {
					m := bad[page+16 : page+16+64]
					binary.NativeEndian.PutUint64(m[at:], value)
					h := fnv.New64a()
					_, _ = h.Write(m[:56])
					binary.NativeEndian.PutUint64(m[56:], h.Sum64())
				}
				if _, err := walked(bad); !errors.Is(err, ErrDamaged) && name+fmt.Sprint(value) != "high-water mark1125899906842624" {
					t.Errorf("Walk = %v, want ErrDamaged", err)
				}
			})
		}
	}
}

// salvaged is what Salvage copies of data.
func salvaged(t *testing.T, data []byte) (Report, []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "new")
	r, err := Salvage(bytes.NewReader(data), int64(len(data)), path)
	if err != nil {
		t.Fatalf("Salvage = %v", err)
	}
	out, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := walked(out); err != nil {
		t.Errorf("what was salvaged is damaged: %v", err)
	}
	return r, out
}

func TestSalvageOfASoundFileCopiesAll(t *testing.T) {
	data := sound(t, 500)
	r, out := salvaged(t, data)
	again, err := Check(bytes.NewReader(out), int64(len(out)))
	if !r.Sound() || err != nil || !again.Sound() || again.Vouched != *r.Sealed {
		t.Errorf("salvaged %+v of %+v, %v", again.Vouched, r.Sealed, err)
	}
}

func TestDamageCostsOnlyWhatWasOnThePage(t *testing.T) {
	const n = 500
	data := sound(t, n)
	perPage := uint64(testPage / 300)
	leaves, branches := pagesOf(t, data, flagLeaf, 8), pagesOf(t, data, flagBranch, 0)
	var messages []byte
	for _, p := range leaves {
		if binary.NativeEndian.Uint32(p[28:]) > 300 {
			messages = p
		}
	}
	for name, c := range map[string]struct {
		damage func(bad []byte)
		least  uint64
	}{
		"a zeroed leaf":         {func(bad []byte) { clear(same(bad, data, messages)) }, n - 2*perPage},
		"a zeroed branch":       {func(bad []byte) { clear(same(bad, data, branches[0])) }, n},
		"a leaf's count":        {func(bad []byte) { same(bad, data, messages)[10] = 1 }, n},
		"a leaf's number":       {func(bad []byte) { same(bad, data, messages)[0] ^= 1 }, n},
		"a leaf's overflow":     {func(bad []byte) { same(bad, data, messages)[12] ^= 4 }, n},
		"one value":             {func(bad []byte) { same(bad, data, messages)[testPage-700] ^= 1 }, n - 1},
		"the newest meta page":  {func(bad []byte) { bad[newest(data)*testPage+40] ^= 1 }, n},
		"both meta pages":       {func(bad []byte) { bad[40] ^= 1; bad[testPage+40] ^= 1 }, n},
		"the list of buckets":   {func(bad []byte) { clear(same(bad, data, rootPage(t, data))) }, n},
		"everything but a page": {func(bad []byte) { p := bytes.Clone(messages); clear(bad); copy(same(bad, data, messages), p) }, 5},
	} {
		t.Run(name, func(t *testing.T) {
			bad := bytes.Clone(data)
			c.damage(bad)
			r, err := Check(bytes.NewReader(bad), int64(len(bad)))
			if err != nil || r.Sound() {
				t.Errorf("Check = %+v, %v; want a problem", r, err)
			}
			r, _ = salvaged(t, bad)
			if got := r.Copied[record.Plain]; got < c.least || got > n {
				t.Errorf("%d messages salvaged, want %d at least; %v", got, c.least, r.Problems)
			}
		})
	}
}

// same is the part of b that part is of a.
func same(b, a, part []byte) []byte {
	for at := 0; at < len(a); at += testPage {
		if &a[at] == &part[0] {
			return b[at : at+testPage]
		}
	}
	panic("no part of it")
}

func newest(data []byte) int {
	f, _ := Open(bytes.NewReader(data), int64(len(data)))
	return int(f.TX() % 2)
}

func rootPage(t *testing.T, data []byte) []byte {
	t.Helper()
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return data[f.meta.root*testPage:][:testPage]
}

func TestMissingEntriesAreCounted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, sound(t, 20), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		return errors.Join((&record.Counts{record.Plain: 22}).Seal(tx), tx.Bucket([]byte("plain")).Delete(record.SeqKey(3)))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	data, _ := os.ReadFile(path)
	r, err := Check(bytes.NewReader(data), int64(len(data)))
	if err != nil || r.Missing(record.Plain) != 3 || !strings.Contains(strings.Join(r.Problems, "\n"), "3 of 22 keys of bucket plain") {
		t.Errorf("Check = %+v, %v; want three missing", r, err)
	}
}

func TestSalvageDoesNotOverwrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "there")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	data := sound(t, 1)
	if _, err := Salvage(bytes.NewReader(data), int64(len(data)), path); !errors.Is(err, os.ErrExist) {
		t.Errorf("Salvage = %v, want ErrExist", err)
	}
	if got, _ := os.ReadFile(path); string(got) != "mine" {
		t.Errorf("the file that was there is now %.20q", got)
	}
}

func FuzzFile(f *testing.F) {
	f.Add(uint32(5000), uint32(1), []byte("x"))
	f.Fuzz(func(t *testing.T, at, bits uint32, noise []byte) {
		data := sound(t, 30)
		if bits&1 != 0 {
			data = several(t)
		}
		for i := range data[:min(len(data), 40*testPage)] {
			if uint32(i) >= at && i-int(at) < len(noise) {
				data[i] ^= noise[i-int(at)] ^ byte(bits)
			}
		}
		_, _ = walked(data)
		if _, err := Check(bytes.NewReader(data), int64(len(data))); err != nil {
			t.Errorf("Check = %v", err)
		}
	})
}

func testTime() time.Time { return time.Unix(1_700_000_000, 0) }
