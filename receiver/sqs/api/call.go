package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"carrier/receiver"
	"carrier/receiver/sqs/environment"
)

const (
	// maxAnswer is the most bytes that are read of one answer: ten messages of 1 MiB in which
	// every byte is escaped.
	maxAnswer = 64 << 20
	// largeAnswer is the size in bytes from which on an answer is one of largeAtOnce.
	largeAnswer = 1 << 20
	// largeAtOnce is how many large answers are in memory at once.
	largeAtOnce = 2
)

var errAnswerTooLong = fmt.Errorf("answer of more than %d bytes", maxAnswer)

// A caller makes requests from a template, and reads their answers in full. Once the head of an
// answer is there, its messages are ours: the end of the receive's context no longer cuts it. It
// is safe for concurrent use.
type caller struct {
	transport   *http.Transport
	exchange    exchanger
	close       func()
	template    requestTemplate
	credentials *environment.Chain
	signer      signer
	clock       clock
	// Pools of *[]byte. A request keeps its buffer while it waits for the answer; were it one
	// that a large answer had grown, each open call would hold many megabytes.
	requests, answers sync.Pool
	// large is held while a large answer is read, from its first byte until its messages are out
	// of it: a hundred of them at once would be a gigabyte beside the messages.
	large chan struct{}
}

func newCaller(t *http.Transport, template requestTemplate, credentials *environment.Chain) *caller {
	c := &caller{
		transport: t, template: template, credentials: credentials,
		clock: clock{fixed: template.fixedClock}, large: make(chan struct{}, largeAtOnce),
	}
	c.requests.New = func() any { return new([]byte) }
	c.answers.New = c.requests.New
	c.exchange, c.close = exchangerTo(t, template.request)
	return c
}

// An answer is one of the 2xx. Its body is gone once its reader returns.
type answer struct {
	body []byte
	came time.Time // when its head was there
}

// An action is one call: its name at the service, its request, and what is done with its answer.
type action struct {
	name    string
	request Request
	// onHead is called once the head of a 2xx answer is there; may be nil.
	onHead func()
	// read is given the answer, and must not keep any of it.
	read func(answer) error
}

// call makes one call. A request that is refused since the clock is off is signed and sent once
// more, with the time of the answer. Where the service refuses the credentials they are looked
// for anew, for the next call.
func (c *caller) call(ctx context.Context, a action) error {
	for try := 1; ; try++ {
		identity, err := c.credentials.Retrieve(ctx)
		if err != nil {
			return err
		}
		ahead := c.clock.ahead()
		err = c.send(ctx, a, identity)
		if err == nil || classOf(err) != receiver.Credentials {
			return err
		}
		if try == 1 && (c.clock.ahead()-ahead).Abs() >= clockTolerance {
			continue
		}
		c.credentials.Refused(ctx)
		return err
	}
}

// send makes one request.
func (c *caller) send(ctx context.Context, a action, identity aws.Credentials) error {
	signed, err := c.signer.sign(ctx, &c.template, a.name, a.request, identity, c.clock.now())
	if err != nil {
		return err
	}
	request := c.requests.Get().(*[]byte)
	defer c.requests.Put(request)
	*request = c.template.append((*request)[:0], signed, a.request.body)
	var outcome error
	err = c.exchange(ctx, *request, func(resp *http.Response) error {
		came := time.Now()
		if a.onHead != nil && isSuccess(resp) {
			a.onHead()
		}
		c.clock.follow(resp.Header)
		return c.readBody(ctx, resp, func(body []byte) { outcome = understand(resp, answer{body, came}, a.read) })
	})
	if err != nil {
		return &exchangeError{err}
	}
	return outcome
}

func isSuccess(resp *http.Response) bool { return resp.StatusCode >= 200 && resp.StatusCode <= 299 }

// understand hands an answer to read, or makes an error of it.
func understand(resp *http.Response, a answer, read func(answer) error) error {
	if !isSuccess(resp) {
		return newAPIError(resp, a.body)
	}
	if err := read(a); err != nil {
		return &exchangeError{err}
	}
	return nil
}

// readBody reads the body of resp into a buffer, and hands it to use.
func (c *caller) readBody(ctx context.Context, resp *http.Response, use func(body []byte)) error {
	if resp.ContentLength >= largeAnswer {
		select {
		case c.large <- struct{}{}:
			defer func() { <-c.large }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	buffer := c.answers.Get().(*[]byte)
	defer c.answers.Put(buffer)
	var err error
	*buffer, err = readAnswer((*buffer)[:0], resp.Body, resp.ContentLength)
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	use(*buffer)
	return nil
}

// readAnswer reads body to its end. length is -1 where it is not known beforehand.
func readAnswer(buffer []byte, body io.Reader, length int64) ([]byte, error) {
	switch {
	case length > maxAnswer:
		return buffer, errAnswerTooLong
	case length >= 0:
		if int64(cap(buffer)) < length {
			buffer = make([]byte, length+length/8) // the next one is a little longer
		}
		n, err := io.ReadFull(body, buffer[:length])
		return buffer[:n], err
	}
	grown := bytes.NewBuffer(buffer)
	n, err := grown.ReadFrom(io.LimitReader(body, maxAnswer+1))
	if err == nil && n > maxAnswer {
		err = errAnswerTooLong
	}
	return grown.Bytes(), err
}
