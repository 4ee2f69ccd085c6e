package test

import (
	"testing"
	"time"
)

// waitTimeout is how long anything may take that takes moments, on a machine that is slow and busy.
const waitTimeout = 30 * time.Second

// until waits for something to become true.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for begun := time.Now(); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begun) > waitTimeout {
			t.Fatalf("not within %v: %s", waitTimeout, what)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
