package jsonscan

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"unicode/utf16"
	"unicode/utf8"
)

// plain goes past the string that begins here, or as far as its first escape, and
// returns what it went past.
func (d *Decoder) plain() (s []byte, whole bool) {
	start := d.at + 1
	end := bytes.IndexByte(d.data[start:], '"')
	if end < 0 {
		d.fail()
		return nil, false
	}
	s = d.data[start : start+end]
	if escape := bytes.IndexByte(s, '\\'); escape >= 0 {
		d.at = start + escape
		return s[:escape], false
	}
	d.at = start + end + 1
	return s, true
}

// quoted reads the string that begins here. Escapes are resolved in their place, since
// none is shorter than what it stands for.
func (d *Decoder) quoted() []byte {
	s, whole := d.plain()
	if whole || d.err != nil {
		return s
	}
	// By hand and not by append: bodies that are JSON are full of escaped quotes.
	rest, to := d.data[d.at-len(s):], len(s)
	for from := to; from < len(rest); {
		switch c := rest[from]; c {
		case '"':
			d.at += from + 1 - len(s)
			return rest[:to]
		case '\\':
			r, length := escape(rest[from:])
			if length == 0 {
				d.fail()
				return nil
			}
			to = len(utf8.AppendRune(rest[:to], r))
			from += length
		default:
			rest[to] = c
			to++
			from++
		}
	}
	d.fail()
	return nil
}

// escape reads the escape that data begins with: the character, and the length of the
// escape, 0 where it is none. Half of a surrogate pair is no character, and is written
// as U+FFFD.
func escape(data []byte) (rune, int) {
	if len(data) < 2 {
		return 0, 0
	}
	switch c := data[1]; c {
	case '"', '\\', '/':
		return rune(c), 2
	case 'n':
		return '\n', 2
	case 't':
		return '\t', 2
	case 'r':
		return '\r', 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	}
	c, ok := codeUnit(data)
	if !ok {
		return 0, 0
	}
	if utf16.IsSurrogate(c) {
		low, _ := codeUnit(data[6:])
		if pair := utf16.DecodeRune(c, low); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return c, 6
}

// codeUnit reads the escape of one UTF-16 code unit, as \u00e9, which data begins with.
func codeUnit(data []byte) (rune, bool) {
	var b [2]byte
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
		return 0, false
	}
	_, err := hex.Decode(b[:], data[2:6])
	return rune(binary.BigEndian.Uint16(b[:])), err == nil
}
