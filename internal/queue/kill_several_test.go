package queue

import (
	"bufio"
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"carrier/internal/queue/queuefile"
)

// severalChild names the directory and the round of a child process that is killed while several
// subscriptions deliver.
const severalChild = "QUEUE_TEST_SEVERAL"

// roundOfTheLast is the round from which on there is a sixth subscription.
const roundOfTheLast = 3

func subscriptionsOf(round int) []SubscriptionOptions {
	names := []string{"s0", "s1", "s2", "s3", "s4"}
	if round >= roundOfTheLast {
		names = append(names, "s5")
	}
	return named(names...)
}

// gets says whether the subscription with a number is to get the body, which begins with its round:
// a third of the bodies is for all that there were, the others are for some of the first five.
func gets(body string, number int) bool {
	round, _, _ := strings.Cut(body, "-")
	r, _ := strconv.Atoi(round)
	if set := setOf(body); set != 0 {
		return set&(1<<number) != 0
	}
	return number < 5 || r >= roundOfTheLast
}

func setOf(body string) uint64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(body))
	if n := h.Sum32(); n%3 != 0 {
		return uint64(n/3%31 + 1)
	}
	return 0
}

const severalBody = 16 << 10

// beKilledWithSeveral stores messages and delivers them to all subscriptions but number 4, which
// gives back what it gets, and says so on stdout, until it is killed.
func beKilledWithSeveral(task string) {
	dir, round, _ := strings.Cut(task, "|")
	r, _ := strconv.Atoi(round)
	q, err := Open(Options{Dir: dir, Subscriptions: subscriptionsOf(r)})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	ctx := context.Background()
	var out sync.Mutex
	say := func(what string, number int, body []byte) {
		name, _, _ := strings.Cut(string(body), " ")
		out.Lock()
		defer out.Unlock()
		_, _ = fmt.Fprintf(os.Stdout, "%s %d %s\n", what, number, name)
	}
	for p := range 4 {
		go func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("%d-%d-%d", r, p, i)
				body := append([]byte(name+" "), make([]byte, severalBody)...)
				e := Entry{Body: body, To: setOf(name)}
				if i%2 == 0 {
					e.Group = fmt.Sprint("g", i%6)
				}
				if _, err := q.Put(ctx, e); err == nil {
					say("stored", 0, body)
				}
			}
		}()
	}
	for i, s := range q.set.Configured() {
		go func() {
			for {
				batch, err := s.Receive(ctx, 5)
				if err != nil {
					return
				}
				for _, d := range batch {
					say("got", i, d.Body)
					if i == 4 {
						_ = d.GiveBack(ctx, Retry{Delay: time.Second})
						continue
					}
					if d.Remove(ctx) == nil {
						say("removed", i, d.Body)
					}
				}
			}
		}()
	}
	select {}
}

// TestKilledProcessLosesNothingOfAnySubscription kills processes while five and then six
// subscriptions deliver: what was stored reaches each one that it is for, nothing reaches another,
// what one has ended does not come again, and the file shrinks when all have ended all.
func TestKilledProcessLosesNothingOfAnySubscription(t *testing.T) {
	dir := t.TempDir()
	stored := map[string]bool{}
	got, removed := map[string]bool{}, map[string]bool{}
	for round := range 6 {
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%d", severalChild, dir, round))
		stdout, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		until := 100 + rand.IntN(100)
		n := 0
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			var what, body string
			var number int
			if _, err := fmt.Sscanf(lines.Text(), "%s %d %s", &what, &number, &body); err != nil {
				t.Fatalf("the child said %q", lines.Text())
			}
			key := fmt.Sprint(number, " ", body)
			switch what {
			case "stored":
				stored[body] = true
				if n++; n >= until {
					_ = child.Process.Kill() // what it still said until then is read as well
				}
			case "got":
				if got[key] = true; removed[key] {
					t.Errorf("%s had ended %s, and gets it again", subscriptionsOf(9)[number].Name, body)
				}
			case "removed":
				removed[key] = true
			}
		}
		_ = child.Wait()
	}
	var e events
	q := open(t, Options{Dir: dir, Subscriptions: subscriptionsOf(9), Report: e.report})
	before := fileSize(t, dir)
	for i := range q.set.Configured() {
		if _, err := takeAll(t, q.Subscription(i), func(body string) { got[fmt.Sprint(i, " ", body)] = true }); err != nil {
			t.Fatal(err)
		}
	}
	for body := range stored {
		for i := range q.set.Configured() {
			if gets(body, i) && !got[fmt.Sprint(i, " ", body)] {
				t.Errorf("%s was stored, and s%d never got it", body, i)
			}
		}
	}
	for key := range got {
		number, body, _ := strings.Cut(key, " ")
		if i, _ := strconv.Atoi(number); !gets(body, i) {
			t.Errorf("s%d got %s, which is not for it", i, body)
		}
	}
	q.wantUsage(t, 0, 0)
	q.putAll(t, "", "after all")
	if after := fileSize(t, dir); before < 8<<20 || after > before/2 {
		t.Errorf("the file had %d bytes and has %d, emptied", before, after)
	}
	if len(e.all) > 0 || len(stored) < 600 {
		t.Errorf("%d stored, reported %v", len(stored), e.all)
	}
}

// takeAll removes all that s has, delayed or not.
func takeAll(t *testing.T, s *Subscription, each func(body string)) (n int, err error) {
	t.Helper()
	for s.Counts().Messages > 0 {
		batch, err := s.Receive(t.Context(), 100)
		if err != nil {
			return n, err
		}
		for _, d := range batch {
			name, _, _ := strings.Cut(string(d.Body), " ")
			each(name)
			if err := d.Remove(t.Context()); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}

func fileSize(t *testing.T, dir string) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, queuefile.Name))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
