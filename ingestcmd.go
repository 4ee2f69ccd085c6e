//go:build !noingest

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"carrier/config"
	"carrier/internal/deadletter"
	"carrier/internal/deadletter/adminapi"
	"carrier/internal/queue"
	"carrier/internal/queue/filecheck"
	"carrier/internal/queue/queuefile"
	"carrier/internal/queue/record"
	"carrier/receiver/ingest/deadletters"
	"carrier/receiver/ingest/listed"
)

// exitDamaged is the exit code of `carrier queue try`, which only carrier itself calls, for a file
// that is damaged. The Go runtime uses 2 for a panic.
const (
	exitDamaged = 3
	exitPanic   = 2
)

// queueCommand is `carrier queue ...`.
func queueCommand(args []string, stdout, stderr io.Writer) int {
	switch {
	case len(args) == 2 && args[0] == "check":
		return checkQueueFile(args[1], stdout, stderr)
	case len(args) == 3 && args[0] == "salvage":
		return salvageQueueFile(args[1], args[2], stdout, stderr)
	case len(args) == 2 && args[0] == "try":
		return triedQueueFile(args[1], stderr)
	case len(args) > 0 && slices.Contains([]string{"list", "show", "drop"}, args[0]):
		return queueMessagesCommand(args, stdout, stderr)
	default:
		return misused(stderr, "queue takes: list, show ID, drop ID, check FILE, or salvage FILE NEW")
	}
}

// checkQueueFile says what in the queue file at path is as it was written. It returns exitFailure
// where something is not.
func checkQueueFile(path string, stdout, stderr io.Writer) int {
	f, size, err := queuefile.OpenToRead(path)
	if err != nil {
		return printed(stderr, err)
	}
	defer func() { _ = f.Close() }()
	r, err := filecheck.Check(f, size)
	if err != nil {
		return printed(stderr, fmt.Errorf("read %s: %w", path, err))
	}
	if err := writeReport(stdout, r, &r.Vouched, "sound"); err != nil {
		return printed(stderr, err)
	}
	if r.Sound() {
		return printed(stderr, say(stdout, "%s is sound\n", path))
	}
	_ = say(stdout, "%s is damaged; carrier queue salvage %s NEW copies what is sound to NEW\n", path, path)
	return exitFailure
}

// salvageQueueFile copies what is sound in the queue file at path to a new one.
func salvageQueueFile(path, to string, stdout, stderr io.Writer) int {
	f, size, err := queuefile.OpenToRead(path)
	if err != nil {
		return printed(stderr, err)
	}
	defer func() { _ = f.Close() }()
	r, err := filecheck.Salvage(f, size, to)
	if err != nil {
		return printed(stderr, fmt.Errorf("salvage %s: %w", path, err))
	}
	if err := writeReport(stdout, r, &r.Copied, "copied"); err != nil {
		return printed(stderr, err)
	}
	if r.Orphans > 0 {
		_ = say(stdout, "%d of them lay on pages that nothing refers to any more: some may have been delivered before\n", r.Orphans)
	}
	return printed(stderr, say(stdout, "%s was not changed; %s is a new queue file: stop carrier and put it in the data directory as queue.db\n", path, to))
}

// writeReport writes what r says, with the counts that did names.
func writeReport(w io.Writer, r filecheck.Report, counts *record.Counts, did string) error {
	lines := []string{fmt.Sprintf("last commit         %d", r.TX)}
	for _, line := range []struct {
		name    string
		buckets []record.Bucket
	}{
		{"messages", []record.Bucket{record.Plain, record.Indexed}},
		{"receive counts", []record.Bucket{record.States}},
		{"dead letters", []record.Bucket{record.Dead}},
		{"idempotency keys", []record.Bucket{record.Keys}},
		{"damaged, set aside", []record.Bucket{record.Quarantined}},
	} {
		var done, damaged, missing uint64
		for _, b := range line.buckets {
			done, damaged, missing = done+counts[b], damaged+r.Damaged[b], missing+r.Missing(b)
		}
		lines = append(lines, fmt.Sprintf("%-19s %d %s, %d damaged, %d missing", line.name, done, did, damaged, missing))
	}
	for _, p := range r.Problems {
		lines = append(lines, "problem: "+p)
	}
	if r.More > 0 {
		lines = append(lines, fmt.Sprintf("problem: and %d more", r.More))
	}
	return say(w, "%s\n", strings.Join(lines, "\n"))
}

