package ingest

import (
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"time"

	"carrier/internal/queue"
	"carrier/message"
)

const (
	// maxKey and maxGroup are the longest idempotency key and group, in bytes.
	maxKey   = 255
	maxGroup = 128
	// maxDelay is the longest delay; a message that is older than its default timeout
	// when it becomes due would be rejected unseen.
	maxDelay = 24 * time.Hour

	ownPrefix       = "X-Carrier-"
	attributePrefix = "X-Carrier-Attribute-"
)

// parse makes an entry, without its body, of a request's line and headers.
func parse(req *http.Request, carriersOwn bool) (queue.Entry, *problem) {
	key, p := idempotencyKey(req.Header)
	if p != nil {
		return queue.Entry{}, p
	}
	group, p := token(req.Header, "X-Carrier-Group-Id", maxGroup)
	if p != nil {
		return queue.Entry{}, p
	}
	wait, p := delay(req.Header)
	if p != nil {
		return queue.Entry{}, p
	}
	attributes, p := attributes(req.Header)
	if p != nil {
		return queue.Entry{}, p
	}
	e := envelope{
		contentType: req.Header.Get("Content-Type"),
		attributes:  attributes,
		request: message.Request{
			Method: req.Method, Path: path(req), Query: req.URL.RawQuery, Header: endToEnd(req.Header, carriersOwn),
		},
	}
	return queue.Entry{Group: group, Delay: wait, Key: key, Head: e.encode()}, nil
}

// path is the escaped path, as it was sent.
func path(req *http.Request) string {
	p := req.URL.EscapedPath()
	if !strings.HasPrefix(p, "/") {
		return "/" + p
	}
	return p
}

// idempotencyKey prefers the header that says it, and takes a Standard Webhooks id for one.
func idempotencyKey(h http.Header) (string, *problem) {
	for _, name := range []string{"Idempotency-Key", "Webhook-Id"} {
		key, p := token(h, name, maxKey)
		if key != "" || p != nil {
			return key, p
		}
	}
	return "", nil
}

// token is a header's value, empty when it was not sent.
func token(h http.Header, name string, longest int) (string, *problem) {
	values, sent := h[name]
	if !sent {
		return "", nil
	}
	if len(values) != 1 || values[0] == "" || len(values[0]) > longest || !printable(values[0]) {
		return "", badHeader(name, fmt.Sprintf("one value of 1 to %d printable ASCII characters is allowed", longest))
	}
	return values[0], nil
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// delay reads whole seconds or a Go duration.
func delay(h http.Header) (time.Duration, *problem) {
	const name = "X-Carrier-Delay"
	values, sent := h[name]
	if !sent {
		return 0, nil
	}
	d, ok := parseDelay(strings.Join(values, ","))
	if !ok || d < 0 || d > maxDelay {
		return 0, badHeader(name, fmt.Sprintf("whole seconds, or a Go duration such as 1m30s, from 0 to %v are allowed", maxDelay))
	}
	return d, nil
}

func parseDelay(s string) (time.Duration, bool) {
	if seconds, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.Duration(min(max(seconds, -1), int64(maxDelay/time.Second)+1)) * time.Second, true
	}
	d, err := time.ParseDuration(s)
	return d, err == nil
}

// attributes are the X-Carrier-Attribute headers, sorted by name, and the trace headers.
// The names are as net/http writes them (Order-Id for order-id): HTTP knows no case in
// them, and keeps none.
func attributes(h http.Header) ([]message.Attribute, *problem) {
	var all []message.Attribute
	for name, values := range h {
		own, found := strings.CutPrefix(name, attributePrefix)
		if !found {
			continue
		}
		if own == "" {
			return nil, badHeader(attributePrefix, "a name has to follow the prefix")
		}
		all = append(all, message.Attribute{Name: own, Value: strings.Join(values, ", ")})
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	for _, name := range []string{"traceparent", "tracestate", "X-Amzn-Trace-Id"} {
		if values := h.Values(name); len(values) > 0 {
			all = append(all, message.Attribute{Name: name, Value: strings.Join(values, ",")})
		}
	}
	return all, nil
}

// hopByHop says whether a header speaks of the connection to us (RFC 9110 section 7.6.1)
// or of the framing that the next request gets anew.
func hopByHop(name string) bool {
	switch name {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Te", "Transfer-Encoding", "Upgrade",
		"Trailer", "Expect", "Content-Length", "Host", "Proxy-Authorization", "Proxy-Authenticate":
		return true
	}
	return false
}

// endToEnd takes out of h what may not be sent again: the headers of the hop, carrier's
// own, and carrier's credential.
func endToEnd(h http.Header, carriersOwn bool) http.Header {
	for _, value := range h["Connection"] {
		for name := range strings.SplitSeq(value, ",") {
			delete(h, http.CanonicalHeaderKey(strings.TrimSpace(name)))
		}
	}
	for name := range h {
		if hopByHop(name) || strings.HasPrefix(name, ownPrefix) || carriersOwn && name == "Authorization" {
			delete(h, name)
		}
	}
	return h
}
