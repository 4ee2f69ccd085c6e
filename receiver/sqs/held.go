package sqs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"carrier/internal/bufferedbody"
)

// maxAnswer is the most that is read of one answer: ten messages of 1 MiB in
// which every byte is escaped.
const maxAnswer = 64 << 20

var errAnswerTooLong = fmt.Errorf("answer of more than %d bytes", maxAnswer)

// A heldClient makes the SDK's calls with both bodies held in memory.
type heldClient struct {
	client bufferedbody.Client
}

func newHeldClient(t *http.Transport) heldClient {
	return heldClient{bufferedbody.Client{HTTP: &http.Client{
		Transport: t,
		// A redirected call would be signed for another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}}
}

// Do sends req and returns the whole answer.
func (h heldClient) Do(req *http.Request) (*http.Response, error) {
	resp, err := h.client.Do(req)
	if err != nil {
		return nil, err
	}
	return holdAnswer(resp)
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
