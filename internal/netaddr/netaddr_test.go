package netaddr

import (
	"context"
	"net"
	"strings"
	"testing"
)

func TestLoopbackIsReachedFromThisMachineAlone(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:80": true, "127.1.2.3:80": true, "[::1]:80": true, "[::1%lo]:80": true, "[::ffff:127.0.0.1]:80": true,
		"localhost:80": true, "LOCALHOST:80": true, "LocalHost:80": true,
		":80": false, "0.0.0.0:80": false, "[::]:80": false, "10.0.0.1:80": false, "[fe80::1%eth0]:80": false,
		"localhost.example.org:80": false, "example.org:80": false, "localhost": false, "127.0.0.1": false, "": false,
	} {
		if got := IsLoopback(address); got != want {
			t.Errorf("IsLoopback(%q) = %v", address, got)
		}
	}
}

func TestAddressToListenOnIsWellFormed(t *testing.T) {
	for address, want := range map[string]bool{
		":80": true, "127.0.0.1:0": true, "[::1%lo]:65535": true, "LOCALHOST:80": true, "my-host_1.example.org.:80": true,
		"": false, "80": false, ":x": false, ":-1": false, ":65536": false, "a:b:c": false, "http://h:1": false, "h/p:1": false,
		"a b:80": false, "a\n:80": false, "\ufeffhost:80": false, "256.1.1.1:80": false, "10.0.0:80": false, "-h:80": false,
		"h..x:80": false, "u@h:80": false, strings.Repeat("x", 64) + ":80": false,
	} {
		if got := Listenable(address); got != want {
			t.Errorf("Listenable(%q) = %v", address, got)
		}
	}
}

// TestLoopbackAddressesCanBeOpened holds the two to the system: what passes here must not fail
// when it is opened.
func TestLoopbackAddressesCanBeOpened(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "LOCALHOST:0", "localhost:0"} {
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
		if err != nil || !IsLoopback(address) || !IsLoopback(l.Addr().String()) {
			t.Errorf("%s: %v", address, err)
		}
		if l != nil {
			_ = l.Close()
		}
	}
}
