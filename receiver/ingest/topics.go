package ingest

import (
	"net/http"
	"strings"

	"carrier/message"
)

// everyPath is the topic that all paths belong to.
const everyPath = "/"

// topics says which subscriptions get a request, by its path.
type topics struct {
	subscriptions []Subscription
	// everything says that there is no path that not all of them get.
	everything bool
}

func newTopics(subscriptions []Subscription) topics {
	t := topics{everything: true, subscriptions: make([]Subscription, len(subscriptions))}
	for i, s := range subscriptions {
		normal := make([]string, len(s.Topics))
		for j, topic := range s.Topics {
			normal[j] = normalPath(topic)
			t.everything = t.everything && topic == everyPath
		}
		s.Topics = normal
		t.subscriptions[i] = s
	}
	return t
}

// match returns the subscriptions that get a request with an escaped path, a bit for each by its
// number. Where it matters which ones they are, or one of them repeats the request at its worker's, a
// path that climbs is refused: nobody could say what it is below of.
func (t topics) match(path string) (to uint64, p *problem) {
	normal, replay := normalPath(path), false
	for i, s := range t.subscriptions {
		if t.everything || matches(s.Topics, normal) {
			to |= 1 << i
			replay = replay || s.Replay
		}
	}
	if err := message.CheckPath(path); err != nil && (replay || !t.everything) {
		return 0, newProblem(http.StatusBadRequest, err.Error())
	}
	if to == 0 {
		return 0, noSubscriber()
	}
	return to, nil
}

func matches(topics []string, path string) bool {
	for _, topic := range topics {
		if path == topic || strings.HasSuffix(topic, "/") && (strings.HasPrefix(path, topic) || path+"/" == topic) {
			return true
		}
	}
	return false
}

// normalPath is an escaped path as RFC 3986, 6.2.2, normalizes it: characters that need no escape
// have none, and the digits of escapes are capitals. An escaped slash stays what it is, and so do
// empty segments: %2F and // are never taken for a slash.
func normalPath(path string) string {
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
