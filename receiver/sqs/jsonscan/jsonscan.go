// Package jsonscan reads JSON without copies and without reflection. It was measured: encoding/json
// takes several times as long for the answer to a receive.
package jsonscan

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// ErrNotJSON is the error of an answer that is no JSON, or ends too early.
var ErrNotJSON = errors.New("the answer is not valid JSON")

// A Decoder reads JSON and takes no copies: a string is unescaped where it stands and
// returned as a part of the data, which is changed thereby. Bytes that are no UTF-8
// stay as they are. Objects and arrays are read so:
//
//	for d.Begin('{'); d.More('}'); {
//		switch string(d.Key()) {
//		case "Name":
//			name = d.Text()
//		default:
//			d.Skip()
//		}
//	}
//
// Values of another kind than asked for count as absent, and so does null. After an
// error there is nothing more to read. What is skipped is not looked at closely.
type Decoder struct {
	data  []byte
	at    int
	first bool // no comma is due: an object or array has just begun
	none  bool // what was to begin is not there
	err   error
}

// NewDecoder returns a decoder of data, which is changed by reading it and must hold an object, or
// nothing but spaces, which is read as an empty object.
func NewDecoder(data []byte) (*Decoder, error) {
	d := &Decoder{data: data}
	if c := d.peek(); c == 0 && d.at == len(data) {
		d.data, d.at = []byte("{}"), 0
	} else if c != '{' {
		return nil, ErrNotJSON
	}
	return d, nil
}

// Err is the error that ended the reading; nil where there is none.
func (d *Decoder) Err() error { return d.err }

// Begin begins an object or array, as bracket says.
func (d *Decoder) Begin(bracket byte) {
	if d.peek() != bracket {
		d.none = true
		d.Skip()
		return
	}
	d.at++
	d.first = true
}

// More goes to the next member or element, or past the closing bracket.
func (d *Decoder) More(bracket byte) bool {
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

// Key reads the name of a member and its colon.
func (d *Decoder) Key() []byte {
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

// Text reads a string; nil where there is none.
func (d *Decoder) Text() []byte {
	if d.peek() != '"' {
		d.Skip()
		return nil
	}
	return d.quoted()
}

// Number reads a number that is a string, as SQS's are, or a JSON number; 0 where there is none.
func (d *Decoder) Number() int64 {
	n, _ := d.Integer()
	return n
}

// Integer is as Number, and reports whether there is one.
func (d *Decoder) Integer() (n int64, ok bool) {
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
func (d *Decoder) value() []byte {
	if d.peek() == '"' {
		return d.quoted()
	}
	start := d.at
	d.Skip()
	return d.data[start:d.at]
}

// Truth reads whether a value is true.
func (d *Decoder) Truth() bool { return string(d.value()) == "true" }

// Skip passes over a value of any kind. It does not recurse.
func (d *Decoder) Skip() {
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
func (d *Decoder) scalar() {
	start := d.at
	for d.at < len(d.data) && strings.IndexByte(" \t\r\n,:]}", d.data[d.at]) < 0 {
		d.at++
	}
	if d.at == start {
		d.fail()
	}
}

// peek goes to the next byte that is no space and returns it; 0 at the end.
func (d *Decoder) peek() byte {
	for ; d.at < len(d.data); d.at++ {
		switch c := d.data[d.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

func (d *Decoder) fail() {
	d.err = ErrNotJSON
	d.at = len(d.data)
}
