// Package api connects to a NATS server, asks it for what receiver and publisher need, and sorts its
// errors. What the answers mean for a message is the matter of its callers.
package api

import (
	"context"
	"crypto/tls"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"carrier/receiver"
)

// The operations, named as they appear in metrics.
const (
	OpConnect = "connect"
	OpInfo    = "info"
	OpReceive = "receive"
	OpAck     = "acknowledge"
	OpNak     = "nak"
	OpExtend  = "extend"
	OpPublish = "publish"
	// OpLook and OpDelete are those of dead letters.
	OpLook   = "look"
	OpDelete = "delete"
)

// Operations lists every operation that an Observer is told of, for metrics that are there from the
// start.
func Operations() []string {
	return []string{OpConnect, OpInfo, OpReceive, OpAck, OpNak, OpExtend, OpPublish}
}

// CallTimeout is how long one call may take. A call that hangs must not use up the lease that it is
// to settle or to renew.
const CallTimeout = 5 * time.Second

// Options says which server is called, and how.
type Options struct {
	// URL is one URL of a server, or a list of them with commas.
	URL string
	// CredentialsFile holds a user's JWT and seed. It is read at each connect; empty means none.
	CredentialsFile string
	// Token is asked for at each connect; nil, or an empty one, means none.
	Token func() string
	// CAFile holds the authorities to trust in place of the system's. ClientCertFile and
	// ClientKeyFile are given together or not at all. All are read at each connect.
	CAFile, ClientCertFile, ClientKeyFile string
	// Name is what the server calls the connection, as "carrier/1.2.3"; may be empty.
	Name string
	// Observer is told of calls and failures.
	Observer receiver.Observer
	// Warn is told that the connection was lost, and that it is there again; err may be nil. It is
	// safe for concurrent use.
	Warn func(text string, err error)
}

// A Client is one connection, which is made anew whenever it is lost. It is safe for concurrent use.
type Client struct {
	Conn     *nats.Conn
	JS       jetstream.JetStream
	observer receiver.Observer

	mu        sync.Mutex
	forbidden error     // the last violation of a permission
	since     time.Time // when that was
}

// Connect reaches a server. What was being sent when the connection is lost is not sent again, and
// nothing is kept to be sent later: backing off belongs to the caller.
func Connect(ctx context.Context, o Options) (*Client, error) {
	c := &Client{observer: o.Observer}
	call := receiver.Call{Operation: OpConnect, Timeout: 2 * CallTimeout, Observer: o.Observer, Sort: sortError}
	_, err := receiver.Do(ctx, call, func(ctx context.Context) (_ struct{}, err error) {
		c.Conn, err = c.dial(ctx, o)
		return struct{}{}, err
	})
	if err != nil {
		return nil, err
	}
	c.JS, err = jetstream.New(c.Conn)
	return c, err
}

// dial connects, and gives up when ctx ends.
func (c *Client) dial(ctx context.Context, o Options) (*nats.Conn, error) {
	options := []nats.Option{
		nats.Name(o.Name), nats.MaxReconnects(-1), nats.ReconnectBufSize(-1), nats.Timeout(CallTimeout), nats.NoEcho(),
		nats.PingInterval(20 * time.Second), nats.ReconnectWait(500 * time.Millisecond),
		nats.ErrorHandler(c.noteError),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				o.Warn("the connection to NATS was lost; it is made anew", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { o.Warn("the connection to NATS is there again", nil) }),
	}
	options = append(options, o.security()...)
	type dialled struct {
		conn *nats.Conn
		err  error
	}
	done := make(chan dialled, 1)
	go func() {
		conn, err := nats.Connect(o.URL, options...)
		done <- dialled{conn, err}
	}()
	select {
	case d := <-done:
		return d.conn, d.err
	case <-ctx.Done():
		go func() {
			if d := <-done; d.conn != nil {
				d.conn.Close()
			}
		}()
		return nil, ctx.Err()
	}
}

// security returns the options that say who we are and whom to trust.
func (o Options) security() []nats.Option {
	var options []nats.Option
	if o.CredentialsFile != "" {
		options = append(options, nats.UserCredentials(o.CredentialsFile))
	}
	if o.Token != nil && o.Token() != "" {
		options = append(options, nats.TokenHandler(o.Token))
	}
	if o.CAFile != "" || o.ClientCertFile != "" {
		options = append(options, nats.Secure(&tls.Config{MinVersion: tls.VersionTLS12}))
	}
	if o.CAFile != "" {
		options = append(options, nats.RootCAs(o.CAFile))
	}
	if o.ClientCertFile != "" {
		options = append(options, nats.ClientCert(o.ClientCertFile, o.ClientKeyFile))
	}
	return options
}

// noteError remembers that something was not allowed: the server does not answer such a request, and
// says so beside it.
func (c *Client) noteError(_ *nats.Conn, _ *nats.Subscription, err error) {
	if errors.Is(err, nats.ErrPermissionViolation) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.forbidden, c.since = err, time.Now()
	}
}

// explain returns what was forbidden since began, where err is that no answer came.
func (c *Client) explain(err error, began time.Time) error {
	if !isTimeout(err) {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.forbidden != nil && !c.since.Before(began) {
		return c.forbidden
	}
	return err
}

// Do makes one call within CallTimeout, counts it, and sorts its error.
func Do[Out any](ctx context.Context, c *Client, operation string, call func(context.Context) (Out, error)) (Out, error) {
	return DoWithin(ctx, c, operation, CallTimeout, call)
}

// DoWithin is Do with another timeout.
func DoWithin[Out any](ctx context.Context, c *Client, operation string, timeout time.Duration, call func(context.Context) (Out, error)) (Out, error) {
	began := time.Now()
	made := receiver.Call{Operation: operation, Timeout: timeout, Observer: c.observer, Sort: sortError}
	return receiver.Do(ctx, made, func(ctx context.Context) (Out, error) {
		out, err := call(ctx)
		return out, c.explain(err, began)
	})
}

// Close closes the connection.
func (c *Client) Close() { c.Conn.Close() }
