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
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
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
// changes of visibility. Its requests are copies of one that the SDK has made, signed
// by the SDK's signer; what the SDK does around a request, at each of them anew, costs
// several times as much as the request.
//
// Both bodies of a call are held in memory. A request's can be closed by nobody while
// it is being sent (see heldClient). An answer's is read in full, and once its head is
// there the messages in it are ours: the end of the caller's context no longer cuts it.
//
// A line may be used by many goroutines at once.
type line struct {
	transport   *http.Transport
	model       model
	credentials aws.CredentialsProvider
	signer      *v4.Signer
	clock       *clock
	buffers     sync.Pool // of *[]byte, for answers
	// large is held by who reads a large answer, from its first byte until its messages
	// are out of it: a hundred of them at once would be a gigabyte beside the messages.
	large chan struct{}
}

func newLine(t *http.Transport, m model, credentials aws.CredentialsProvider) *line {
	return &line{
		transport: t, model: m, credentials: credentials, signer: v4.NewSigner(),
		clock: &clock{still: m.still}, large: make(chan struct{}, largeAtOnce),
	}
}

// An answer is one of the 2xx. Its body is gone once its reader returns.
type answer struct {
	body []byte
	came time.Time // its head
}

// call makes one call and hands the answer to read, which must not keep any of it. Its
// errors are of the SDK's types, for sortError to sort.
func (l *line) call(ctx context.Context, action string, p payload, read func(answer) error) error {
	req, err := l.request(ctx, action, p)
	if err != nil {
		return err
	}
	resp, err := l.transport.RoundTrip(req)
	if err != nil {
		return &smithyhttp.RequestSendError{Err: err}
	}
	defer func() { _ = resp.Body.Close() }() // read to its end or given up: nothing is left to learn
	came := time.Now()
	if answered, ok := ctx.Value(answeredKey{}).(func()); ok {
		answered()
	}
	l.clock.adopt(resp.Header)
	return l.hold(ctx, resp, func(body []byte) error {
		if resp.StatusCode < 200 || resp.StatusCode > 299 {
			return refusal(resp, body)
		}
		if err := read(answer{body, came}); err != nil {
			return answerError(resp, &smithy.DeserializationError{Err: err})
		}
		return nil
	})
}

// request makes a signed request.
func (l *line) request(ctx context.Context, action string, p payload) (*http.Request, error) {
	identity, err := l.credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("get credentials: %w", err)
	}
	req := l.model.request.WithContext(ctx)
	url := *req.URL // the signer writes to it
	req.URL = &url
	req.Header = l.model.request.Header.Clone()
	req.Header.Set(targetHeader, l.model.service+"."+action)
	req.ContentLength = int64(len(p.body))
	// Lets net/http send the body on a fresh connection when it could not write a byte
	// of it on one that the server had closed; it repeats a POST in no other case.
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(p.body)), nil }
	req.Body, _ = req.GetBody()
	err = l.signer.SignHTTP(ctx, identity, req, p.hash, l.model.signingName, l.model.signingRegion, l.clock.now())
	if err != nil {
		return nil, fmt.Errorf("sign request: %w", err)
	}
	return req, nil
}

// hold reads the body of resp into a buffer, and hands it to use.
func (l *line) hold(ctx context.Context, resp *http.Response, use func(body []byte) error) error {
	if resp.ContentLength >= largeAnswer {
		select {
		case l.large <- struct{}{}:
			defer func() { <-l.large }()
		case <-ctx.Done():
			return &smithyhttp.RequestSendError{Err: ctx.Err()}
		}
	}
	buffer, ok := l.buffers.Get().(*[]byte)
	if !ok {
		buffer = new([]byte)
	}
	defer l.buffers.Put(buffer)
	var err error
	*buffer, err = readAnswer((*buffer)[:0], resp.Body, resp.ContentLength)
	if err != nil {
		return &smithyhttp.RequestSendError{Err: fmt.Errorf("read answer: %w", err)}
	}
	return use(*buffer)
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
