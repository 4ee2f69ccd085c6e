// Package webhook hands each message to the worker in one HTTP POST, and reads the
// worker's word on it from the answer.
package webhook

import (
	"context"
	"errors"
	"slices"
	"time"

	"carrier/internal/egress"
	"carrier/internal/http1"
	"carrier/message"
	"carrier/transmitter"
	"carrier/transmitter/webhook/format"
)

// Options is what a Transmitter is made of. Only Endpoint has no useful zero value.
type Options struct {
	Endpoint Endpoint
	// DefaultContentType is sent where the message has none; application/json if empty.
	DefaultContentType string
	// RequestTimeout bounds an attempt from the dial to the end of the answer's head, and
	// once more the reading of its body. 60 seconds if zero. Where the message's time is over before
	// (Message.Until) that is the end; an attempt has a second all the same.
	RequestTimeout time.Duration
	// Concurrency is the most messages transmitted at once, and the most connections
	// kept; at least 1. A Transmit beyond it waits for a connection.
	Concurrency int
	TLS         TLS
	// Egress says through which proxy connections go, and to which addresses. Its TLS is set by Open: an
	// https proxy is verified as the worker is, but never goes unverified, and is shown no certificate.
	Egress egress.Options
	// Format is the form in which messages are sent, and says which statuses are success. Without Replay
	// only.
	Format format.Format
	// BatchSize is the most messages that TransmitBatch puts into one request; zero sets no limit.
	BatchSize int
	// UnwrapSNS sends, in place of an SNS notification, the message and the attributes in it.
	UnwrapSNS bool
	// Permanent reports whether an answer of a status from 400 to 599 means that trying again is of no
	// use. Nil means 400 to 499 without 408, 425 and 429.
	Permanent func(status int) bool
	// Signing signs every request, where it has keys.
	Signing Signing
	// Headers are added to every request, and win over a replayed request's own.
	Headers []Header
	// MaxHeaderBytes is the largest head sent: attributes that do not fit, the longest first, are left
	// out and named in X-Carrier-Attributes-Omitted. Other headers are sent whatever their length. 8 KiB
	// if zero.
	MaxHeaderBytes int
	// Version is what follows `carrier/` in User-Agent.
	Version string
	// Replay makes the producer's request again, where the message has kept one, rather
	// than a POST to the endpoint.
	Replay bool
	// Failover says that the endpoint is tried after another one, and Channel names the channel that it
	// belongs to, where that is not the first: X-Carrier-Failover and X-Carrier-Channel say so.
	Failover bool
	Channel  string
	// Warn is told what was odd but did not fail: about the answer to the message named, or with no id
	// about files. What it is told holds no secret. Nil means nobody is told.
	Warn func(messageID, what string)
	// Omitted is told, once for each message, the names of attributes that were left out. Nil means
	// nobody is told. Neither function may block; both must be safe for concurrent use.
	Omitted func(messageID string, names []string)
}

func (o Options) withDefaults() Options {
	if o.DefaultContentType == "" {
		o.DefaultContentType = "application/json"
	}
	if o.RequestTimeout <= 0 {
		o.RequestTimeout = time.Minute
	}
	if o.Version == "" {
		o.Version = "unknown"
	}
	if o.MaxHeaderBytes <= 0 {
		o.MaxHeaderBytes = 8 << 10
	}
	if o.Permanent == nil {
		o.Permanent = isPermanent
	}
	if o.Omitted == nil {
		o.Omitted = func(string, []string) {}
	}
	if o.Warn == nil {
		o.Warn = func(string, string) {}
	}
	o.Concurrency = max(o.Concurrency, 1)
	return o
}

// Transmitter posts messages to one endpoint. Its methods are safe for concurrent use.
type Transmitter struct {
	opts         Options
	name         string // of the endpoint
	builder      *builder
	certificates *certificates
	poster       *poster
}

