package main

import (
	"bytes"
	"fmt"
	"sync"
	"time"

	"carrier/bench/http1"
	"carrier/bench/queue"
)

// service answers the calls of SQS's JSON protocol.
type service struct {
	queue   *queue.Queue
	render  renderer
	lease   time.Duration // the queue's own visibility timeout
	latency time.Duration // of every call, beside what a poll waits
	faults  faults
	name    string
	url     string

	taken   taken
	tally   queue.Tally
	buffers sync.Pool
}

// A scratch is what one call needs, used again by later ones.
type scratch struct {
	order  order
	batch  []queue.Received
	answer answer
	well   []bool
}

// handle answers one call. Half of the latency is spent on the way in and half on the
// way out, as on a network.
func (s *service) handle(c *http1.Conn, r *http1.Request) bool {
	start := time.Now()
	_, operation, _ := bytes.Cut(r.Target, []byte("."))
	s.tally.Count(string(operation), string(operation) == "ReceiveMessage", start)
	c.Sleep(s.latency / 2)
	if s.faults.dropBefore.pick() {
		return false
	}
	if s.faults.throttle.pick() {
		c.Sleep(s.latency / 2)
		return refuse(c, "RequestThrottled")
	}
	k, _ := s.buffers.Get().(*scratch)
	if k == nil {
		k = &scratch{}
	}
	defer s.buffers.Put(k)
	before := time.Now()
	send := s.perform(c, string(operation), k, r.Body)
	waited := time.Since(before)
	if s.faults.dropAfter.pick() {
		return false
	}
	c.Sleep(s.latency / 2)
	s.tally.Spend(time.Since(start) - waited)
	return send()
}

// perform carries out one call, and returns what sends its answer.
func (s *service) perform(c *http1.Conn, operation string, k *scratch, body []byte) (send func() bool) {
	if operation == "SendMessage" || operation == "SendMessageBatch" {
		return s.send(c, operation == "SendMessageBatch", body)
	}
	k.order.parse(body, s.lease)
	switch operation {
	case "ReceiveMessage":
		p := queue.Poll{Limit: k.order.limit, Wait: k.order.wait, Lease: k.order.lease, Gone: c.Gone}
		k.batch = s.queue.Receive(k.batch[:0], p)
		if len(k.batch) == 0 {
			s.tally.Empty()
		}
		s.render.messages(&k.answer, k.batch)
		return func() bool { return s.render.write(c, &k.answer) }
	case "DeleteMessage", "DeleteMessageBatch":
		return s.settle(c, k, operation == "DeleteMessageBatch", s.remove)
	case "ChangeMessageVisibility", "ChangeMessageVisibilityBatch":
		return s.settle(c, k, operation == "ChangeMessageVisibilityBatch", s.change)
	case "GetQueueUrl":
		return func() bool { return ok(c, fmt.Appendf(nil, `{"QueueUrl":%q}`, s.url)) }
	case "GetQueueAttributes":
		return func() bool { return ok(c, s.attributes()) }
	}
	return func() bool { return refuse(c, "InvalidAction") }
}

// settle does one thing to each entry, and answers as the batch or the single form.
func (s *service) settle(c *http1.Conn, k *scratch, batch bool, do func(orderEntry) bool) (send func() bool) {
	k.well = k.well[:0]
	all := true
	for _, e := range k.order.entries {
		well := do(e)
		k.well, all = append(k.well, well), all && well
	}
	if batch {
		k.answer.out = results(k.answer.out, k.order.entries, k.well)
		return func() bool { return ok(c, k.answer.out) }
	}
	if !all {
		return func() bool { return refuse(c, "ReceiptHandleIsInvalid") }
	}
	return func() bool { return ok(c, []byte("{}")) }
}

func (s *service) remove(e orderEntry) bool {
	n, received, ok := s.render.handles.Parse(e.handle)
	return ok && !s.faults.failDelete.pick() && s.queue.Remove(n, received)
}

func (s *service) change(e orderEntry) bool {
	n, received, ok := s.render.handles.Parse(e.handle)
	return ok && s.queue.Change(n, received, e.timeout)
}

func (s *service) attributes() []byte {
	n := s.queue.Stats()
	return fmt.Appendf(nil, `{"Attributes":{"QueueArn":"arn:aws:sqs:us-east-1:000000000000:%s",`+
		`"VisibilityTimeout":"%d","ApproximateNumberOfMessages":"%d","ApproximateNumberOfMessagesNotVisible":"%d"}}`,
		s.name, int(s.lease.Seconds()), n.Visible, n.InFlight)
}

const jsonType = "Content-Type: application/x-amz-json-1.0\r\n"

func ok(c *http1.Conn, body []byte) bool { return c.Answer("200 OK", jsonType, body) }

func refuse(c *http1.Conn, code string) bool {
	return c.Answer("400 Bad Request", jsonType, fmt.Appendf(nil, `{"__type":"com.amazonaws.sqs#%s","message":"as ordered"}`, code))
}
