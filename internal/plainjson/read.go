package plainjson

import "bytes"

// A Reader reads one JSON object whose strings are printable ASCII without escapes, and whose numbers
// are a few digits: what programs send whose fields are tokens and durations. Anything else is not
// plain, and somebody else has to say whether it is JSON. It is used so:
//
//	for r.Begin('{'); r.More('}'); {
//		switch string(r.Key()) {
//		case "name":
//			name = string(r.Text())
//		default:
//			r.Fail()
//		}
//	}
//	plain := r.End()
type Reader struct {
	text  []byte
	at    int
	first bool // no comma is due
	bad   bool
}

// NewReader returns a reader of text, which it does not change.
func NewReader(text []byte) *Reader { return &Reader{text: text} }

// Fail says that the text is not plain. Nothing is read any more.
func (r *Reader) Fail() { r.bad, r.at = true, len(r.text) }

// End reports whether all was plain, and nothing comes after it.
func (r *Reader) End() bool { return r.peek() == 0 && r.at == len(r.text) && !r.bad }

// Begin begins an object or a list, as bracket says.
func (r *Reader) Begin(bracket byte) {
	r.take(bracket)
	r.first = true
}

// More goes to the next member or element, or past the closing bracket.
func (r *Reader) More(bracket byte) bool {
	if r.peek() == bracket {
		r.at++
		r.first = false
		return false
	}
	if !r.first {
		r.take(',')
	}
	r.first = false
	return !r.bad
}

// Key reads the name of a member and its colon.
func (r *Reader) Key() []byte {
	name := r.Text()
	r.take(':')
	return name
}

// Text reads a string. It is a part of the text.
func (r *Reader) Text() []byte {
	r.take('"')
	n := bytes.IndexByte(r.text[r.at:], '"')
	if n < 0 {
		r.Fail()
		return nil
	}
	s := r.text[r.at : r.at+n]
	for _, c := range s {
		if !isPlain(c) {
			r.Fail()
			return nil
		}
	}
	r.at += n + 1
	return s
}

// Number reads a number from 0 to 99,999.
func (r *Reader) Number() (n int) {
	const mostDigits = 5
	r.peek()
	digits := r.at
	for ; r.at < len(r.text) && r.text[r.at]-'0' <= 9; r.at++ {
		n = 10*n + int(r.text[r.at]-'0')
		if r.at-digits >= mostDigits {
			break
		}
	}
	if length := r.at - digits; length == 0 || length > mostDigits || length > 1 && r.text[digits] == '0' {
		r.Fail()
	}
	return n
}

func (r *Reader) take(c byte) {
	if r.peek() != c {
		r.Fail()
		return
	}
	r.at++
}

// peek goes to the next byte that is no blank and returns it; 0 at the end.
func (r *Reader) peek() byte {
	for ; r.at < len(r.text); r.at++ {
		switch c := r.text[r.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}
