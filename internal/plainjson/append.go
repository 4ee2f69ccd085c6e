// Package plainjson reads and writes the JSON that each message needs, without reflection: what
// carrier sends to consumers and to SQS, the lines of the audit trail, and what consumers say in the
// usual way. It was measured: encoding/json takes several times as long.
package plainjson

import (
	"unicode/utf8"
	"unsafe"
)

// AppendBytes is Append of text that is bytes.
func AppendBytes(b, text []byte) []byte {
	return Append(b, unsafe.String(unsafe.SliceData(text), len(text))) //nolint:gosec // it is gone before text can change
}

// Append appends s as a JSON string. What is no UTF-8 becomes U+FFFD.
func Append(b []byte, s string) []byte {
	b = append(b, '"')
	done := 0 // of s
	for i := plain(s, 0); i < len(s); i = plain(s, i) {
		size := 1
		if s[i] >= utf8.RuneSelf {
			var r rune
			if r, size = utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		b = appendEscaped(append(b, s[done:i]...), s[i])
		i += size
		done = i
	}
	return append(append(b, s[done:]...), '"')
}

// plain is how far s is plain from i on.
func plain(s string, i int) int {
	for ; i+8 <= len(s) && arePlain(s[i:i+8]); i += 8 {
	}
	for ; i < len(s) && isPlain(s[i]); i++ {
	}
	return i
}

// arePlain is isPlain for eight characters at once: in none of their bytes the highest bit is set, nor
// becomes so where 32 is taken from it, or 1 from what differs from a quote or a backslash.
func arePlain(s string) bool {
	const (
		ones  = 0x0101010101010101
		highs = 0x80 * ones
	)
	w := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
	return (w|(w-' '*ones)|((w^'"'*ones)-ones)|((w^'\\'*ones)-ones))&highs == 0
}

// isPlain reports whether a character is in a JSON string as it is, and is ASCII.
func isPlain(c byte) bool { return c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf }

// appendEscaped appends a character that is not in JSON as it is.
func appendEscaped(b []byte, c byte) []byte {
	const hexadecimal = "0123456789abcdef"
	switch {
	case c >= utf8.RuneSelf:
		return append(b, "\ufffd"...)
	case c == '"' || c == '\\':
		return append(b, '\\', c)
	case c == '\n':
		return append(b, `\n`...)
	case c == '\r':
		return append(b, `\r`...)
	case c == '\t':
		return append(b, `\t`...)
	default:
		return append(b, '\\', 'u', '0', '0', hexadecimal[c>>4], hexadecimal[c&15])
	}
}
