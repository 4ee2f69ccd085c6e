package api

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// errNotJSON is the error of an answer that is no JSON, or ends too early.
var errNotJSON = errors.New("the answer is not valid JSON")

// A decoder reads JSON and takes no copies: a string is unescaped where it stands and
// returned as a part of the data, which is changed thereby. Bytes that are no UTF-8
// stay as they are. Objects and arrays are read so:
//
//	for d.begin('{'); d.more('}'); {
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
	first bool // no comma is due: an object or array has just begun
	none  bool // what was to begin is not there
	err   error
}

// begin begins an object or array, as bracket says.
func (d *decoder) begin(bracket byte) {
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

// number reads a number that is a string, as SQS's are, or a JSON number; 0 where there is none.
func (d *decoder) number() int64 {
	n, _ := d.integer()
	return n
}

func (d *decoder) integer() (n int64, ok bool) {
	text := d.value()
	if n, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return n, true
	}
	// As 1.7e12, or with a fraction.
	if f, err := strconv.ParseFloat(string(text), 64); err == nil && math.Abs(f) < 1<<53 {
		return int64(f), true
	}
	return 0, false
}

// value reads a string, or passes over a value of another kind and returns its JSON.
func (d *decoder) value() []byte {
	if d.peek() == '"' {
		return d.quoted()
	}
	start := d.at
	d.skip()
	return d.data[start:d.at]
}

// truth reads whether a value is true.
func (d *decoder) truth() bool { return string(d.value()) == "true" }

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
