package ingest

import (
	"errors"
	"net"
	"syscall"
	"testing"

	"carrier/receiver"
)

func TestStartThatCannotSucceedSaysSo(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	other := start(t, Options{})
	cases := map[string]Options{
		"a port that is taken":               {Address: taken.Addr().String(), DataDir: t.TempDir()},
		"a queue that is in use":             {Address: "127.0.0.1:0", DataDir: other.options.DataDir},
		"a directory that is a file":         {Address: "127.0.0.1:0", DataDir: "/dev/null"},
		"an exposed address without a token": {Address: "0.0.0.0:0", DataDir: t.TempDir()},
		"no address":                         {Address: "nonsense", DataDir: t.TempDir()},
	}
	for name, o := range cases {
		t.Run(name, func(t *testing.T) {
			r := newSingle(o)
			err := r.Open(t.Context())
			if receiver.ClassOf(err) != receiver.Invalid {
				t.Errorf("Open = %v of class %s, want invalid", err, receiver.ClassOf(err))
			}
			if err := r.Close(); err != nil {
				t.Errorf("Close = %v", err)
			}
		})
	}
}

func TestOpenIsTriedAgain(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := newSingle(Options{Address: taken.Addr().String(), DataDir: t.TempDir()})
	defer func() { _ = r.Close() }()
	if err := r.Open(t.Context()); err == nil {
		t.Fatal("Open succeeded on a port that is taken")
	}
	_ = taken.Close()
	if err := r.Open(t.Context()); err != nil {
		t.Fatalf("Open = %v once the port is free", err)
	}
	send(t, r, "POST", "/", "a").id(t)
}

func TestExposedAddressIsAllowedOnDemand(t *testing.T) {
	everywhere := &net.TCPAddr{IP: net.IPv4zero, Port: 1}
	for name, o := range map[string]Options{"anonymous": {AllowAnonymous: true}, "with a token": {Token: "t"}} {
		if err := newSingle(o).checkExposed(everywhere); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAddressOfThisHostNeedsNoToken(t *testing.T) {
	for _, address := range []string{"localhost:0", "LOCALHOST:0", "127.0.0.5:0", "[::ffff:127.0.0.1]:0", "[::1]:0", "[::1%lo]:0"} {
		r := newSingle(Options{Address: address, DataDir: t.TempDir()})
		if err := r.Open(t.Context()); err != nil && !errors.Is(err, syscall.EADDRNOTAVAIL) && !errors.Is(err, syscall.EAFNOSUPPORT) {
			t.Errorf("Open on %s = %v", address, err)
		}
		if err := r.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
	}
}
