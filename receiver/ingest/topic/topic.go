// Package topic matches the paths of requests with the topics that subscriptions name.
package topic

import (
	"fmt"
	"strings"
)

// Every is the topic that all paths belong to.
const Every = "/"

// Match says whether a path belongs to one of the topics, all of them as Normal returns them: one
// that ends in a slash is that path and all below it, another that path alone.
func Match(topics []string, path string) bool {
	for _, topic := range topics {
		if path == topic || strings.HasSuffix(topic, "/") && (strings.HasPrefix(path, topic) || path+"/" == topic) {
			return true
		}
	}
	return false
}

// Normal is an escaped path as RFC 3986, 6.2.2, normalizes it: characters that need no escape
// have none, and the digits of escapes are capitals. An escaped slash stays what it is, and so do
// empty segments: %2F and // are never taken for a slash.
func Normal(path string) string {
	if !strings.Contains(path, "%") {
		return path
	}
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		c, ok := unescaped(path[i:])
		switch {
		case !ok:
			b.WriteByte(path[i])
			continue
		case isUnreserved(c):
			b.WriteByte(c)
		default:
			b.WriteString(strings.ToUpper(path[i : i+3]))
		}
		i += 2
	}
	return b.String()
}

// Of is the path that a topic means, as Normal returns it. It may be written with characters that a
// request cannot have but escaped: /bücher/ is /b%C3%BCcher/.
func Of(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return Normal(b.String())
}

// unescaped reads the escape that s begins with.
func unescaped(s string) (c byte, ok bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	high, ok1 := hexDigit(s[1])
	low, ok2 := hexDigit(s[2])
	return high<<4 | low, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	default:
		return 0, false
	}
}

func isUnreserved(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}
