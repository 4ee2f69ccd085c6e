package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// askLimit is how long send and health wait for an answer.
const askLimit = 10 * time.Second

// send puts one message into a queue and prints its id. A body of - is read from stdin.
func (p program) send(ctx context.Context, args []string) error {
	f := p.flags("devsqs send")
	endpoint := f.String("endpoint", p.env("DEVSQS_ENDPOINT", "http://"+defaultAddress), "the server")
	queue := f.String("queue", "", "the queue's name")
	queueURL := f.String("queue-url", "", "the queue's URL, in place of endpoint and queue")
	group := f.String("group", "devsqs", "the message group, on a FIFO queue")
	if err := parse(f, args); err != nil {
		return err
	}
	if f.NArg() != 1 || (*queue == "") == (*queueURL == "") {
		return usageError("send takes -queue or -queue-url, and one body")
	}
	body := f.Arg(0)
	if body == "-" {
		text, err := io.ReadAll(p.stdin)
		if err != nil {
			return err
		}
		body = string(text)
	}
	if *queueURL != "" {
		u, err := url.Parse(*queueURL)
		if err != nil || u.Host == "" {
			return usageError(fmt.Sprintf("queue-url is %q; it is like http://127.0.0.1:9324/000000000000/orders", *queueURL))
		}
		*endpoint = u.Scheme + "://" + u.Host
	}
	c := client{endpoint: *endpoint}
	id, err := c.send(ctx, message{queue: *queue, url: *queueURL, group: *group, body: body})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(p.stdout, id)
	return nil
}

// health fails when the server does not answer.
func (p program) health(ctx context.Context, args []string) error {
	f := p.flags("devsqs health")
	endpoint := f.String("endpoint", p.env("DEVSQS_ENDPOINT", "http://"+defaultAddress), "the server")
	if err := parse(f, args); err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, *endpoint+"/health", nil)
	if err != nil {
		return err
	}
	_, err = ask(req)
	return err
}

// A client speaks as much of the JSON protocol as one message needs.
type client struct{ endpoint string }

type message struct{ queue, url, group, body string }

func (c client) send(ctx context.Context, m message) (id string, err error) {
	if m.url == "" {
		var found struct {
			QueueURL string `json:"QueueUrl"`
		}
		if err := c.call(ctx, "GetQueueUrl", map[string]string{"QueueName": m.queue}, &found); err != nil {
			return "", err
		}
		m.url = found.QueueURL
	}
	in := map[string]string{"QueueUrl": m.url, "MessageBody": m.body}
	if strings.HasSuffix(m.url, ".fifo") {
		// An id of its own: the same body sent twice by hand is meant twice.
		in["MessageGroupId"], in["MessageDeduplicationId"] = m.group, rand.Text()
	}
	var sent struct {
		ID string `json:"MessageId"`
	}
	err = c.call(ctx, "SendMessage", in, &sent)
	return sent.ID, err
}

func (c client) call(ctx context.Context, op string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "AmazonSQS."+op)
	answer, err := ask(req)
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, out)
}

// ask returns what is answered to req, and the answer as an error where it is no success.
func ask(req *http.Request) ([]byte, error) {
	ctx, cancel := context.WithTimeout(req.Context(), askLimit)
	defer cancel()
	resp, err := http.DefaultClient.Do(req.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New(resp.Status + ": " + strings.TrimSpace(string(answer)))
	}
	return answer, nil
}
