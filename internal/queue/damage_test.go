package queue

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"carrier/internal/queue/queuefile"
	"carrier/internal/queue/record"
)

// damageChild names the range of damaged files that a child process is to live with.
const damageChild = "QUEUE_TEST_DAMAGE"

// damagedFiles is how many files are damaged: a few of each kind, or what CARRIER_DAMAGE says.
func damagedFiles(t *testing.T) int {
	t.Helper()
	given := os.Getenv("CARRIER_DAMAGE")
	if given == "" {
		return 6 * len(damages())
	}
	n, err := strconv.Atoi(given)
	if err != nil {
		t.Fatalf("CARRIER_DAMAGE=%s: %v", given, err)
	}
	return n
}

// TestNoDamageIsACrashLoop damages a file in every way and starts on it three times: no start may
// fail or end the process, and the third one finds a queue that works.
func TestNoDamageIsACrashLoop(t *testing.T) {
	n := damagedFiles(t)
	dir := t.TempDir()
	whole, older := damageBase(t)
	for name, data := range map[string][]byte{"whole": whole, "older": older} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			for from := w * n / workers; from < (w+1)*n/workers; {
				from = liveWith(t, dir, from, (w+1)*n/workers)
			}
		})
	}
	wg.Wait()
}

// liveWith runs a child that lives with damaged files from number from on, and returns the number
// after the last one it came to.
func liveWith(t *testing.T, dir string, from, until int) int {
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), fmt.Sprintf("%s=%s:%d:%d", damageChild, dir, from, until), "GOTRACEBACK=single")
	var stderr strings.Builder
	child.Stderr = &stderr
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Error(err)
		return until
	}
	if err := child.Start(); err != nil {
		t.Error(err)
		return until
	}
	last := strconv.Itoa(from) + " nothing yet"
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if text, found := strings.CutPrefix(lines.Text(), "fault "); found {
			t.Error(text)
			continue
		}
		last = lines.Text()
	}
	if err := child.Wait(); err != nil {
		t.Errorf("file %s ends the process: %v\n%.2000s", last, err, stderr.String())
	}
	number, _, _ := strings.Cut(last, " ")
	i, _ := strconv.Atoi(number)
	return i + 1
}

// beDamaged is the child.
func beDamaged(task string) {
	parts := strings.Split(task, ":")
	from, _ := strconv.Atoi(parts[1])
	until, _ := strconv.Atoi(parts[2])
	whole, _ := os.ReadFile(filepath.Join(parts[0], "whole"))
	older, _ := os.ReadFile(filepath.Join(parts[0], "older"))
	for i := from; i < until; i++ {
		kind := damages()[i%len(damages())]
		fmt.Println(i, kind.name)
		dir, _ := os.MkdirTemp(parts[0], "life")
		r := rand.New(rand.NewPCG(uint64(i), 7))
		data := kind.damage(append([]byte(nil), whole...), older, r)
		_ = os.WriteFile(filepath.Join(dir, queuefile.Name), data, 0o600)
		var err error
		for life := range 3 {
			err = live(dir, kind.running && life == 0, r)
			if errors.Is(err, errStart) {
				break
			}
		}
		if err != nil {
			fmt.Printf("fault file %d (%s): %v\n", i, kind.name, err)
		}
		_ = os.RemoveAll(dir)
	}
}

var errStart = errors.New("start")

