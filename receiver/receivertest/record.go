package receivertest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"carrier/message"
	"carrier/receiver"
)

// A Record is a receiver.Observer that writes everything down, and warnings as well. The zero Record is
// empty. It is safe for concurrent use.
type Record struct {
	mu       sync.Mutex
	counts   map[string]int
	warnings []string
}

// SourceCall counts under "call OPERATION".
func (r *Record) SourceCall(operation string) { r.count("call " + operation) }

// SourceError counts under "error OPERATION CLASS".
func (r *Record) SourceError(operation string, class receiver.Class) {
	r.count("error " + operation + " " + string(class))
}

// Duplicate counts under "duplicate CAUSE".
func (r *Record) Duplicate(cause string) { r.count("duplicate " + cause) }

func (r *Record) count(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts == nil {
		r.counts = map[string]int{}
	}
	r.counts[key]++
}

// Warn notes a warning about the message of that id, if it is about one.
func (r *Record) Warn(id, text string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.warnings = append(r.warnings, fmt.Sprintf("%s [%s]: %v", text, id, err))
}

// Of reads one count.
func (r *Record) Of(key string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts[key]
}

// Counts are all counts whose keys begin so.
func (r *Record) Counts(prefix string) map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := maps.Clone(r.counts)
	maps.DeleteFunc(all, func(key string, _ int) bool { return !strings.HasPrefix(key, prefix) })
	return all
}

// Warnings are the warnings so far, as "text [id]: error".
func (r *Record) Warnings() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.warnings)
}

// Warned reports whether a warning held text.
func (r *Record) Warned(text string) bool {
	return strings.Contains(strings.Join(r.Warnings(), "\n"), text)
}

// Take receives n messages from r, and fails the test unless they come within limit.
func Take(t *testing.T, r receiver.Receiver, n int, limit time.Duration) []*message.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var batch []*message.Message
	for len(batch) < n {
		more, err := r.Receive(ctx, n-len(batch))
		if err != nil {
			t.Fatalf("Receive: %v, after %d of %d messages", err, len(batch), n)
		}
		batch = append(batch, more...)
	}
	return batch
}
