package peer

import (
	"net"
	"testing"
	"time"
)

func TestPeerIsLookedAt(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for name, act := range map[string]func(net.Conn) error{
		"one that closes":         net.Conn.Close,
		"one that speaks unasked": func(c net.Conn) error { _, err := c.Write([]byte("x")); return err },
	} {
		near, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		far, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		p := Of(near)
		for range 2 {
			if !p.Waits() {
				t.Errorf("%s: does not wait before it does", name)
			}
		}
		if err := act(far); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(10 * time.Second); p.Waits(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: was not noticed", name)
			}
		}
		_, _ = near.Close(), far.Close()
	}
}

func TestPeerThatCannotBeLookedAtWaits(t *testing.T) {
	near, far := net.Pipe()
	defer func() { _ = near.Close() }()
	if err := far.Close(); err != nil || !Of(near).Waits() {
		t.Errorf("a pipe: %v, or taken for closed", err)
	}
}
