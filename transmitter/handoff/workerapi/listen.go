package workerapi

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
)

// socketMode lets the socket's owner and group connect: in a pod, whoever shares its fsGroup.
const socketMode = 0o660

// socketPath is the path in the address of a Unix socket.
func socketPath(address string) (path string, is bool) { return strings.CutPrefix(address, "unix://") }

// listen listens on address. A socket that a program left behind when it was killed is replaced; one
// that somebody listens on is not.
func listen(ctx context.Context, address string) (net.Listener, error) {
	path, is := socketPath(address)
	if !is {
		return new(net.ListenConfig).Listen(ctx, "tcp", address)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if errors.Is(err, syscall.EADDRINUSE) && isLeft(ctx, path) && os.Remove(path) == nil {
		listener, err = new(net.ListenConfig).Listen(ctx, "unix", path)
	}
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, socketMode); err != nil {
		_ = listener.Close()
		return nil, err
	}
	return listener, nil
}

// isLeft reports whether path is a socket that nobody listens on.
func isLeft(ctx context.Context, path string) bool {
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != os.ModeSocket {
		return false
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err == nil {
		_ = conn.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}