// dropDeadLetters deletes all dead letters, those of one route where one is named.
func dropDeadLetters(c config.Config, route string, stdout io.Writer) error {
	n := 0
	err := withQueue(c.Ingest.DataDir, func(q *queue.Queue) (err error) {
		if route != "" {
			n, err = q.DropDeadLettersOf(context.Background(), listed.StoredName(route))
		} else {
			n, err = q.DropDeadLetters(context.Background())
		}
		return err
	})
	if err != nil {
		return withoutQueue(c, err)
	}
	return say(stdout, "%d dead letters dropped from %s\n", n, c.Ingest.DataDir)
}

// withoutQueue is err, of a command about the queue file; where there is no file because no route takes
// messages over HTTP, it says so.
func withoutQueue(c config.Config, err error) error {
	var receivers []string
	for _, r := range c.Routes {
		if r.Receiver == config.Ingest {
			return err
		}
		if r.Receiver != "" && !slices.Contains(receivers, r.Receiver) {
			receivers = append(receivers, r.Receiver)
		}
	}
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return fmt.Errorf("carrier keeps no queue here: its receiver is %s, and what waits is in that queue; CARRIER_INGEST_DATA_DIR holds none either: %w",
		strings.Join(receivers, ", "), err)
}

// withIngestLetters calls do with the dead letters of an ingest route: those of the carrier that runs
// on the data directory, else those in the file.
func withIngestLetters(c config.Config, route string, do func(deadletter.Store) error) error {
	err := withQueue(c.Ingest.DataDir, func(q *queue.Queue) error {
		return do(deadletters.Store{Letters: deadletters.Letters{Queue: q}, Route: route})
	})
	if !errors.Is(err, queue.ErrLocked) {
		return err
	}
	return do(adminapi.Remote{Route: route, Ask: func(ctx context.Context, method, path string, in, out any) error {
		return askWith(ctx, c, method, path, in, out)
	}})
}

// withQueue calls do with the queue in dir, whose subscriptions stay as they are.
func withQueue(dir string, do func(*queue.Queue) error) error {
	if _, err := os.Stat(filepath.Join(dir, queuefile.Name)); err != nil {
		return fmt.Errorf("no queue in CARRIER_INGEST_DATA_DIR: %w", err)
	}
	var reported []error
	q, err := queue.Open(queue.Options{
		Dir: dir, TryFile: tryQueueFile,
		Report: func(event string, err error) {
			if event != queue.SubscriptionDropped {
				reported = append(reported, fmt.Errorf("%s: %w", event, err))
			}
		},
	})
	if errors.Is(err, queue.ErrLocked) {
		return fmt.Errorf("%w: a carrier runs on %s: stop it first, or let it make room itself with CARRIER_INGEST_DEAD_LETTER_FULL=drop-oldest", err, dir)
	}
	if err != nil {
		return err
	}
	err = errors.Join(do(q), q.Close())
	return errors.Join(append(reported, err)...)
}

// tryTimeout is how long a large file may take to be tried.
const tryTimeout = 5 * time.Minute

// tryQueueFile lets another process open the queue file at path. That it could not be started, was
// killed or took too long says nothing about the file.
func tryQueueFile(path string) error {
	self, err := os.Executable()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), tryTimeout)
	defer cancel()
	child := exec.CommandContext(ctx, self, "queue", "try", path)
	child.Env = []string{"GOTRACEBACK=single"} // nothing of what this process was told in confidence
	out, err := child.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && (exit.ExitCode() == exitPanic || exit.ExitCode() == exitDamaged) {
		first, _, _ := strings.Cut(string(out), "\n")
		return fmt.Errorf("%w: %.200s", queue.ErrDamagedFile, first)
	}
	return nil
}

// triedQueueFile is the other process.
func triedQueueFile(path string, stderr io.Writer) int {
	err := queuefile.TryFile(path)
	_ = printed(stderr, err)
	switch {
	case errors.Is(err, queue.ErrDamagedFile):
		return exitDamaged
	case err != nil:
		return exitFailure
	default:
		return exitOK
	}
}
