package queue

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

const childDir = "QUEUE_TEST_CHILD_DIR"

// TestMain lets the test binary be the process that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		beKilled(dir)
		return
	}
	if task := os.Getenv(severalChild); task != "" {
		beKilledWithSeveral(task)
		return
	}
	if task := os.Getenv(damageChild); task != "" {
		beDamaged(task)
		return
	}
	verifyNoLeaks(m)
}

// beKilled stores and removes messages, and says so on stdout as soon as the queue has
// said so, until it is killed.
func beKilled(dir string) {
	q, err := Open(Options{Dir: dir})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	ctx := context.Background()
	var out sync.Mutex
	say := func(what, body string) {
		out.Lock()
		defer out.Unlock()
		_, _ = os.Stdout.WriteString(what + " " + body + "\n")
	}
	for p := range 8 {
		go func() {
			for i := 0; ; i++ {
				body := fmt.Sprintf("%d-%d", p, i)
				if _, err := q.Put(ctx, Entry{Body: []byte(body), Group: fmt.Sprint("g", p%3)}); err == nil {
					say("stored", body)
				}
			}
		}()
	}
	for {
		batch, err := q.Receive(ctx, 1)
		if err != nil {
			return
		}
		say("removing", string(batch[0].Body))
		if err := batch[0].Remove(ctx); err == nil {
			say("removed", string(batch[0].Body))
		}
	}
}

func TestKilledProcessLosesNothingItAnsweredFor(t *testing.T) {
	dir := t.TempDir()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	said := map[string]map[string]bool{"stored": {}, "removing": {}, "removed": {}}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		what, body, _ := strings.Cut(lines.Text(), " ")
		if said[what] == nil {
			t.Fatalf("the child said %q", lines.Text())
		}
		said[what][body] = true
		if len(said["stored"]) >= 400 && len(said["removed"]) >= 20 {
			_ = child.Process.Kill() // what it still said until then is read as well
		}
	}
	_ = child.Wait()
	var e events
	q := open(t, Options{Dir: dir, Report: e.report})
	left := map[string]bool{}
	for n := q.Counts().Messages; n > 0; n-- {
		d := q.take(t)
		left[string(d.Body)] = true
		q.remove(t, d)
	}
	for body := range said["stored"] {
		if !left[body] && !said["removing"][body] {
			t.Errorf("%s was stored, and is lost", body)
		}
	}
	for body := range said["removed"] {
		if left[body] {
			t.Errorf("%s was removed, and is back", body)
		}
	}
	if len(e.all) > 0 || len(said["stored"]) < 400 {
		t.Errorf("%d stored, reported %v", len(said["stored"]), e.all)
	}
}
