package webhook

import (
	"errors"
	"net/http"
	"time"

	"carrier/message"
	"carrier/transmitter/lambdaevent"
	"carrier/transmitter/webhook/format"
	"carrier/transmitter/webhook/percent"
)

// A builder makes the request of a message. Nothing in it changes after it is made, but for the signing
// keys, whose file may change.
type builder struct {
	endpoint    Endpoint
	target      string
	timeout     time.Duration
	replay      bool
	contentType string
	agent       string
	fixed       fixed
	signing     *signing
	format      format.Format
	unwrap      bool
	maxHead     int // bytes
	failover    bool
	channel     string
}

func newBuilder(opts Options) (*builder, error) {
	fixed, headerErr := newFixed(opts)
	signing, keyErr := openSigning(opts.Signing, opts.Warn)
	if err := errors.Join(headerErr, keyErr); err != nil {
		return nil, err
	}
	return &builder{
		endpoint:    opts.Endpoint,
		target:      targetOf(opts.Endpoint.path, opts.Endpoint.query),
		timeout:     opts.RequestTimeout,
		replay:      opts.Replay,
		contentType: opts.DefaultContentType,
		agent:       "carrier/" + opts.Version,
		fixed:       fixed,
		signing:     signing,
		format:      opts.Format,
		unwrap:      opts.UnwrapSNS,
		maxHead:     opts.MaxHeaderBytes,
		failover:    opts.Failover,
		channel:     opts.Channel,
	}, nil
}

// A request is one request to the worker, to be written where it is sent.
type request struct {
	builder *builder
	m       *message.Message
	// token is nil where there is none.
	token *Token
	// batch is m and those that are handed over with it; nil where m is alone.
	batch []*message.Message
	now   time.Time
	// timeout is how long the answer may take to begin.
	timeout time.Duration
	method  string
	// target is the escaped path and query.
	target string
	// replayed are the producer's headers, where its request is made again.
	replayed http.Header
	content  format.Content
	// attributes are the message's, with those of an envelope that was taken off.
	attributes []message.Attribute
}

// build makes the request that hands m over. An error means that no request may be made of m, now or
// later.
func (b *builder) build(m *message.Message, now time.Time) (*request, error) {
	r := &request{builder: b, m: m, now: now, timeout: b.timeoutOf(m, now), method: http.MethodPost, target: b.target, attributes: m.Attributes}
	body := m.Body
	if b.unwrap {
		body, r.attributes, _ = format.Unwrap(body, r.attributes)
	}
	r.content = b.format.Encode(m, body, r.attributes)
	if !b.replay || m.Request == nil {
		return r, nil
	}
	path, err := joinPath(b.endpoint.path, m.Request.Path)
	if err != nil {
		return nil, err
	}
	r.method = replayMethod(m.Request.Method)
	r.target = targetOf(path, joinQuery(b.endpoint.query, m.Request.Query))
	r.replayed = m.Request.Header
	return r, nil
}

// buildBatch makes the request that hands over as many messages of batch, from the first on, as one
// event may hold, and says how many. The first one's headers and its id are the request's.
func (b *builder) buildBatch(batch []*message.Message, now time.Time) (r *request, n int, err error) {
	if r, err = b.build(batch[0], now); err != nil {
		return nil, 0, err
	}
	var event lambdaevent.Event
	for n < len(batch) {
		m := batch[n]
		body, attributes := m.Body, m.Attributes
		if b.unwrap {
			body, attributes, _ = format.Unwrap(body, attributes)
		}
		if !event.Add(m, body, attributes) {
			break
		}
		r.timeout = min(r.timeout, b.timeoutOf(m, now))
		n++
	}
	r.content.Body, r.batch = event.JSON(), batch[:n]
	return r, n, nil
}

// leastTimeout is what an attempt has, however little time is left for its message.
const leastTimeout = time.Second

// timeoutOf is how long the answer for m may take to begin: the least of what is left.
func (b *builder) timeoutOf(m *message.Message, now time.Time) time.Duration {
	until := m.Until()
	if until.IsZero() {
		return b.timeout
	}
	return min(b.timeout, max(until.Sub(now), leastTimeout))
}

// ids are those of the messages that r hands over, in order.
func (r *request) ids() []string {
	if r.batch == nil {
		return []string{r.m.ID}
	}
	ids := make([]string, len(r.batch))
	for i, m := range r.batch {
		ids[i] = m.ID
	}
	return ids
}

// appendHead appends the request's head to dst, and returns the names of the attributes that were left
// out of it. No header can be there twice: who wins is decided by what the others may be called.
func (r *request) appendHead(dst []byte) (head []byte, omitted []string) {
	begin := len(dst)
	dst = append(dst, r.method...)
	dst = append(dst, ' ')
	dst = append(dst, r.target...)
	dst = append(dst, " HTTP/1.1\r\n"...)
	dst = appendHeader(dst, "Host", r.builder.endpoint.host)
	dst = append(dst, r.builder.fixed.lines...)
	dst = appendNumber(dst, "Content-Length", int64(len(r.content.Body)))
	dst = r.appendContent(dst)
	dst = r.appendAgent(dst)
	dst = r.builder.appendReplayed(dst, r.replayed)
	dst = appendTrace(dst, r)
	dst = r.builder.appendOwn(dst, r.m, r.now.Add(r.timeout))
	dst = r.token.appendTo(dst)
	dst = r.builder.signing.appendTo(dst, percent.Value(r.m.ID), r.now, r.content.Body)
	dst = r.appendFormat(dst)
	dst, omitted = appendAttributes(dst, r.attributes, begin+r.builder.maxHead-len("\r\n"))
	return append(dst, "\r\n"...), omitted
}

// targetOf is what is asked for: the escaped path and query as they are, byte for byte.
func targetOf(path, query string) string {
	if query == "" {
		return path
	}
	return path + "?" + query
}
