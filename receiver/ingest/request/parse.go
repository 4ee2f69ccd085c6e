// Package request turns what a producer sends into what is stored, and says what is refused and how.
package request

import (
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"time"

	"carrier/internal/http1"
	"carrier/internal/queue"
	"carrier/message"
	"carrier/receiver/ingest/credential"
)

// What a producer may say in headers.
const (
	// MaxKey is the longest idempotency key, in bytes, MaxGroup the longest group.
	MaxKey   = 255
	MaxGroup = 128
	// MaxDelay is the longest delay; a message that is older than its default timeout
	// when it becomes due would be rejected unseen.
	MaxDelay = 24 * time.Hour
	// leastTimeout and maxTimeout bound the age at which a producer has its message given up.
	leastTimeout = time.Second
	maxTimeout   = 366 * 24 * time.Hour

	// OwnPrefix begins the names of carrier's own headers; ForwardedHost has the Host that was asked for.
	OwnPrefix       = "X-Carrier-"
	groupHeader     = OwnPrefix + "Group-Id"
	delayHeader     = OwnPrefix + "Delay"
	timeoutHeader   = OwnPrefix + "Message-Timeout"
	attributePrefix = OwnPrefix + "Attribute-"
	ForwardedHost   = "X-Forwarded-Host"
)

// A Parsed is a request as it is to be stored. Entry has neither its body nor its head, which is the
// Envelope once it is encoded.
type Parsed struct {
	queue.Entry
	Envelope Envelope
	// Signed says that the request is let in by its signature.
	Signed bool
}

// Parse reads a request's line and headers. The headers that may not travel are taken out of the
// request.
func Parse(r *http.Request, shown credential.Credential) (Parsed, *Problem) {
	path := Path(r)
	if p := checkOwn(r.Header); p != nil {
		return Parsed{}, p
	}
	key, p := idempotencyKey(r.Header, shown.ID != "")
	if p != nil {
		return Parsed{}, p
	}
	group, p := token(r.Header, groupHeader, MaxGroup)
	if p != nil {
		return Parsed{}, p
	}
	wait, p := duration(r.Header, delayHeader, 0, MaxDelay)
	if p != nil {
		return Parsed{}, p
	}
	timeout, p := duration(r.Header, timeoutHeader, leastTimeout, maxTimeout)
	if p != nil {
		return Parsed{}, p
	}
	attributes, p := attributes(r.Header)
	if p != nil {
		return Parsed{}, p
	}
	e := Envelope{
		ContentType: r.Header.Get("Content-Type"),
		Timeout:     timeout,
		Attributes:  attributes,
		Request:     message.Request{Method: r.Method, Path: path, Query: r.URL.RawQuery, Header: endToEnd(r, shown.Token)},
	}
	if key != "" {
		key = strings.Join([]string{r.Method, path, key}, "\x00") // the scope of a key
	}
	return Parsed{Entry: queue.Entry{Group: group, Delay: wait, Key: key}, Envelope: e, Signed: shown.ID != ""}, nil
}

// checkOwn refuses a header of carrier's that it does not know: a misspelt one would be ignored,
// and the message be delivered otherwise than was asked for. What carrier sends to workers is let
// pass, and dropped: one carrier may post to another.
func checkOwn(h http.Header) *Problem {
	for name := range h {
		if !isOwn(name) || isSentToWorkers(http1.Folded(name)) {
			continue
		}
		if name != groupHeader && name != delayHeader && name != timeoutHeader && !strings.HasPrefix(name, attributePrefix) {
			return badHeader(name, fmt.Sprintf("not known; the headers of carrier are %s, %s, %s and %s<Name>", groupHeader, delayHeader, timeoutHeader, attributePrefix))
		}
	}
	return nil
}

// isOwn says whether a header is carrier's, or becomes one where a gateway folds names. Most are
// not, so that few names are folded here.
func isOwn(name string) bool {
	const word = len("X-")
	return len(name) >= len(OwnPrefix) && strings.EqualFold(name[word:len(OwnPrefix)-1], OwnPrefix[word:len(OwnPrefix)-1]) &&
		strings.HasPrefix(http1.Folded(name), OwnPrefix)
}

// isSentToWorkers says whether a header is one that carrier tells a worker about a message.
func isSentToWorkers(name string) bool {
	switch strings.TrimPrefix(name, OwnPrefix) {
	case "Message-Id", "Original-Message-Id", "Receive-Count", "First-Receive-Time", "Sent-Time", "Source", "Deadline",
		"Attributes-Omitted", "Failover", "Channel", "Token":
		return true
	default:
		return false
	}
}

// Path is the escaped path, as it was sent.
func Path(r *http.Request) string {
	p := r.URL.EscapedPath()
	if !strings.HasPrefix(p, "/") {
		return "/" + p
	}
	return p
}

func keyHeaders() []string { return []string{"Idempotency-Key", "Webhook-Id"} }

// idempotencyKey prefers the header that says it, and takes a Standard Webhooks id for one. What is
// let in by its signature has none but the id that is signed.
func idempotencyKey(h http.Header, signed bool) (string, *Problem) {
	names := keyHeaders()
	if signed {
		names = names[1:]
	}
	for _, name := range names {
		key, p := token(h, name, MaxKey)
		if key != "" || p != nil {
			return key, p
		}
	}
	return "", nil
}

// token is a header's value, empty when it was not sent.
func token(h http.Header, name string, longest int) (string, *Problem) {
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

// duration reads whole seconds or a Go duration from least to most; zero where the header was not sent.
func duration(h http.Header, name string, least, most time.Duration) (time.Duration, *Problem) {
	values, sent := h[name]
	if !sent {
		return 0, nil
	}
	d, ok := parseDuration(strings.Join(values, ","), most)
	if !ok || d < least || d > most {
		return 0, badHeader(name, fmt.Sprintf("whole seconds, or a Go duration such as 1m30s, from %v to %v are allowed", least, most))
	}
	return d, nil
}

func parseDuration(s string, most time.Duration) (time.Duration, bool) {
	if seconds, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.Duration(min(max(seconds, -1), int64(most/time.Second)+1)) * time.Second, true
	}
	d, err := time.ParseDuration(s)
	return d, err == nil
}

// attributes are the X-Carrier-Attribute headers, sorted by name, and the trace headers.
// The names are as net/http writes them (Order-Id for order-id): HTTP knows no case in
// them, and keeps none.
func attributes(h http.Header) ([]message.Attribute, *Problem) {
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

// IsOfTheHop says whether a header is for us alone: it concerns the connection, or the framing
// that the next request gets anew.
func IsOfTheHop(name string) bool {
	return http1.IsHopByHop(name) || name == "Expect" || name == "Content-Length" || name == "Host"
}

// endToEnd takes out of r's headers what may not be sent again: those of the hop, carrier's own,
// and carrier's credential. The Host that the producer asked for is kept as X-Forwarded-Host,
// unless a proxy has said one.
func endToEnd(r *http.Request, carriersOwn bool) http.Header {
	h := r.Header
	for _, value := range h["Connection"] {
		for name := range strings.SplitSeq(value, ",") {
			delete(h, http.CanonicalHeaderKey(strings.TrimSpace(name)))
		}
	}
	for name := range h {
		if IsOfTheHop(name) || isOwn(name) || carriersOwn && name == "Authorization" {
			delete(h, name)
		}
	}
	if _, said := h[ForwardedHost]; !said && r.Host != "" {
		h[ForwardedHost] = []string{r.Host}
	}
	return h
}