// live opens the queue in dir, uses it in every way and closes it.
func live(dir string, damageIt bool, r *rand.Rand) error {
	q, err := Open(Options{Dir: dir, Lease: time.Hour, commit: func(tx *bbolt.Tx) error {
		tx.DB().NoSync = true // nobody pulls the plug here
		return tx.Commit()
	}})
	if err != nil {
		return fmt.Errorf("%w: %w", errStart, err)
	}
	if damageIt {
		path := filepath.Join(dir, queuefile.Name)
		data, _ := os.ReadFile(path)
		for range 20 {
			flip(data, r)
		}
		_ = os.WriteFile(path, data, 0o600)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err = use(ctx, q, r)
	return errors.Join(err, q.Close())
}

func use(ctx context.Context, q *Queue, r *rand.Rand) error {
	for i := range 10 {
		e := Entry{Body: make([]byte, r.IntN(6000)), Key: fmt.Sprint("new", r.Uint64())}
		if i%2 == 0 {
			e.Group = fmt.Sprint("g", r.IntN(40))
		}
		if _, err := q.Put(ctx, e); err != nil {
			return fmt.Errorf("put: %w", err)
		}
	}
	q.StopWaiting()
	for _, s := range q.set.Configured() {
		if err := useOne(ctx, q, s); err != nil {
			return err
		}
	}
	return nil
}

func useOne(ctx context.Context, q *Queue, s *Subscription) error {
	s.Counts()
	for n := 0; ; n++ {
		batch, err := s.Receive(ctx, 50)
		if err != nil || len(batch) == 0 {
			return err
		}
		for i, d := range batch {
			switch (n + i) % 7 {
			case 0:
				err = d.GiveBack(ctx, Retry{Delay: time.Hour})
			case 1:
				err = d.DeadLetter(ctx, Reason{Text: "no"})
			default:
				err = d.Remove(ctx)
			}
			if err != nil {
				return fmt.Errorf("settle: %w", err)
			}
		}
	}
}

// damageBase is a file with something in each bucket, and what it was some commits before.
func damageBase(t *testing.T) (whole, older []byte) {
	q := open(t, Options{Subscriptions: named("", "b", "c")})
	put := func(from, to int) {
		var wg sync.WaitGroup
		for i := from; i < to; i++ {
			e := Entry{Body: make([]byte, []int{10, 300, 900, 2500, 9000}[i%5])}
			switch i % 4 {
			case 1:
				e.Group = fmt.Sprint("g", i%40)
			case 2:
				e.Key = fmt.Sprint("key", i)
			case 3:
				e.To = uint64(i/4%7 + 1)
				e.Delay = time.Duration(i%2) * time.Hour
			}
			wg.Go(func() { q.mustPut(t, e) })
		}
		wg.Wait()
	}
	put(0, 200)
	for i, d := range q.takeN(t, 60) {
		var err error
		switch i % 3 {
		case 0:
			err = d.GiveBack(t.Context(), Retry{Delay: time.Hour, Failed: true})
		case 1:
			err = d.DeadLetter(t.Context(), Reason{Text: "no", Status: 404})
		default:
			err = d.Quarantine(t.Context(), record.ErrDamaged)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := takeNOf(t, q.Subscription(2), 1)[0].DeadLetter(t.Context(), Reason{Text: "no"}); err != nil {
		t.Fatal(err)
	}
	q.remove(t, takeNOf(t, q.Subscription(1), 20)...)
	older = trimmed(q.fileNow(t))
	put(200, 300)
	q.remove(t, q.takeN(t, 20)...)
	return trimmed(q.fileNow(t)), older
}

func (q *Queue) fileNow(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(q.killed(t), queuefile.Name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// trimmed is data without what was reserved and never written to.
func trimmed(data []byte) []byte {
	for len(data) > damagePage && strings.Count(string(data[len(data)-damagePage:]), "\x00") == damagePage {
		data = data[:len(data)-damagePage]
	}
	return data
}

const damagePage = 4096

// A damageKind is one way to damage a file.
type damageKind struct {
	name    string
	running bool // it is damaged while it is in use
	damage  func(data, older []byte, r *rand.Rand) []byte
}

func damages() []damageKind {
	kinds := []damageKind{
		{name: "one bit", damage: func(d, _ []byte, r *rand.Rand) []byte { return flip(d, r) }},
		{name: "ten bits", damage: func(d, _ []byte, r *rand.Rand) []byte {
			for range 10 {
				flip(d, r)
			}
			return d
		}},
		{name: "a zeroed page", damage: func(d, _ []byte, r *rand.Rand) []byte {
			clear(pageOf(d, r))
			return d
		}},
		{name: "a zeroed sector", damage: func(d, _ []byte, r *rand.Rand) []byte {
			clear(pageOf(d, r)[512*r.IntN(8):][:512])
			return d
		}},
		{name: "a page of noise", damage: func(d, _ []byte, r *rand.Rand) []byte {
			p := pageOf(d, r)
			for i := range p {
				p[i] = byte(r.Uint32())
			}
			return d
		}},
		{name: "a page twice", damage: func(d, _ []byte, r *rand.Rand) []byte {
			copy(pageOf(d, r), pageOf(d, r))
			return d
		}},
		{name: "a page under another number", damage: func(d, _ []byte, r *rand.Rand) []byte {
			to := pageOf(d, r)
			id := binary.NativeEndian.Uint64(to)
			copy(to, pageOf(d, r))
			binary.NativeEndian.PutUint64(to, id)
			return d
		}},
		{name: "lost writes", damage: func(d, older []byte, r *rand.Rand) []byte {
			for range 1 + r.IntN(4) {
				if at := damagePage * (2 + r.IntN(len(older)/damagePage-2)); at+damagePage <= len(d) {
					copy(d[at:at+damagePage], older[at:])
				}
			}
			return d
		}},
		{name: "cut off", damage: func(d, _ []byte, r *rand.Rand) []byte { return d[:r.IntN(len(d))] }},
		{name: "cut off at a page", damage: func(d, _ []byte, r *rand.Rand) []byte {
			return d[:damagePage*r.IntN(len(d)/damagePage)]
		}},
		{name: "one meta page", damage: func(d, _ []byte, r *rand.Rand) []byte {
			flip(d[damagePage*r.IntN(2):][:80], r)
			return d
		}},
		{name: "both meta pages", damage: func(d, _ []byte, r *rand.Rand) []byte {
			flip(d[:80], r)
			flip(d[damagePage:][:80], r)
			return d
		}},
		{name: "while it is in use", running: true, damage: func(d, _ []byte, _ *rand.Rand) []byte { return d }},
		{name: "not a database", damage: func(_, _ []byte, r *rand.Rand) []byte {
			return make([]byte, r.IntN(5*damagePage))
		}},
	}
	for _, field := range []struct {
		name     string
		at, size int
	}{{"number", 0, 8}, {"flags", 8, 2}, {"count", 10, 2}, {"overflow", 12, 4}} {
		kinds = append(kinds, damageKind{name: "a page's " + field.name, damage: func(d, _ []byte, r *rand.Rand) []byte {
			flip(pageOf(d, r)[field.at:][:field.size], r)
			return d
		}})
	}
	for _, field := range []struct {
		name string
		at   int
	}{{"page size", 8}, {"root", 16}, {"free list", 32}, {"high-water mark", 40}, {"transaction", 48}} {
		kinds = append(kinds, damageKind{name: "a sealed meta with another " + field.name, damage: func(d, _ []byte, r *rand.Rand) []byte {
			for _, at := range []int{16, damagePage + 16} {
				m := d[at : at+64]
				binary.NativeEndian.PutUint32(m[field.at:], r.Uint32N(uint32(2*len(d)/damagePage)))
				h := fnv.New64a()
				_, _ = h.Write(m[:56])
				binary.NativeEndian.PutUint64(m[56:], h.Sum64())
			}
			return d
		}})
	}
	for i, field := range []string{"flags or position", "position or key size", "key size or page", "value size or page"} {
		kinds = append(kinds, damageKind{name: "an entry's " + field, damage: func(d, _ []byte, r *rand.Rand) []byte {
			p := pageOf(d, r)
			n := max(1, min(int(binary.NativeEndian.Uint16(p[10:])), 200))
			flip(p[16+16*r.IntN(n)+4*i:][:4], r)
			return d
		}})
	}
	return append(kinds, damageKind{name: "a branch", damage: func(d, _ []byte, r *rand.Rand) []byte {
		for range 1000 {
			if p := pageOf(d, r); binary.NativeEndian.Uint16(p[8:]) == 1 {
				n := int(binary.NativeEndian.Uint16(p[10:]))
				flip(p[:min(damagePage, 16+n*(16+40))], r)
				break
			}
		}
		return d
	}})
}

func flip(d []byte, r *rand.Rand) []byte {
	if len(d) > 0 {
		d[r.IntN(len(d))] ^= 1 << r.IntN(8)
	}
	return d
}

func pageOf(d []byte, r *rand.Rand) []byte {
	at := damagePage * (2 + r.IntN(len(d)/damagePage-2))
	return d[at : at+damagePage]
}
