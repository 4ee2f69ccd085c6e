// Package http1 is an HTTP/1.1 client for one server and many short requests. Each request is made
// in the goroutine of its caller: net/http's transport keeps two more for a connection, and handing
// a request and its answer to and fro costs as much as all else that a small request does.
//
// A request is the bytes that the caller gives; nothing is added to them. No redirect is followed
// and no proxy is asked but by Options.Dial. A request is sent once: it goes out on another connection only where
// nothing of it could be written on one that had been idle.
package http1

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"
)

// Options is what a Client is made of. Only Dial has no useful zero value.
type Options struct {
	// Dial connects to the server, without TLS. It returns when its context ends.
	Dial func(ctx context.Context) (net.Conn, error)
	// TLS returns the configuration of one new connection, which is not changed: it has a
	// ServerName, and a ClientSessionCache if sessions are to be resumed. Nil means no TLS.
	TLS func() *tls.Config
	// MaxConns is the most connections in use at once; a request beyond it waits for one. Zero
	// means no limit.
	MaxConns int
	// IdleTimeout is how long a connection is kept unused. Zero keeps none.
	IdleTimeout time.Duration
	// MaxAge is how old a connection may be when a request is sent on it, so that a changed
	// address is followed. Zero means no limit.
	MaxAge time.Duration
	// HeadLimit is the most bytes that are read of an answer's head. 64 KiB if zero.
	HeadLimit int
	// BodyLimit is the most bytes that are read of an answer's body where Request.Read is nil.
	// 64 KiB if zero.
	BodyLimit int64
	// Wanted names the header fields, in lower case, that the caller looks for in an answer
	// where Request.Read is nil. An answer without any of them may come without its Header.
	Wanted []string
	// SharedContext says that nearly all requests are made with the same context. A connection is
	// then tied to it once and not anew for each request.
	SharedContext bool
	// Unasked is called when the server has answered more than it was asked. No connection is kept
	// for a minute from then on, since what it says next could be taken for the answer to another
	// request. It is not called again within that minute; it must not block. Nil means nobody is told.
	Unasked func()
}

func (o Options) withDefaults() Options {
	if o.HeadLimit <= 0 {
		o.HeadLimit = 64 << 10
	}
	if o.BodyLimit <= 0 {
		o.BodyLimit = 64 << 10
	}
	if o.Unasked == nil {
		o.Unasked = func() {}
	}
	return o
}

// A Request is one request and how its answer is read. Neither Head nor Body is changed, or kept
// after Do has returned.
type Request struct {
	// Head is the request line and the header fields with the empty line behind them. It may hold
	// the body too.
	Head []byte
	// Body follows Head. A short one is sent in the same write.
	Body []byte
	// Deadline is when the final answer's head must be there, dialling included. The zero time
	// means no limit but the context's.
	Deadline time.Time
	// Extension, where it is not nil, can move the Deadline while the answer's head is waited for. It is
	// of this request alone.
	Extension *Extension
	// BodyTimeout is how long the answer's body may take from its head on. Zero means that the
	// Deadline bounds the body too.
	BodyTimeout time.Duration
	// FinalInterim is an interim status (102) that is taken for the final answer to this request. Its
	// connection is not used again. Zero means none.
	FinalInterim int
	// Read is called in the caller's goroutine when the head of the final answer is there, and reads
	// as much of the body as it wants until it returns; it does not close it. Its error becomes
	// Do's. Where it is nil the body is read, up to BodyLimit, and dropped.
	Read func(*http.Response) error
}

// An Answer is the head of what the server answered.
type Answer struct {
	// Status is zero where there was no complete head.
	Status int
	// Header is nil where no field is in it that was Wanted.
	Header http.Header
}

// An UnsentError says that nothing of a request reached the server: there was no connection, the
// TLS handshake failed, or the connection was gone before the first byte. Err says why.
type UnsentError struct{ Err error }

