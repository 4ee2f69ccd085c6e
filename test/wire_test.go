package test

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A request is what came over the wire, unchanged.
type request struct {
	// Method and Target are of the request line.
	Method, Target, Proto string
	Fields                []field
	Body                  string
	// Conn numbers the connections, from 1, in the order of their first request.
	Conn int
	At   time.Time
}

// A field is one header line; Name is spelled as it was sent.
type field struct{ Name, Value string }

// header returns the value of the field of exactly this spelling, or nothing.
func (r request) header(name string) string {
	for _, f := range r.Fields {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// has reports whether there is a field of that name, in any spelling.
func (r request) has(name string) bool {
	return slices.ContainsFunc(r.Fields, func(f field) bool { return strings.EqualFold(f.Name, name) })
}

func (r request) id() string { return r.header("X-Carrier-Message-Id") }

func (r request) receiveCount() int {
	n, _ := strconv.Atoi(r.header("X-Carrier-Receive-Count"))
	return n
}

// An answer is what a worker says.
type answer struct {
	// Wire is every byte of it.
	Wire string
	// Hold is waited for before anything is said; nil is not.
	Hold <-chan struct{}
	// Cut closes the connection afterwards.
	Cut bool
}

// says is an ordinary answer; fields are whole header lines.
func says(status int, fields ...string) answer {
	head := fmt.Sprintf("HTTP/1.1 %d Status\r\nContent-Length: 0\r\n", status)
	for _, f := range fields {
		head += f + "\r\n"
	}
	return answer{Wire: head + "\r\n"}
}

// held is a after hold is closed.
func held(a answer, hold <-chan struct{}) answer {
	a.Hold = hold
	return a
}

// A script decides about the nth request, from 1.
type script func(n int, r request) answer

func always(a answer) script { return func(int, request) answer { return a } }

// first answers the requests with answers in turn, and everything after them with 200.
func first(answers ...answer) script {
	return func(n int, _ request) answer {
		if n <= len(answers) {
			return answers[n-1]
		}
		return says(200)
	}
}

// readRequest reads one request whose body has a length.
func readRequest(in *bufio.Reader) (request, error) {
	text, err := in.ReadString('\n')
	if err != nil {
		return request{}, err
	}
	r := request{At: time.Now()}
	if _, err := fmt.Sscanf(text, "%s %s %s\r\n", &r.Method, &r.Target, &r.Proto); err != nil {
		return r, err
	}
	length := 0
	for {
		text, err := in.ReadString('\n')
		if err != nil {
			return r, err
		}
		text = strings.TrimSuffix(text, "\r\n")
		if text == "" {
			break
		}
		name, value, _ := strings.Cut(text, ": ")
		r.Fields = append(r.Fields, field{name, value})
		if strings.EqualFold(name, "Content-Length") {
			if length, err = strconv.Atoi(value); err != nil {
				return r, err
			}
		}
	}
	body := make([]byte, length)
	_, err = io.ReadFull(in, body)
	r.Body = string(body)
	return r, err
}

// after is a, said after d.
func after(d time.Duration, a answer) answer {
	hold := make(chan struct{})
	time.AfterFunc(d, func() { close(hold) })
	return held(a, hold)
}