// Open checks opts, reads the files they name, and returns a Transmitter. It connects
// to nothing. Its errors name every header, file and key at fault, and no secret.
func Open(opts Options) (*Transmitter, error) {
	opts = opts.withDefaults()
	if opts.Endpoint.address == "" {
		return nil, errors.New("webhook has no endpoint")
	}
	builder, headerErr := newBuilder(opts)
	certificates, fileErr := openCertificates(opts.TLS, opts.Warn)
	if err := errors.Join(headerErr, fileErr); err != nil {
		return nil, err
	}
	if opts.TLS.InsecureSkipVerify {
		opts.Warn("", "the worker's certificate is not verified")
	}
	opts.Egress.TLS = certificates.ofProxy
	c := clientOptions(opts.Endpoint, certificates, opts.Egress, opts.Concurrency)
	c.Unasked = func() {
		opts.Warn("", "the worker sent bytes that no request asked for: no connection is reused for a minute")
	}
	client := http1.New(c)
	return &Transmitter{
		opts:         opts,
		name:         opts.Endpoint.String(),
		builder:      builder,
		certificates: certificates,
		poster:       &poster{client: client, omitted: newOmitted(opts.Omitted), rules: rules{accepts: opts.Format.Accepts, permanent: opts.Permanent}, format: opts.Format},
	}, nil
}

// Ready sets no limit, and waits for nothing: whether the worker is there shows when it
// is asked.
func (t *Transmitter) Ready(ctx context.Context, promised int) (int, error) {
	if promised == transmitter.Unlimited { // not even then are there more
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return transmitter.Unlimited, nil
}

// Transmit makes one request, never a second, and returns the worker's word on it. A
// message that no request may be made of is rejected unposted, with an empty Code.
func (t *Transmitter) Transmit(ctx context.Context, m *message.Message) message.Outcome {
	return t.TransmitAs(ctx, m, nil)
}

// TransmitAs is Transmit with a token, by which the worker may settle m whatever it answers. Where it
// answers that it will, Later of the outcome says for how long.
func (t *Transmitter) TransmitAs(ctx context.Context, m *message.Message, token *Token) (o message.Outcome) {
	if ctx.Err() != nil {
		return notPosted()
	}
	req, err := t.builder.build(m, time.Now())
	if err != nil {
		o.Verdict, o.Reason = message.Rejected, err.Error()
		return o
	}
	req.token = token
	o, handled := t.post(ctx, req)
	t.complete(&o, handled, 0)
	return o
}

// TransmitBatch makes one request of as many messages of batch, from the first on, as Lambda's limit of
// an event allows; the others are left out. The format is one that has events of several messages, which
// is Lambda alone. All messages have the outcome of the answer's head; where that accepts them the
// answer's body may list some as failed.
func (t *Transmitter) TransmitBatch(ctx context.Context, batch []*message.Message) []message.Outcome {
	if ctx.Err() != nil {
		return slices.Repeat([]message.Outcome{notPosted()}, len(batch))
	}
	req, n, err := t.builder.buildBatch(t.most(batch), time.Now())
	if err != nil {
		return slices.Repeat([]message.Outcome{{Verdict: message.Rejected, Reason: err.Error()}}, len(batch))
	}
	o, handled := t.post(ctx, req)
	outcomes := make([]message.Outcome, len(batch))
	for i := range outcomes {
		if i < n {
			outcomes[i] = o
			t.complete(&outcomes[i], handled, i)
		} else {
			outcomes[i].Reason = "not posted: the event would be too large, or hold too many"
		}
	}
	return outcomes
}

// most are the first of batch, as many as one request may hold.
func (t *Transmitter) most(batch []*message.Message) []*message.Message {
	if n := t.opts.BatchSize; n > 0 && n < len(batch) {
		return batch[:n]
	}
	return batch
}

// post makes the request, and returns the outcome of those of its messages that handled does not name
// as failed.
func (t *Transmitter) post(ctx context.Context, req *request) (o message.Outcome, handled []bool) {
	o, handled, warnings := t.poster.post(ctx, req)
	for _, w := range warnings {
		t.opts.Warn(req.m.ID, w)
	}
	return o, handled
}

// complete makes o, which is that of an answer, the outcome of message i of its request.
func (t *Transmitter) complete(o *message.Outcome, handled []bool, i int) {
	if handled != nil && !handled[i] {
		o.Verdict, o.Cause, o.Reason = message.Retry, message.Failed, "worker's answer lists a failure, or is broken JSON"
	}
	if o.Code != "" {
		o.Endpoint = t.name
	}
	o.Along = i > 0
}

// Close closes the idle connections. Those in use are closed once they become idle for
// long enough.
func (t *Transmitter) Close() { t.poster.client.Close() }
