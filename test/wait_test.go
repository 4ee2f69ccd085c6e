package test

import (
	"testing"
	"time"
)

// limit is how long anything may take that takes moments, on a machine that is slow
// and busy.
const limit = 30 * time.Second

// until waits for something to become true.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for begun := time.Now(); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begun) > limit {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
