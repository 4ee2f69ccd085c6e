// Package redact makes texts fit to be shown: it hides the parts of URLs that may be secret, and cuts
// what is too long.
package redact

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// Mark stands in place of what is hidden.
const Mark = "REDACTED"

const (
	schemeEnd = "://"
	maxText   = 1 << 10
	cutMark   = "..."
)

// Text returns text with the secret parts of URLs hidden, cut at 1 KiB.
func Text(text string) string {
	text = URLs(text)
	if len(text) <= maxText {
		return text
	}
	end := maxText - len(cutMark)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + cutMark
}

// URLs returns text with the user, the password, the query and the fragment of every URL in it
// hidden. A URL begins with its scheme and ends at a blank, a quotation mark, an angle bracket or
// a comma before the next URL. Of one that cannot be parsed rather too much is hidden than too little.
func URLs(text string) string {
	if !strings.Contains(text, schemeEnd) {
		return text // most have none, and no copy is made
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, schemeEnd)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		end := length(rest)
		b.WriteString(schemeEnd)
		b.WriteString(withoutSecrets(rest[:end]))
		text = rest[end:]
	}
}

// length says how much of rest, which follows a scheme, is still of the same URL.
func length(rest string) int {
	end := strings.IndexFunc(rest, func(r rune) bool { return r <= ' ' || strings.ContainsRune("\"'`<>\\", r) })
	if end < 0 {
		end = len(rest)
	}
	if next := strings.Index(rest[:end], schemeEnd); next >= 0 {
		if comma := strings.LastIndexByte(rest[:next], ','); comma >= 0 {
			return comma
		}
	}
	return end
}

// withoutSecrets is rest, a URL without its scheme, with what may be secret hidden.
func withoutSecrets(rest string) string {
	u, err := url.Parse("x" + schemeEnd + rest)
	if at := strings.LastIndexByte(rest, '@'); at >= 0 && (err != nil || u.User != nil) {
		rest = Mark + rest[at:]
	}
	if at := strings.IndexAny(rest, "?#"); at >= 0 && at+1 < len(rest) {
		rest = rest[:at+1] + Mark
	}
	return rest
}
