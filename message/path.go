package message

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What CheckPath says of a path.
var (
	errClimbs  = errors.New("the path has a segment .. in it")
	errNUL     = errors.New("the path has an escaped NUL in it")
	errEscapes = errors.New("the path has an escaped escape of a dot in it, or too many escapes of escapes")
)

// maxEscapes is how often a path may be escaped over and over.
const maxEscapes = 4

// CheckPath reports why a request's escaped path may not be put below the worker's: somewhere on
// the way it could be understood as one that leads out of it. Segments of two dots are looked for
// in every form that servers are known to take for one: escaped, escaped again, with backslashes,
// as overlong or wide characters, and followed by a parameter or blanks. No client that follows
// RFC 3986 sends any of these.
func CheckPath(path string) error {
	if !strings.ContainsAny(path, "%\\\x00") && !strings.Contains(path, "..") && isASCII(path) {
		return nil
	}
	for depth := 0; ; depth++ {
		switch {
		case strings.Contains(path, "\x00"):
			return errNUL
		case climbs(path):
			return errClimbs
		case depth > maxEscapes, depth > 0 && strings.Contains(strings.ToLower(path), "%2e"):
			return errEscapes
		}
		plain := unescape(path)
		if plain == path {
			return nil
		}
		path = plain
	}
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

func climbs(path string) bool {
	for segment := range strings.SplitSeq(plainDots(path), "/") {
		if end := strings.IndexAny(segment, ";?#"); end >= 0 {
			segment = segment[:end] // some servers drop what follows
		}
		if strings.TrimFunc(segment, func(r rune) bool { return r <= ' ' || r == 0x7f }) == ".." {
			return true
		}
	}
	return false
}

// plainDots writes what some servers take for a dot or a slash as one.
func plainDots(path string) string {
	if !strings.Contains(path, `\`) && isASCII(path) {
		return path
	}
	return strings.NewReplacer(
		`\`, "/",
		"\xc0\xae", ".", "\xe0\x80\xae", ".", "\xf0\x80\x80\xae", ".", // overlong UTF-8
		"\xc0\xaf", "/", "\xe0\x80\xaf", "/", "\xf0\x80\x80\xaf", "/", "\xc1\x9c", "/", "\xe0\x81\x9c", "/",
		"\uff0e", ".", "\u2024", ".", "\u2025", "..", "\uff0f", "/", "\uff3c", "/", // compatible in Unicode
	).Replace(path)
}

// unescape undoes one layer of escapes, of %XX and of %uXXXX. What is no escape stays.
func unescape(path string) string {
	var b strings.Builder
	for i := 0; i < len(path); {
		r, width := escaped(path[i:])
		switch width {
		case 0:
			b.WriteByte(path[i])
			width = 1
		case 3:
			b.WriteByte(byte(r))
		default:
			b.WriteRune(r)
		}
		i += width
	}
	return b.String()
}

// escaped reads an escape at the beginning of s: what it stands for, and how long it is; 0 where
// there is none.
func escaped(s string) (r rune, width int) {
	switch {
	case len(s) >= 6 && s[0] == '%' && (s[1] == 'u' || s[1] == 'U'):
		s, width = s[2:6], 6
	case len(s) >= 3 && s[0] == '%':
		s, width = s[1:3], 3
	default:
		return 0, 0
	}
	n, err := strconv.ParseUint(s, 16, 32)
	if err != nil {
		return 0, 0
	}
	return rune(n), width
}
