// Package percent makes names and values that a header can carry, by percent escapes.
package percent

import "strings"

const (
	upperHex = "0123456789ABCDEF"
	// tokenMarks are the marks that RFC 9110, section 5.6.2, allows in a header's name
	// beside letters and digits; the percent sign is left out, since it is our escape.
	tokenMarks = "!#$&'*+-.^_`|~"
)

// Name makes any name a header token. Decoding the percent signs once gives the
// name back.
func Name(name string) string {
	return Escape(name, func(i int) bool { return isToken(name[i]) })
}

// Value makes any value one that a header can carry. Decoding the percent signs
// once gives the value back; spaces at either end are escaped too, since the other
// side trims them.
func Value(value string) string {
	last := len(value) - 1
	return Escape(value, func(i int) bool {
		if value[i] == ' ' {
			return i != 0 && i != last
		}
		return value[i] > ' ' && value[i] < 0x7f && value[i] != '%'
	})
}

// Escape replaces each byte whose index is not plain by its percent escape.
func Escape(s string, plain func(i int) bool) string {
	escaped := 0
	for i := range len(s) {
		if !plain(i) {
			escaped++
		}
	}
	if escaped == 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 2*escaped)
	for i := range len(s) {
		if plain(i) {
			b.WriteByte(s[i])
			continue
		}
		b.WriteByte('%')
		b.WriteByte(upperHex[s[i]>>4])
		b.WriteByte(upperHex[s[i]&0xf])
	}
	return b.String()
}

func isToken(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	default:
		return strings.IndexByte(tokenMarks, c) >= 0
	}
}