func (e *UnsentError) Error() string { return "nothing was sent: " + e.Err.Error() }
func (e *UnsentError) Unwrap() error { return e.Err }

// A HandshakeError is a TLS handshake that failed. It is inside an UnsentError.
type HandshakeError struct{ Err error }

func (e *HandshakeError) Error() string { return "tls: " + e.Err.Error() }
func (e *HandshakeError) Unwrap() error { return e.Err }

// A Client makes requests to one server. Its methods are safe for concurrent use.
type Client struct {
	opts Options
	pool *pool
}

// New returns a Client that has no connection yet.
func New(opts Options) *Client {
	opts = opts.withDefaults()
	return &Client{opts: opts, pool: newPool(opts)}
}

// Do sends r and reads its answer. The end of ctx cuts both off, and the error then wraps ctx's own.
//
// An UnsentError means that nothing was sent. An error with an Answer whose Status is not zero
// means that the body broke off after its head, or is Read's own. With any other error nobody knows
// what the server has made of the request.
func (c *Client) Do(ctx context.Context, r Request) (Answer, error) {
	for {
		a, retry, err := c.try(ctx, &r)
		switch {
		case err == nil:
			return a, nil
		case ctx.Err() != nil:
			return a, errors.Join(ctx.Err(), err)
		case !retry:
			return a, err
		}
	}
}

// try makes one attempt. It reports retry where nothing could be written on a connection that had
// been idle.
func (c *Client) try(ctx context.Context, r *Request) (a Answer, retry bool, err error) {
	k, err := c.pool.take(ctx, r.Deadline)
	if err != nil {
		return Answer{}, false, &UnsentError{err}
	}
	used := k.used
	a, err = c.exchange(ctx, k, r)
	var unsent *UnsentError
	return a, used && errors.As(err, &unsent), err
}

// exchange makes one request on k and gives k back.
func (c *Client) exchange(ctx context.Context, k *conn, r *Request) (a Answer, err error) {
	reusable := false
	defer func() { c.giveBack(ctx, k, reusable) }()
	if err := r.Extension.begin(k, r.Deadline); err != nil {
		return Answer{}, &UnsentError{err}
	}
	defer r.Extension.end()
	if !k.tie(ctx) {
		return Answer{}, &UnsentError{errCut}
	}
	sent := k.send(r.Head, r.Body)
	if sent.nothing {
		return Answer{}, &UnsentError{sent.err}
	}
	// A server may answer and close before it has read everything: its answer counts.
	a, whole, err := c.receive(ctx, k, r, sent.err)
	reusable = sent.end(k) && whole
	return a, err
}

// receive reads the answer. It reports whether it was all there is to read.
func (c *Client) receive(ctx context.Context, k *conn, r *Request, sending error) (a Answer, whole bool, err error) {
	if r.Read == nil {
		if status, ok := k.plain(c.opts.HeadLimit, c.opts.Wanted); ok {
			r.Extension.end()
			return Answer{Status: status}, true, nil
		}
	}
	resp, err := k.head(c.opts.HeadLimit, r.FinalInterim) //nolint:bodyclose // closing would read past the limit; the connection is ours to close
	r.Extension.end()
	if err != nil {
		return Answer{}, false, k.noAnswer(sending, err)
	}
	k.extend(ctx, resp, r.BodyTimeout)
	if r.Read == nil {
		whole, err = k.drop(resp, c.opts.BodyLimit)
	} else {
		whole, err = k.use(resp, r.Read)
	}
	return Answer{Status: resp.StatusCode, Header: resp.Header}, whole, err
}

// giveBack returns k to the pool.
func (c *Client) giveBack(ctx context.Context, k *conn, reusable bool) {
	if !reusable && k.hasSpoken() {
		c.pool.distrust()
	}
	free := c.opts.SharedContext || k.untie()
	c.pool.put(k, reusable && free && ctx.Err() == nil)
}

// Close closes the idle connections. Those in use are closed once their answers are read.
func (c *Client) Close() { c.pool.close() }
