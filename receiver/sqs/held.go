package sqs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
)

// maxAnswer is the most that is read of one answer: ten messages of 1 MiB in
// which every byte is escaped.
const maxAnswer = 64 << 20

var errAnswerTooLong = fmt.Errorf("answer of more than %d bytes", maxAnswer)

// A heldClient makes the SDK's calls with both bodies held in memory.
//
// The request's: the SDK closes the body it gave as soon as there is an answer,
// and a server that answers within microseconds does so before net/http has noted
// that the body was sent. net/http then takes the closed body for a failed
// request, drops the connection in the middle of the answer, and what the answer
// said is lost.
type heldClient struct {
	client *http.Client
}

func newHeldClient(t *http.Transport) heldClient {
	return heldClient{&http.Client{
		Transport: t,
		// A redirected call would be signed for another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Do sends req and returns the whole answer.
func (h heldClient) Do(req *http.Request) (*http.Response, error) {
	held, err := holdRequest(req)
	if err != nil {
		return nil, err
	}
	resp, err := h.client.Do(held)
	if err != nil {
		return nil, err
	}
	return holdAnswer(resp)
}

// holdRequest returns a copy of req whose body nobody else can close. GetBody lets
// net/http send it on a fresh connection when it could not write a byte of it on
// one that the server had closed; it repeats a POST in no other case.
func holdRequest(req *http.Request) (*http.Request, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return req, nil
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, fmt.Errorf("read request body: %w", err)
	}
	held := req.WithContext(req.Context())
	held.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	held.Body, _ = held.GetBody()
	held.ContentLength = int64(len(body))
	return held, nil
}

func holdAnswer(resp *http.Response) (*http.Response, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	_ = resp.Body.Close() // read to its end or given up: nothing is left to learn
	switch {
	case err != nil:
		return nil, fmt.Errorf("read answer: %w", err)
	case len(body) > maxAnswer:
		return nil, errAnswerTooLong
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// answeredKey is where a context carries a function that a line calls when the head
// of the answer is there.
type answeredKey struct{}

// untilAnswered returns a context that ends with ctx only as long as there is no
// answer. The returned function must be called when the call is over.
func untilAnswered(ctx context.Context) (context.Context, context.CancelFunc) {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	answered := func() { stop() }
	return context.WithValue(own, answeredKey{}, answered), func() { stop(); cancel() }
}
