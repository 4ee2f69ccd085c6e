package test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync/atomic"
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

// wait waits for c to be closed.
func wait(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(limit):
		t.Fatalf("not within %v: %s", limit, what)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// freeAddress returns an address on 127.0.0.1 that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l := freeListener(t)
	must(t, l.Close())
	return l.Addr().String()
}

// freeListener listens on such an address.
func freeListener(t *testing.T) net.Listener {
	t.Helper()
	for range portCount {
		port := firstPort + (firstTried+int(tried.Add(1)))%portCount
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return l
		}
	}
	t.Fatal("no port is free")
	return nil
}

// Ports are below the range that systems choose from by themselves, so that one that is
// free when it is chosen stays free until it is taken. Suites that run at once begin at
// different ones.
const (
	firstPort = 12000
	portCount = 18000
)

var (
	firstTried = rand.IntN(portCount)
	tried      atomic.Int32
)
