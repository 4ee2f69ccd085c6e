package http1

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"time"
)

// closeNotifyTimeout is how long Probe waits for the server to answer TLS's close_notify.
const closeNotifyTimeout = time.Second

// connect makes a connection that requests can be sent on.
func (o Options) connect(ctx context.Context) (*conn, error) {
	plain, err := o.Dial(ctx)
	if err != nil {
		return nil, err
	}
	s := newSocket(plain)
	if o.TLS == nil {
		return newConn(s, nil), nil
	}
	secured := tls.Client(s, o.TLS())
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = plain.Close()
		return nil, &HandshakeError{err}
	}
	return newConn(s, secured), nil
}

// Probe reports whether requests could be sent: it makes a connection, TLS handshake included, and
// closes it. It uses none of the connections that requests are counted by. It returns when ctx ends.
func (c *Client) Probe(ctx context.Context) error {
	k, err := c.opts.connect(ctx)
	if err != nil {
		return err
	}
	defer k.closeAtOnce()
	if k.secured == nil || k.secured.ConnectionState().Version < tls.VersionTLS13 {
		return nil
	}
	return k.awaitVerdict(ctx)
}

// awaitVerdict waits for what the server says of our certificate. In TLS 1.3 the handshake is over
// for a client before the server has looked at that. A server that has nothing against it answers
// our close_notify with its own.
func (k *conn) awaitVerdict(ctx context.Context) error {
	end := time.Now().Add(closeNotifyTimeout)
	if sooner, ok := ctx.Deadline(); ok && sooner.Before(end) {
		end = sooner
	}
	if k.SetDeadline(end) != nil || !k.tie(ctx) || k.secured.CloseWrite() != nil {
		return ctx.Err()
	}
	var one [1]byte
	if _, err := k.secured.Read(one[:]); rejectsHandshake(err) {
		return &HandshakeError{err}
	}
	return ctx.Err()
}

// handshakeAlerts are the TLS alerts by which a server rejects a client (RFC 8446, section 6.2):
// handshake_failure, the six about certificates, unknown_ca, access_denied, decrypt_error,
// certificate_required.
func handshakeAlerts() []tls.AlertError {
	return []tls.AlertError{40, 42, 43, 44, 45, 46, 48, 49, 51, 116}
}

// rejectsHandshake reports whether err is an alert of the server by which it rejects a handshake that
// was complete for us. It has then decrypted no byte of the request.
func rejectsHandshake(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error" &&
		slices.ContainsFunc(handshakeAlerts(), func(a tls.AlertError) bool { return a.Error() == op.Err.Error() })
}
