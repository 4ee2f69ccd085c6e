package programtest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"
)

// Ports are below the range that systems choose from by themselves, so that one that is
// free when it is chosen stays free until it is taken. Suites that run at the same time begin
// at different ones.
const (
	firstPort = 12000
	portCount = 18000
)

//nolint:gochecknoglobals // no two tests of a process may get the same port
var (
	firstTried = rand.IntN(portCount)
	tried      atomic.Int32
)

// FreeAddress returns an address on 127.0.0.1 that nobody listens on.
func FreeAddress(t *testing.T) string {
	t.Helper()
	l := FreeListener(t)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

// FreeListener listens on such an address.
func FreeListener(t *testing.T) net.Listener {
	t.Helper()
	for range portCount {
		port := firstPort + (firstTried+int(tried.Add(1)))%portCount
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil { //nolint:noctx // the caller closes it
			return l
		}
	}
	t.Fatal("no port is free")
	return nil
}
