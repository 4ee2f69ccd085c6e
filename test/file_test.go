package test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"carrier/internal/testkit/programtest"
)

// Section 8: the file.

func TestCorruptFileIsSetAsideAndTheNextRunServes(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, file string){
		"garbage": func(t *testing.T, file string) {
			must(t, os.WriteFile(file, bytes.Repeat([]byte("garbage!"), 8192), 0o600))
		},
		"cut short": func(t *testing.T, file string) {
			must(t, os.Truncate(file, int64(2*os.Getpagesize()+13))) // the heads of it, and no more
		},
		"a few bytes": func(t *testing.T, file string) { must(t, os.WriteFile(file, []byte("x"), 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := onlyStored(t, nil)
			b.putAll("a", "b")
			b.stop()
			file := filepath.Join(b.onIngest().dir, "queue.db")
			spoil(t, file)
			b.worker.listen()
			b.start()
			b.awaitReady()
			loud := false
			for _, l := range b.log() {
				loud = loud || l.text("level") == "error" && strings.Contains(fmt.Sprint(l), file)
			}
			if !loud {
				t.Error("no error in the log names the file")
			}
			id := b.put(testMessage{Body: "new"})
			until(t, "the new message", func() bool { return len(b.worker.of(id)) == 1 })
			b.awaitEmpty()
			b.stop()
			files, err := filepath.Glob(file + "*")
			must(t, err)
			if len(files) != 2 {
				t.Errorf("%v in the data directory, want the new file and the one set aside", files)
			}
		})
	}
}

func TestQueueFileIsTheOwnersAlone(t *testing.T) {
	t.Parallel()
	b := onlyStored(t, nil)
	b.put(testMessage{Body: "a"})
	dir := b.onIngest().dir
	info, err := os.Stat(dir)
	must(t, err)
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the directory is %v", info.Mode())
	}
	files, err := os.ReadDir(dir)
	must(t, err)
	for _, f := range files {
		info, err := f.Info()
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s is %v", f.Name(), info.Mode())
		}
	}
	b.stop()
}

func TestSecondProcessOnTheSameDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofIngest, w, nil)
	other := b.env.with(env{"CARRIER_ADMIN_ADDRESS": programtest.FreeAddress(t), "CARRIER_INGEST_ADDRESS": programtest.FreeAddress(t)})
	p := run(t, other)
	if p.code != 1 {
		t.Errorf("exit code %d, want 1", p.code)
	}
	said := false
	for _, l := range p.log() {
		said = said || l.text("level") == "error" && strings.Contains(l.text("error"), "process")
	}
	if !said {
		t.Errorf("no clear error:\n%s", p.stdout.String())
	}
	b.put(testMessage{Body: "still here"})
	w.await(1)
	b.awaitEmpty()
	b.stop()
}
