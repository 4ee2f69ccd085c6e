package sqs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const (
	// largeAnswer is the size from which on an answer is one of few.
	largeAnswer = 1 << 20
	// largeAtOnce is how many of them are held at once.
	largeAtOnce = 2
)

// A line makes the calls that messages cost, again and again: receives, deletions and
// changes of visibility. Its requests are copies of one that the SDK has made; what the
// SDK and net/http do around a request, at each of them anew, costs several times as
// much as the request.
//
// An answer is read in full, and once its head is there the messages in it are ours: the
// end of the caller's context no longer cuts it.
//
// A line may be used by many goroutines at once.
type line struct {
	exchange    func(ctx context.Context, request []byte, use func(*http.Response) error) error
	close       func()
	model       model
	credentials aws.CredentialsProvider
	clock       *clock
	// Pools of *[]byte. A request keeps its buffer while it waits for the answer; were it one
	// that a large answer had grown, each open call would hold many megabytes.
	requests, answers sync.Pool
	// large is held by who reads a large answer, from its first byte until its messages
	// are out of it: a hundred of them at once would be a gigabyte beside the messages.
	large chan struct{}
}

func newLine(t *http.Transport, m model, credentials aws.CredentialsProvider) *line {
	l := &line{
		close: func() {}, model: m, credentials: credentials,
		clock: &clock{still: m.still}, large: make(chan struct{}, largeAtOnce),
	}
	l.requests.New = func() any { return new([]byte) }
	l.answers.New = l.requests.New
	if isProxied(t, m.request) {
		l.exchange = proxied{t, m.request}.exchange
		return l
	}
	w := newWire(t, m.request.URL)
	l.exchange, l.close = w.exchange, w.close
	return l
}

// An answer is one of the 2xx. Its body is gone once its reader returns.
type answer struct {
	body []byte
	came time.Time // its head
}

// call makes one call and hands the answer to read, which must not keep any of it. Its
// errors are of the SDK's types, for sortError to sort.
func (l *line) call(ctx context.Context, action string, p payload, read func(answer) error) error {
	identity, err := l.credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("get credentials: %w", err)
	}
	request := l.requests.Get().(*[]byte)
	defer l.requests.Put(request)
	*request = l.model.append((*request)[:0], call{l.model.service + "." + action, p, l.clock.now(), identity})
	var outcome error
	err = l.exchange(ctx, *request, func(resp *http.Response) error {
		came := time.Now()
		if answered, ok := ctx.Value(answeredKey{}).(func()); ok {
			answered()
		}
		l.clock.adopt(resp.Header)
		return l.hold(ctx, resp, func(body []byte) { outcome = understand(resp, answer{body, came}, read) })
	})
	if err != nil {
		return &smithyhttp.RequestSendError{Err: err}
	}
	return outcome
}

// understand hands an answer to read, unless it is a refusal.
func understand(resp *http.Response, a answer, read func(answer) error) error {
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return refusal(resp, a.body)
	}
	if err := read(a); err != nil {
		return answerError(resp, &smithy.DeserializationError{Err: err})
	}
	return nil
}

// hold reads the body of resp into a buffer, and hands it to use.
func (l *line) hold(ctx context.Context, resp *http.Response, use func(body []byte)) error {
	if resp.ContentLength >= largeAnswer {
		select {
		case l.large <- struct{}{}:
			defer func() { <-l.large }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	buffer := l.answers.Get().(*[]byte)
	defer l.answers.Put(buffer)
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

// A clock is our own, set to the time of the answers, as the SDK does it: a signature
// is refused when its time is minutes off.
type clock struct {
	still bool // is never set
	ahead atomic.Int64
}

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// adopt takes the time from the head of an answer. A cached one, which says its age,
// is out of date.
func (c *clock) adopt(answer http.Header) {
	if c.still || answer.Get("Age") != "" {
		return
	}
	date := answer.Get("Date")
	if date == "" {
		return
	}
	if there, err := http.ParseTime(date); err == nil {
		c.ahead.Store(int64(time.Until(there)))
	}
}
