package test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// feed has producers store messages until stopFeeding: where the source has groups, half
// of them in a group of their own each, in order.
func (c *chaos) feed(store func(l testMessage, key string) bool) {
	for i := range chaosProducers {
		name, group := fmt.Sprintf("p%d-", i), ""
		if i%2 == 0 && (c.kind == ofIngest || c.kind == ofSQSFIFO) {
			group = fmt.Sprintf("g%d", i)
		}
		c.feeds.Go(func() {
			for n := 0; !c.over(); n++ {
				key := fmt.Sprint(name, n)
				if group != "" {
					key = fmt.Sprint(group, "#", n)
				}
				c.produce(store, testMessage{Body: bodyOf(key), Group: group}, key)
			}
		})
	}
}

func (c *chaos) over() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// produce stores one message, again and again until it is acknowledged, where it has a
// group: there a later one must not overtake it.
func (c *chaos) produce(store func(testMessage, string) bool, l testMessage, key string) {
	for !c.over() {
		if c.ledger.backlog() > chaosBacklog {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		if store(l, key) {
			c.ledger.promise(key)
			return
		}
		time.Sleep(5 * time.Millisecond)
		if l.Group == "" {
			return // whether it was stored nobody knows
		}
	}
}

// overHTTP stores a message through the door; one of a group under an idempotency key,
// so that it is stored once however often it is sent.
func (c *chaos) overHTTP() func(testMessage, string) bool {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: chaosProducers}, Timeout: 10 * time.Second}
	c.t.Cleanup(client.CloseIdleConnections)
	url := c.onIngest().url()
	return func(l testMessage, key string) bool {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, strings.NewReader(l.Body))
		if err != nil {
			return false
		}
		if l.Group != "" {
			req.Header.Set("X-Carrier-Group-Id", l.Group)
			req.Header.Set("Idempotency-Key", key)
		}
		req.GetBody = nil
		resp, err := client.Do(req)
		if err != nil {
			return false
		}
		defer func() { _ = resp.Body.Close() }()
		_, err = io.ReadAll(resp.Body)
		return accepted(resp) && err == nil
	}
}

// begin starts the producers.
func (c *chaos) begin() {
	c.t.Helper()
	switch s := c.source.(type) {
	case *ingestSource:
		c.feed(c.overHTTP())
	case interface {
		send(testMessage) (string, error)
	}:
		c.feed(func(l testMessage, _ string) bool {
			time.Sleep(time.Duration(rand.IntN(4)) * time.Millisecond)
			if c.kind == ofSQSFIFO && l.Group == "" {
				l.Group, _, _ = strings.Cut(l.Body, " ") // one of its own
			}
			_, err := s.send(l)
			return err == nil
		})
	}
}
