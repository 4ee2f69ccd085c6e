package sqs

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// errNotJSON is the error of an answer that is no JSON, or ends too early.
var errNotJSON = errors.New("the answer is not valid JSON")

// A decoder reads JSON and takes no copies: a string is unescaped where it stands and
// returned as a part of the data, which is changed thereby. Bytes that are no UTF-8
// stay as they are. Objects and arrays are read so:
//
//	for d.open('{'); d.more('}'); {
//		switch string(d.key()) {
//		case "Name":
//			name = d.text()
//		default:
//			d.skip()
//		}
//	}
//
// Values of another kind than asked for count as absent, and so does null. After an
// error there is nothing more to read. What is skipped is not looked at closely.
type decoder struct {
	data  []byte
	at    int
	first bool // no comma is due: an object or array was opened just now
	none  bool // what was to be opened is not there
	err   error
}

// open begins an object or array, as bracket says.
func (d *decoder) open(bracket byte) {
	if d.peek() != bracket {
		d.none = true
		d.skip()
		return
	}
	d.at++
	d.first = true
}

// more goes to the next member or element, or past the closing bracket.
func (d *decoder) more(bracket byte) bool {
	c := d.peek()
	switch {
	case d.err != nil:
		return false
	case d.none:
		d.none = false
		return false
	case c == bracket:
		d.at++
		d.first = false
		return false
	case d.first:
		d.first = false
		return true
	case c != ',':
		d.fail()
		return false
	}
	d.at++
	return true
}

// key reads the name of a member and its colon.
func (d *decoder) key() []byte {
	if d.peek() != '"' {
		d.fail()
		return nil
	}
	name := d.quoted()
	if d.peek() != ':' {
		d.fail()
		return nil
	}
	d.at++
	return name
}

// text reads a string; nil where there is none.
func (d *decoder) text() []byte {
	if d.peek() != '"' {
		d.skip()
		return nil
	}
	return d.quoted()
}

// truth reads whether a value is true.
func (d *decoder) truth() bool {
	d.peek()
	start := d.at
	d.skip()
	return string(d.data[start:d.at]) == "true"
}

// skip passes over a value of any kind. It does not recurse.
func (d *decoder) skip() {
	for depth := 0; d.err == nil; {
		switch d.peek() {
		case '"':
			d.quoted()
		case '{', '[':
			d.at++
			depth++
		case '}', ']':
			d.at++
			depth--
		case ',', ':':
			d.at++
			if depth > 0 {
				continue
			}
			d.fail()
		default:
			d.scalar()
		}
		if depth < 0 {
			d.fail()
		}
		if depth == 0 {
			return
		}
	}
}

// scalar passes over a number or a word.
func (d *decoder) scalar() {
	start := d.at
	for d.at < len(d.data) && strings.IndexByte(" \t\r\n,:]}", d.data[d.at]) < 0 {
		d.at++
	}
	if d.at == start {
		d.fail()
	}
}

// peek goes to the next byte that is no space and returns it; 0 at the end.
func (d *decoder) peek() byte {
	for ; d.at < len(d.data); d.at++ {
		switch c := d.data[d.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

func (d *decoder) fail() {
	d.err = errNotJSON
	d.at = len(d.data)
}

// plain goes past the string that begins here, or as far as its first escape, and
// returns what it went past.
func (d *decoder) plain() (s []byte, whole bool) {
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
func (d *decoder) quoted() []byte {
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
// escape, 0 where it is none. Half of a surrogate pair is U+FFFD.
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
		return utf8.RuneError, 6
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
