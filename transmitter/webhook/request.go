package webhook

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/url"
	"time"

	"carrier/message"
)

// A builder makes the request of a message. Nothing in it changes after it is made.
type builder struct {
	endpoint    Endpoint
	url         *url.URL
	timeout     time.Duration
	replay      bool
	contentType []string
	fixed       http.Header
}

func newBuilder(opts Options) (*builder, error) {
	fixed, err := fixedHeader(opts)
	if err != nil {
		return nil, err
	}
	e := opts.Endpoint
	return &builder{
		endpoint:    e,
		url:         targetURL(e, e.path, e.query),
		timeout:     opts.RequestTimeout,
		replay:      opts.Replay,
		contentType: []string{opts.DefaultContentType},
		fixed:       fixed,
	}, nil
}

// build makes the request that hands m over. An error means that no request may be made
// of m, now or later.
func (b *builder) build(m *message.Message, now time.Time) (*http.Request, error) {
	method, target := http.MethodPost, b.url
	var replayed http.Header
	if b.replay && m.Request != nil {
		path, err := joinPath(b.endpoint.path, m.Request.Path)
		if err != nil {
			return nil, err
		}
		method = replayMethod(m.Request.Method)
		target = targetURL(b.endpoint, path, joinQuery(b.endpoint.query, m.Request.Query))
		replayed = m.Request.Header
	}
	return &http.Request{
		Method:        method,
		URL:           target,
		Host:          b.endpoint.host,
		Header:        b.header(m, replayed, now),
		Body:          body(m.Body),
		ContentLength: int64(len(m.Body)),
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		// GetBody stays nil: with it, net/http would make a request again by itself.
	}, nil
}

// header is made from what matters least to what must not be shadowed.
func (b *builder) header(m *message.Message, replayed http.Header, now time.Time) http.Header {
	h := make(http.Header, 16+len(b.fixed)+len(m.Attributes)+len(replayed))
	if m.Request != nil {
		if encoding := m.Request.Header["Content-Encoding"]; len(encoding) > 0 {
			h["Content-Encoding"] = encoding
		}
	}
	b.setReplayed(h, replayed)
	maps.Copy(h, b.fixed)
	b.setContentType(h, m.ContentType)
	setTrace(h, m, replayed)
	setAttributes(h, m.Attributes)
	b.setOwn(h, m, now)
	return h
}

// body is what is sent. Without one it is NoBody, since any other reader of length zero
// would be sent in chunks.
func body(b []byte) io.ReadCloser {
	if len(b) == 0 {
		return http.NoBody
	}
	return io.NopCloser(bytes.NewReader(b))
}

// targetURL asks for the escaped path and query as they are, byte for byte.
func targetURL(e Endpoint, path, query string) *url.URL {
	u := &url.URL{Scheme: e.scheme, Host: e.host, RawQuery: query}
	if path[:min(2, len(path))] == "//" {
		// Opaque would be read as a host here, so the path goes the other way.
		u.RawPath = path
		u.Path, _ = url.PathUnescape(path)
		return u
	}
	u.Opaque = path
	return u
}
