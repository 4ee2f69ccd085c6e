package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"carrier/receiver/nats/api"
)

const (
	// answerTimeout is how long a pull's answer may be late.
	answerTimeout = 2 * time.Second
	// flushTimeout is how long the end of a pull is waited for.
	flushTimeout = time.Second
)

// A puller asks the consumer for messages. The client library's own Fetch is not used: when its
// context ends it drops what has come by then, and it takes an empty message with a header called
// Status for an answer of the server.
type puller struct {
	client  *api.Client
	subject string
	group   string // the consumer's priority group; empty where it has none
	// pin is what a pinned consumer calls us.
	pin atomic.Pointer[string]
}

func newPuller(c *api.Client, from consumer) *puller {
	p := &puller{client: c, subject: fmt.Sprintf("$JS.API.CONSUMER.MSG.NEXT.%s.%s", from.stream, from.name)}
	if len(from.config.PriorityGroups) > 0 {
		p.group = from.config.PriorityGroups[0]
	}
	return p
}

// A pullRequest is one request for messages. https://docs.nats.io/reference/reference-protocols/nats_api_reference
type pullRequest struct {
	Batch   int           `json:"batch"`
	NoWait  bool          `json:"no_wait,omitempty"`
	Expires time.Duration `json:"expires,omitempty"`
	Group   string        `json:"group,omitempty"`
	Pin     string        `json:"id,omitempty"`
}

// A pull is one request under way.
type pull struct {
	sub  *nats.Subscription
	came chan *nats.Msg
}

// ask sends a request for n messages: for those that are there, or, where wait is not zero, for what
// comes until then.
func (p *puller) ask(n int, wait time.Duration) (pull, error) {
	request := pullRequest{Batch: n, NoWait: wait == 0, Expires: wait, Group: p.group}
	if pin := p.pin.Load(); pin != nil {
		request.Pin = *pin
	}
	body, err := json.Marshal(request)
	if err != nil {
		return pull{}, err
	}
	// With room for all that may come, and for what the server says beside it.
	a := pull{came: make(chan *nats.Msg, n+16)}
	inbox := p.client.Conn.NewInbox()
	if a.sub, err = p.client.Conn.ChanSubscribe(inbox, a.came); err != nil {
		return pull{}, err
	}
	if err := p.client.Conn.PublishRequest(p.subject, inbox, body); err != nil {
		_ = a.sub.Unsubscribe()
		return pull{}, err
	}
	return a, nil
}

// fetch asks for n messages, and returns those that came: with ctx's error where ctx ended first.
// What comes later is handed to late, which may be called after fetch has returned; background runs
// what waits for that.
func (p *puller) fetch(ctx context.Context, n int, wait time.Duration, background func(func()), late func(*nats.Msg)) ([]*nats.Msg, error) {
	a, err := p.ask(n, wait)
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(wait + answerTimeout)
	defer timer.Stop()
	var batch []*nats.Msg
	for len(batch) < n {
		select {
		case m := <-a.came:
			if m.Reply != "" {
				p.notePin(m)
				batch = append(batch, m)
				continue
			}
			if end, err := p.understand(m); end {
				_ = a.sub.Unsubscribe()
				return batch, err
			}
		case <-timer.C:
			background(func() { p.end(a, late) })
			return batch, fmt.Errorf("no answer: %w", nats.ErrTimeout)
		case <-ctx.Done():
			background(func() { p.end(a, late) })
			return batch, ctx.Err()
		}
	}
	_ = a.sub.Unsubscribe()
	return batch, nil
}

// end ends a pull that is not over. Once the server has answered a ping nothing more comes of it.
func (p *puller) end(a pull, late func(*nats.Msg)) {
	_ = p.client.Conn.FlushTimeout(flushTimeout) // what is on its way comes first
	_ = a.sub.Unsubscribe()
	_ = p.client.Conn.FlushTimeout(flushTimeout)
	for {
		select {
		case m := <-a.came:
			if m.Reply != "" {
				late(m)
			}
		default:
			return
		}
	}
}

// understand reads what the server says of a pull. It reports whether that is its end.
func (p *puller) understand(m *nats.Msg) (end bool, err error) {
	switch status, said := m.Header.Get("Status"), m.Header.Get("Description"); status {
	case "100": // a heartbeat
		return false, nil
	case "404", "408": // there is nothing, or nothing more
		return true, nil
	case "423": // another client is the pinned one, or this one is anew
		p.pin.Store(nil)
		return true, nil
	case "503":
		return true, nats.ErrNoResponders
	case "409":
		return true, conflict(said)
	default:
		return true, fmt.Errorf("status %s: %s", status, said)
	}
}

// conflict is the error of a pull that the server ends. One that ends since the server, or the
// consumer's leader, is another one soon is as good as one without messages.
func conflict(said string) error {
	switch said {
	case "Consumer Deleted":
		return jetstream.ErrConsumerDeleted
	case "Server Shutdown", "Leadership Change", "Batch Completed", "Message Size Exceeds MaxBytes":
		return nil
	}
	return &jetstream.APIError{Code: 429, Description: said}
}

func (p *puller) notePin(m *nats.Msg) {
	if pin := m.Header.Get("Nats-Pin-Id"); pin != "" {
		p.pin.Store(&pin)
	}
}

// isEnd reports whether err is that of a context, and not the server's.
func isEnd(ctx context.Context, err error) bool { return ctx.Err() != nil && errors.Is(err, ctx.Err()) }
