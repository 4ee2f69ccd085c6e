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
			d.pass()
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

// pass goes past the string that begins here, and returns what is between its quotes.
func (d *decoder) pass() (inside []byte, escaped bool) {
	start := d.at + 1
	for from := start; from <= len(d.data); {
		quote := bytes.IndexByte(d.data[from:], '"')
		if quote < 0 {
			break
		}
		quote += from
		for from < quote {
			i := bytes.IndexByte(d.data[from:quote], '\\')
			if i < 0 {
				from = quote
				break
			}
			escaped = true
			from += i + 2 // past what is escaped, which may be the quote
		}
		if from == quote {
			d.at = quote + 1
			return d.data[start:quote], escaped
		}
	}
	d.fail()
	return nil, false
}

// quoted reads the string that begins here.
func (d *decoder) quoted() []byte {
	s, escaped := d.pass()
	if !escaped {
		return s
	}
	s, ok := unescape(s)
	if !ok {
		d.fail()
	}
	return s
}

// unescape resolves the escapes of s in its place, since none is shorter than what it
// stands for.
func unescape(s []byte) ([]byte, bool) {
	to := bytes.IndexByte(s, '\\')
	for from := to; from < len(s); {
		if s[from] != '\\' {
			n := bytes.IndexByte(s[from:], '\\')
			if n < 0 {
				n = len(s) - from
			}
			to += copy(s[to:], s[from:from+n])
			from += n
			continue
		}
		c, length := escape(s[from:])
		if length == 0 {
			return nil, false
		}
		to += len(utf8.AppendRune(s[:to], c)) - to
		from += length
	}
	return s[:to], true
}

// escape reads the escape that s begins with: the character, and the length of the
// escape, 0 where it is none.
func escape(s []byte) (rune, int) {
	if len(s) < 2 {
		return 0, 0
	}
	if s[1] != 'u' {
		i := strings.IndexByte(`"\/bfnrt`, s[1])
		if i < 0 {
			return 0, 0
		}
		return rune("\"\\/\b\f\n\r\t"[i]), 2
	}
	high, ok := hexadecimal(s[2:])
	if !ok {
		return 0, 0
	}
	if utf16.IsSurrogate(high) && len(s) > 7 && s[6] == '\\' && s[7] == 'u' {
		if low, ok := hexadecimal(s[8:]); ok {
			if c := utf16.DecodeRune(high, low); c != utf8.RuneError {
				return c, 12
			}
		}
	}
	return high, 6 // half of a pair is written as U+FFFD
}

func hexadecimal(s []byte) (rune, bool) {
	var b [2]byte
	if len(s) < 4 {
		return 0, false
	}
	_, err := hex.Decode(b[:], s[:4])
	return rune(binary.BigEndian.Uint16(b[:])), err == nil
}
