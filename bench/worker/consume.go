package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"carrier/bench/load"
)

// A consumption is a worker that asks for messages, as a client written in Go with the usual
// libraries would, in place of being posted to.
type consumption struct {
	how     string // pull or stream
	at      string // carrier's worker address
	clients int
	batch   int // messages that a client holds at once
}

// A given is what is read of a message.
type given struct {
	Type  string `json:"type"`
	Token string `json:"token"`
	Body  string `json:"body"`
}

// A said is a verdict.
type said struct {
	Type    string `json:"type,omitempty"`
	Token   string `json:"token"`
	Verdict string `json:"verdict,omitempty"`
}

func (w *worker) consume(c consumption) {
	for range c.clients {
		go func() {
			for {
				err := map[string]func(consumption) error{"pull": w.pull, "stream": w.stream}[c.how](c)
				_ = err // carrier is not there yet, or not there any more
				time.Sleep(10 * time.Millisecond)
			}
		}()
	}
}

// take keeps the books on one message that is worked on at once.
func (w *worker) take(body []byte) error {
	n, sent, err := load.ParseHead(body)
	if err != nil {
		w.ledger.wrongSize()
		return err
	}
	now := time.Now().UnixNano()
	w.ledger.enter(n, sent, now)
	w.ledger.leave(n, now, time.Now().UnixNano(), answer{kind: accept})
	return nil
}

// pull asks for a batch and settles it, until an error.
func (w *worker) pull(c consumption) error {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	wish := fmt.Appendf(nil, `{"max":%d,"wait":"20s"}`, c.batch)
	for {
		var got struct {
			Messages []given `json:"messages"`
		}
		if err := call(client, "http://"+c.at+"/v1/pull", wish, &got); err != nil {
			return err
		}
		verdicts := map[string][]said{}
		for _, g := range got.Messages {
			if err := w.take([]byte(g.Body)); err != nil {
				return err
			}
			verdicts["messages"] = append(verdicts["messages"], said{Token: g.Token, Verdict: "ack"})
		}
		if len(got.Messages) == 0 {
			continue
		}
		document, err := json.Marshal(verdicts)
		if err != nil {
			return err
		}
		if err := call(client, "http://"+c.at+"/v1/settle", document, nil); err != nil {
			return err
		}
	}
}

func call(client *http.Client, url string, document []byte, into any) error {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, bytes.NewReader(document))
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil || into == nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// stream takes messages from a stream and acknowledges each, until an error.
func (w *worker) stream(c consumption) error {
	ctx := context.Background()
	conn, _, err := websocket.Dial(ctx, "ws://"+c.at+"/v1/stream", &websocket.DialOptions{Subprotocols: []string{"carrier.v1"}}) //nolint:bodyclose // the package's
	if err != nil {
		return err
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(-1)
	if err := conn.Write(ctx, websocket.MessageText, fmt.Appendf(nil, `{"type":"credit","most":%d}`, c.batch)); err != nil {
		return err
	}
	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			return err
		}
		var g given
		if err := json.Unmarshal(text, &g); err != nil {
			return err
		}
		if g.Type != "message" {
			continue
		}
		if err := w.take([]byte(g.Body)); err != nil {
			return err
		}
		document, err := json.Marshal(said{Type: "ack", Token: g.Token})
		if err != nil {
			return err
		}
		if err := conn.Write(ctx, websocket.MessageText, document); err != nil {
			return err
		}
	}
}
