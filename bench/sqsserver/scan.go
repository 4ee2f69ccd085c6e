package main

import "bytes"

// A scanner walks the members of the JSON objects in a request, nested ones too, in the
// order in which they stand. It reads what the SDK writes: values without escapes, and
// no value that looks like a name.
type scanner struct {
	rest []byte
}

// next returns the next name and its value, the value being a string without its
// quotes, a number, or the bracket that opens something. An opening brace without a
// name, as in a list of entries, is passed over.
func (s *scanner) next() (name, value []byte, ok bool) {
	for {
		text, ok := s.text()
		if !ok {
			return nil, nil, false
		}
		s.rest = bytes.TrimLeft(s.rest, " \t\r\n")
		if len(s.rest) == 0 || s.rest[0] != ':' {
			continue // an element of a list
		}
		s.rest = bytes.TrimLeft(s.rest[1:], " \t\r\n")
		if len(s.rest) == 0 {
			return nil, nil, false
		}
		if s.rest[0] == '"' {
			value, ok := s.text()
			return text, value, ok
		}
		end := 1
		for end < len(s.rest) && bytes.IndexByte([]byte(",}] \t\r\n\""), s.rest[end]) < 0 {
			end++
		}
		value, s.rest = s.rest[:end], s.rest[end:]
		return text, value, true
	}
}

// text returns what stands between the next two quotes.
func (s *scanner) text() ([]byte, bool) {
	_, rest, found := bytes.Cut(s.rest, []byte{'"'})
	if !found {
		return nil, false
	}
	text, rest, found := bytes.Cut(rest, []byte{'"'})
	s.rest = rest
	return text, found
}

// number reads a whole number that is not negative; 0 when it is none.
func number(b []byte) int {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' || n > 1<<40 {
			return 0
		}
		n = 10*n + int(c-'0')
	}
	return n
}
