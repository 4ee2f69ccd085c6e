package webhook

import (
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"carrier/message"
)

// A builder makes the request of a message. Nothing in it changes after it is made.
type builder struct {
	endpoint    Endpoint
	target      string
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
		target:      targetOf(e.path, e.query),
		timeout:     opts.RequestTimeout,
		replay:      opts.Replay,
		contentType: []string{opts.DefaultContentType},
		fixed:       fixed,
	}, nil
}

// build makes the request that hands m over. An error means that no request may be made
// of m, now or later.
func (b *builder) build(m *message.Message, now time.Time) (*request, error) {
	method, target := http.MethodPost, b.target
	var replayed http.Header
	if b.replay && m.Request != nil {
		path, err := joinPath(b.endpoint.path, m.Request.Path)
		if err != nil {
			return nil, err
		}
		method = replayMethod(m.Request.Method)
		target = targetOf(path, joinQuery(b.endpoint.query, m.Request.Query))
		replayed = m.Request.Header
	}
	return &request{
		method: method, target: target, host: b.endpoint.host,
		header: b.header(m, replayed, now), body: m.Body,
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

// A request is one request to the worker, with what is sent as it is.
type request struct {
	method string
	// target is the escaped path and query.
	target, host string
	// header holds everything but Host and Content-Length; names are sent as they are.
	header http.Header
	body   []byte
}

// appendHead appends the request's head to dst.
func (r *request) appendHead(dst []byte) []byte {
	dst = append(dst, r.method...)
	dst = append(dst, ' ')
	dst = append(dst, r.target...)
	dst = append(dst, " HTTP/1.1\r\n"...)
	dst = appendHeader(dst, "Host", r.host)
	dst = appendHeader(dst, "Content-Length", strconv.Itoa(len(r.body)))
	for name, values := range r.header {
		for _, value := range values {
			dst = appendHeader(dst, name, value)
		}
	}
	return append(dst, "\r\n"...)
}

func appendHeader(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
}

// targetOf is what is asked for: the escaped path and query as they are, byte for byte.
func targetOf(path, query string) string {
	if query == "" {
		return path
	}
	return path + "?" + query
}

// targetURL is e for net/http, which is to ask for path and query as they are.
func targetURL(e Endpoint) *url.URL {
	u := &url.URL{Scheme: e.scheme, Host: e.host, RawQuery: e.query, RawPath: e.path}
	u.Path, _ = url.PathUnescape(e.path)
	return u
}
