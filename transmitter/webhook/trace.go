package webhook

import (
	"cmp"
	"strings"
)

// longestTrace is the longest trace header that is passed on; so much of tracestate is to be (W3C Trace
// Context, section 3.3.1.5).
const longestTrace = 512

// appendTrace passes the producer's trace on. Values that the receiving side could not
// read are left out rather than repaired.
func appendTrace(dst []byte, r *request) []byte {
	parent, state := r.trace()
	if parent != "" {
		dst = appendHeader(dst, traceparentHeader, parent)
	}
	if state != "" {
		dst = appendHeader(dst, tracestateHeader, state)
	}
	if amazon := r.amazonTrace(); amazon != "" {
		dst = appendHeader(dst, amazonTraceHeader, amazon)
	}
	return dst
}

// amazonTrace is the trace of X-Ray, as far as a header carries it.
func (r *request) amazonTrace() string {
	amazon := cmp.Or(traceValue(r, amazonTraceHeader), r.m.Trace)
	if !isPrintable(amazon) {
		return ""
	}
	return amazon
}

// trace is the W3C trace, as far as the receiving side could read it.
func (r *request) trace() (parent, state string) {
	if parent = traceValue(r, traceparentHeader); !isTraceparent(parent) {
		return "", ""
	}
	if state = traceValue(r, tracestateHeader); !isPrintable(state) {
		state = ""
	}
	return parent, state
}

func traceValue(r *request, name string) string {
	for _, a := range r.attributes {
		if strings.EqualFold(a.Name, name) {
			return a.Value
		}
	}
	return r.replayed.Get(name)
}

// isTraceparent reports whether s is one as W3C Trace Context, section 3.2, has it:
// version, trace id, parent id and flags in lower-case hexadecimal, no id all zeros.
// Versions above 00 may add more parts.
func isTraceparent(s string) bool {
	parts := strings.Split(s, "-")
	if len(parts) < 4 || !isPrintable(s) {
		return false
	}
	for i, length := range []int{2, 32, 16, 2} {
		if len(parts[i]) != length || strings.Trim(parts[i], "0123456789abcdef") != "" {
			return false
		}
	}
	zeros := strings.Trim(parts[1], "0") == "" || strings.Trim(parts[2], "0") == ""
	return !zeros && parts[0] != "ff" && (parts[0] != "00" || len(parts) == 4)
}

// isPrintable reports whether s is ASCII that a header carries unchanged, neither empty nor longer than
// longestTrace.
func isPrintable(s string) bool {
	return s != "" && len(s) <= longestTrace && strings.Trim(s, " ") == s &&
		!strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}
