package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A ledger counts how often each message was posted, by the workers' own word.
type ledger map[string]int

// add counts what a worker has printed.
func (l ledger) add(lines []line) {
	for _, line := range lines {
		if id, is := strings.CutPrefix(line.text, "  X-Carrier-Message-Id: "); is && line.from == "worker" {
			l[id]++
		}
	}
}

// exactlyOnce fails unless all of ids were posted once, and nothing else was.
func (l ledger) exactlyOnce(ids []string) error {
	for _, id := range ids {
		if l[id] != 1 {
			return fmt.Errorf("message %s was posted %d times", id, l[id])
		}
	}
	if len(l) != len(ids) {
		return fmt.Errorf("%d messages were sent, and these were posted: %v", len(ids), slices.Sorted(maps.Keys(l)))
	}
	return nil
}
