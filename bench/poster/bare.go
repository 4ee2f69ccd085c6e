package main

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"strconv"
)

// A bare client writes requests and reads answers by itself, on one connection, in one
// goroutine: about the least that a POST can cost. It understands the answers of the
// benchmark's programs and of carrier, and has no timeout.
type bare struct {
	address string
	conn    net.Conn
	reader  *bufio.Reader
	out     []byte
}

var errAnswer = errors.New("not an answer")

func (b *bare) Post(body []byte) (int, error) {
	if b.conn == nil {
		conn, err := net.Dial("tcp", b.address) //nolint:noctx // nothing ends it but the program
		if err != nil {
			return 0, err
		}
		b.conn, b.reader = conn, bufio.NewReader(conn)
	}
	status, err := b.exchange(body)
	if err != nil {
		_ = b.conn.Close()
		b.conn = nil
	}
	return status, err
}

func (b *bare) exchange(body []byte) (int, error) {
	b.out = append(b.out[:0], "POST / HTTP/1.1\r\nHost: "...)
	b.out = append(b.out, b.address...)
	b.out = append(b.out, "\r\nContent-Type: application/json\r\nContent-Length: "...)
	b.out = strconv.AppendInt(b.out, int64(len(body)), 10)
	b.out = append(b.out, "\r\n\r\n"...)
	b.out = append(b.out, body...)
	if _, err := b.conn.Write(b.out); err != nil {
		return 0, err
	}
	return b.answer()
}

// answer reads one answer to its end.
func (b *bare) answer() (int, error) {
	line, err := b.reader.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return 0, errAnswer
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return 0, err
	}
	length := 0
	for {
		line, err := b.reader.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if len(line) <= 2 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("content-length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, err
			}
		}
	}
	_, err = b.reader.Discard(length)
	return status, err
}
