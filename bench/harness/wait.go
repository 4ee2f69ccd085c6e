package harness

import (
	"context"
	"fmt"
	"net"
	"time"
)

// Wait sleeps, and reports the end of ctx.
func Wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Until asks again and again, for as long as ctx allows.
func Until(ctx context.Context, every time.Duration, done func() (bool, error)) error {
	for {
		ok, err := done()
		if err != nil || ok {
			return err
		}
		if err := Wait(ctx, every); err != nil {
			return fmt.Errorf("waited in vain: %w", err)
		}
	}
}

// FreeAddress returns an address of the loopback interface at which nobody listens.
func FreeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // nothing to wait for
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// Listening waits until somebody listens at address.
func Listening(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return Until(ctx, 5*time.Millisecond, func() (bool, error) {
		conn, err := net.Dial("tcp", address) //nolint:noctx // loopback answers at once
		if err != nil {
			return false, nil
		}
		return true, conn.Close()
	})
}

// Micro is d in microseconds.
func Micro(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// Milli is d in milliseconds.
func Milli(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Mebi is n bytes in MiB.
func Mebi(n int64) float64 { return float64(n) / (1 << 20) }
