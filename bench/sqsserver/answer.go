package main

import (
	"encoding/hex"
	"net"
	"strconv"
	"time"

	"carrier/bench/http1"
	"carrier/bench/load"
	"carrier/bench/queue"
)

// handleSize is how long the receipt handles of SQS are.
const handleSize = 344

// A renderer writes answers. Nothing in it changes.
type renderer struct {
	rest    []byte // what follows the head of each body, as it stands in JSON
	handles queue.Handles
}

func newRenderer(q *queue.Queue) renderer {
	return renderer{rest: load.Escaped(q.Rest()), handles: queue.NewHandles(handleSize)}
}

// copyLimit is the length up to which a body is copied into the answer; a longer one
// is written from where it is.
const copyLimit = 16 << 10

// answer is an answer under construction: pieces, and the common rest of the bodies
// after all but the last of them.
type answer struct {
	out  []byte
	cuts []int
}

// messages renders the answer to a receive.
func (r renderer) messages(a *answer, batch []queue.Received) {
	a.out, a.cuts = a.out[:0], a.cuts[:0]
	if len(batch) == 0 {
		a.out = append(a.out, "{}"...)
		return
	}
	a.out = append(a.out, `{"Messages":[`...)
	for i, m := range batch {
		if i > 0 {
			a.out = append(a.out, ',')
		}
		r.message(a, m)
	}
	a.out = append(a.out, `]}`...)
}

func (r renderer) message(a *answer, m queue.Received) {
	b := a.out
	b = append(b, `{"Attributes":{"SenderId":"AIDAIENQZJOLO23YVJ4VO","ApproximateFirstReceiveTimestamp":"`...)
	b = strconv.AppendInt(b, m.First/int64(time.Millisecond), 10)
	b = append(b, `","ApproximateReceiveCount":"`...)
	b = strconv.AppendUint(b, uint64(m.Received), 10)
	b = append(b, `","SentTimestamp":"`...)
	b = strconv.AppendInt(b, m.Sent/int64(time.Millisecond), 10)
	b = append(b, `"},"MD5OfBody":"`...)
	b = hex.AppendEncode(b, m.Sum[:])
	b = append(b, `","MessageId":"`...)
	b = appendID(b, m.N)
	b = append(b, `","ReceiptHandle":"`...)
	b = r.handles.Append(b, m.N, m.Received)
	b = append(b, `","Body":"`...)
	var head [load.HeadLen]byte
	b = append(b, load.Escaped(load.AppendHead(head[:0], uint64(m.N), m.Sent))...)
	if len(r.rest) <= copyLimit {
		b = append(b, r.rest...)
	} else {
		a.cuts = append(a.cuts, len(b))
	}
	b = append(b, `"}`...)
	a.out = b
}

// write sends the answer with the rests in their places.
func (r renderer) write(c *http1.Conn, a *answer) bool {
	head := c.Out[:0]
	head = append(head, "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nx-amzn-RequestId: 6e1f2a3b-0000-4000-8000-000000000000\r\nContent-Length: "...)
	head = strconv.AppendInt(head, int64(len(a.out)+len(a.cuts)*len(r.rest)), 10)
	head = append(head, "\r\n\r\n"...)
	if len(a.cuts) == 0 {
		head = append(head, a.out...)
		c.Out = head
		_, err := c.Write(head)
		return err == nil
	}
	c.Out = head
	pieces, from := net.Buffers{head}, 0
	for _, cut := range a.cuts {
		pieces = append(pieces, a.out[from:cut], r.rest)
		from = cut
	}
	pieces = append(pieces, a.out[from:])
	_, err := pieces.WriteTo(c.Conn)
	return err == nil
}

// results renders the answer to a batch: which entries went well.
func results(b []byte, entries []orderEntry, well []bool) []byte {
	b = append(b[:0], `{"Successful":[`...)
	failed := 0
	for i, e := range entries {
		if !well[i] {
			failed++
			continue
		}
		if i > failed {
			b = append(b, ',')
		}
		b = append(append(append(b, `{"Id":"`...), e.id...), `"}`...)
	}
	b = append(b, `],"Failed":[`...)
	for i, e := range entries {
		if well[i] {
			continue
		}
		if b[len(b)-1] != '[' {
			b = append(b, ',')
		}
		b = append(append(append(b, `{"Id":"`...), e.id...), `","SenderFault":false,"Code":"InternalError","Message":"as ordered"}`...)
	}
	return append(b, `]}`...)
}

// appendID makes a number into what SQS's ids look like.
func appendID(b []byte, n uint32) []byte {
	b = append(b, "00000000-0000-4000-8000-0000"...)
	return hex.AppendEncode(b, []byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}
