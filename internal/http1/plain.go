package http1

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
)

// plainAnswer reads the status of an answer that is a 2xx and says no more than how long its body
// is, as nearly all do: net/http makes a dozen objects of one. It returns the length of the whole,
// or zero where it is not perfectly sure, or where a field is there that is wanted.
func plainAnswer(b []byte, wanted []string) (status, length int) {
	line, rest, ok := cutLine(b)
	status = plainStatus(line)
	if !ok || status == 0 {
		return 0, 0
	}
	body := -1
	for line, rest, ok = cutLine(rest); len(line) > 0 && ok; line, rest, ok = cutLine(rest) {
		if body, ok = plainField(line, body, wanted); !ok {
			return 0, 0
		}
	}
	if !ok || body < 0 || status == http.StatusNoContent && body > 0 {
		return 0, 0
	}
	return status, len(b) - len(rest) + body
}

// cutLine cuts off a line that ends as it should and holds nothing that it should not.
func cutLine(b []byte) (line, rest []byte, ok bool) {
	line, rest, ok = bytes.Cut(b, []byte("\r\n"))
	for _, c := range line {
		if c < ' ' && c != '\t' || c == 0x7f {
			return nil, nil, false
		}
	}
	return line, rest, ok
}

// plainStatus reads a status line; zero where it is no 2xx.
func plainStatus(line []byte) int {
	const version, whole = "HTTP/1.1 ", "HTTP/1.1 200"
	if len(line) < len(whole) || string(line[:len(version)]) != version || line[len(version)] != '2' {
		return 0
	}
	if len(line) > len(whole) && line[len(whole)] != ' ' {
		return 0
	}
	status, _ := strconv.Atoi(string(line[len(version):len(whole)])) // zero where it is no number
	return status
}

// plainField reads one header field. It returns the length of the body, body where the field does
// not say it, and whether the field leaves nothing else to be looked at.
func plainField(line []byte, body int, wanted []string) (length int, ok bool) {
	name, value, ok := bytes.Cut(line, []byte(":"))
	if !ok || !isPlainName(name) {
		return 0, false
	}
	value = bytes.Trim(value, " \t")
	switch {
	case is(name, "content-length"):
		length, err := strconv.ParseUint(string(value), 10, 31)
		return int(length), err == nil && body < 0 //nolint:gosec // 31 bits
	case is(name, "connection"):
		return body, is(value, "keep-alive")
	case is(name, "transfer-encoding"), is(name, "trailer"), is(name, "upgrade"):
		return 0, false
	}
	return body, !slices.ContainsFunc(wanted, func(w string) bool { return is(name, w) })
}

// isPlainName reports whether a header's name is of letters, digits and hyphens.
func isPlainName(name []byte) bool {
	for _, c := range name {
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return len(name) > 0
}

func is(b []byte, word string) bool { return len(b) == len(word) && bytes.EqualFold(b, []byte(word)) }
