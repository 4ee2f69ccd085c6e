package webhook

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"carrier/internal/egress"
	"carrier/internal/http1"
	"carrier/message"
	"carrier/transmitter/webhook/format"
)

const (
	// answerLimit is how much of an answer's body is read; there is nothing in it for us.
	answerLimit = 64 << 10
	// headLimit is the most an answer's head may hold.
	headLimit = 64 << 10
	// idleTimeout is how long a connection is kept unused: less than the two seconds after which
	// gunicorn closes it, which would cut off the next request.
	idleTimeout = 1500 * time.Millisecond
	// maxAge is how old a connection may be, so that a name that points elsewhere is followed.
	maxAge = 5 * time.Minute
)

// clientOptions are those of a client of e that makes at most concurrency requests at once. It
// follows no redirect, makes no request twice, and adds nothing to one.
func clientOptions(e Endpoint, certificates *certificates, out egress.Options, concurrency int) http1.Options {
	opts := http1.Options{
		Dial: func(ctx context.Context) (net.Conn, error) {
			return out.Dial(ctx, e.network, e.address)
		},
		MaxConns:      concurrency,
		IdleTimeout:   idleTimeout,
		MaxAge:        maxAge,
		HeadLimit:     headLimit,
		BodyLimit:     answerLimit,
		Wanted:        wantedFields(),
		SharedContext: true,
	}
	if e.scheme == "https" {
		opts.TLS = func() *tls.Config { return certificates.current(e) }
	}
	return opts
}

// A poster posts requests to the endpoint.
type poster struct {
	client  *http1.Client
	omitted *omitted
	rules   rules
	format  format.Format
	heads   sync.Pool // of *[]byte
}

// post sends r and reads the whole answer. The head has to be there within the timeout, dialling
// included, and the body within as long again. A message leaves its queue only on an answer that
// was complete; what gives it back may be believed from the head alone.
// Where handled is not nil it says which of r's messages o is of; the others have failed.
func (p *poster) post(ctx context.Context, r *request) (o message.Outcome, handled []bool, warnings []string) {
	head, _ := p.heads.Get().(*[]byte)
	if head == nil {
		head = new([]byte)
	}
	defer p.heads.Put(head)
	var names []string
	*head, names = r.appendHead((*head)[:0])
	p.omitted.tell(r.m.ID, names)
	var answer []byte
	a, err := p.client.Do(ctx, http1.Request{
		Head: *head, Body: r.content.Body,
		FinalInterim: p.format.FinalInterim(),
		Extension:    r.token.extension(),
		Deadline:     time.Now().Add(r.timeout), BodyTimeout: r.timeout, Read: p.reader(&answer), //nolint:bodyclose // http1 closes the connection, and has Read close nothing
	})
	if a.Status == 0 {
		return failure(ctx, err), nil, nil
	}
	o, warnings = classify(a.Status, a.Header, r.token.within(p.rules), time.Now())
	if err != nil && o.Verdict != message.Retry {
		return failure(ctx, err), nil, warnings
	}
	if p.format.ReadsAnswer() && p.rules.accepts(o.Status) && len(said(a.Header[actionHeader])) == 0 {
		handled = p.format.Handled(a.Header.Get("Content-Type"), answer, r.ids())
	}
	return o, handled, warnings
}

// reader returns what reads an answer's body into dst where the format looks at it; nil where it does not.
func (p *poster) reader(dst *[]byte) func(*http.Response) error {
	if !p.format.ReadsAnswer() {
		return nil
	}
	return func(resp *http.Response) (err error) {
		*dst, err = io.ReadAll(io.LimitReader(resp.Body, answerLimit))
		return err
	}
}
