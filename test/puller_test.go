package test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"time"
)

// A puller is one consumer of a worker: it takes one message at a time, has it answered by the
// worker's script, and says the verdict that this is.
type puller struct {
	w      *worker
	client *http.Client
	// listed says that it uses pull and settle, which have lists in JSON, and not next and the
	// token's path.
	listed bool
}

// pullTimes has w take messages, so many at once, until w is closed.
func (w *worker) pullTimes(n int) {
	ctx, cancel := context.WithCancel(context.Background())
	w.t.Cleanup(cancel) // before w's own, which waits
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopPulling = cancel
	for i := range n {
		transport := &http.Transport{DialContext: w.dial}
		p := &puller{w: w, client: &http.Client{Transport: transport}, listed: i%2 == 1}
		w.served.Go(func() {
			defer transport.CloseIdleConnections()
			p.run(ctx)
		})
	}
}

// A conn is a connection to the program in one of its lives.
type conn struct {
	net.Conn
	life string
}

// dial notes the life after it has connected: a connection to the one before has no answer.
func (w *worker) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil || w.life == nil {
		return c, err
	}
	return conn{c, w.life()}, nil
}

func (p *puller) run(ctx context.Context) {
	const pause = 20 * time.Millisecond
	for ctx.Err() == nil {
		r, token, there := p.take(ctx)
		if !there {
			time.Sleep(pause) // the program drains, or is not there
			continue
		}
		a := p.w.take(r)
		if a.Hold != nil {
			select {
			case <-a.Hold:
			case <-ctx.Done():
				a.Cut = true
			}
		}
		p.w.done(r, a)
		for !p.say(ctx, token, r, a) && ctx.Err() == nil {
			time.Sleep(pause)
		}
	}
}

// take waits for a message. It is as the POST of it would be.
func (p *puller) take(ctx context.Context) (r request, token string, there bool) {
	life := ""
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if c, is := info.Conn.(conn); is {
			life = c.life
		}
	}})
	if p.listed {
		r, token, there = p.pull(ctx)
	} else {
		r, token, there = p.next(ctx)
	}
	r.Method, r.Target, r.At = http.MethodPost, "/", time.Now()
	r.Fields = append(r.Fields, field{"X-Life", life})
	return r, token, there
}

func (p *puller) next(ctx context.Context) (r request, token string, there bool) {
	status, header, body := p.call(ctx, http.MethodGet, "/v1/next?wait=20s", nil)
	for name, values := range header {
		r.Fields = append(r.Fields, field{name, values[0]})
	}
	r.Body = string(body)
	return r, header.Get("X-Carrier-Token"), status == http.StatusOK
}

func (p *puller) pull(ctx context.Context) (r request, token string, there bool) {
	status, _, body := p.call(ctx, http.MethodPost, "/v1/pull", map[string]any{"max": 1, "wait": "20s"})
	var answer struct {
		Messages []struct {
			Token, ID, Group, Source, ContentType string
			ReceiveCount                          int
			Sent, FirstReceived                   int64
			Body                                  *string
			BodyBase64                            []byte
		}
	}
	if status != http.StatusOK || json.Unmarshal(body, &answer) != nil || len(answer.Messages) != 1 {
		return r, "", false
	}
	m := answer.Messages[0]
	r.Body = string(m.BodyBase64)
	if m.Body != nil {
		r.Body = *m.Body
	}
	for name, value := range map[string]string{
		"X-Carrier-Message-Id": m.ID, "X-Carrier-Receive-Count": strconv.Itoa(m.ReceiveCount), "X-Carrier-Group-Id": m.Group,
		"Content-Type": m.ContentType, "X-Carrier-Sent-Time": strconv.FormatInt(m.Sent, 10),
		"X-Carrier-First-Receive-Time": strconv.FormatInt(m.FirstReceived, 10),
	} {
		r.Fields = append(r.Fields, field{name, value})
	}
	return r, m.Token, true
}

// say gives the verdict that a is, and reports whether the program knows it. It does not where there
// was no answer, or the source has not agreed yet.
func (p *puller) say(ctx context.Context, token string, r request, a answer) bool {
	said := a.word()
	if a.Cut {
		said = word{"extend", "for", "1s"}
	}
	status, ended := 0, false
	if p.listed {
		status, ended = p.settle(ctx, token, said)
	} else {
		path := "/v1/messages/" + token + "/" + said.Verdict
		if said.Name != "" {
			path += "?" + said.Name + "=" + said.Duration
		}
		status, _, _ = p.call(ctx, http.MethodPost, path, nil)
		ended = status == http.StatusGone
	}
	if ended && p.w.refused != nil {
		p.w.refused(r, a)
	}
	return status != 0 && status != http.StatusGatewayTimeout
}

// settle is say with a list of one.
func (p *puller) settle(ctx context.Context, token string, said word) (status int, ended bool) {
	entry := map[string]string{"token": token, "verdict": said.Verdict}
	if said.Name != "" {
		entry[said.Name] = said.Duration
	}
	status, _, body := p.call(ctx, http.MethodPost, "/v1/settle", map[string]any{"messages": []any{entry}})
	var answer struct {
		Results []struct {
			OK    bool
			Error string
		}
	}
	if status != http.StatusOK {
		return status, false
	}
	if err := json.Unmarshal(body, &answer); err != nil || len(answer.Results) != 1 {
		p.w.t.Errorf("settle answered %s", body)
		return status, false
	}
	if answer.Results[0].Error == "unconfirmed" {
		return http.StatusGatewayTimeout, false
	}
	return status, answer.Results[0].Error == "lease-ended"
}

// call makes a request; the status is 0 where there was no whole answer.
func (p *puller) call(ctx context.Context, method, path string, document any) (int, http.Header, []byte) {
	var body io.Reader
	if document != nil {
		text, err := json.Marshal(document)
		if err != nil {
			panic(err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+p.w.address+path, body)
	if err != nil {
		panic(err)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return 0, nil, nil
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, nil
	}
	return resp.StatusCode, resp.Header, text
}
