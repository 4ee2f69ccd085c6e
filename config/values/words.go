package values

import "strings"

// AnyOf lists words for people: a, b or c.
func AnyOf(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// Suffixed is words with suffix after each.
func Suffixed(words []string, suffix string) []string {
	with := make([]string, len(words))
	for i, word := range words {
		with[i] = word + suffix
	}
	return with
}
