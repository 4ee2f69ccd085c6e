package main

import (
	"crypto/md5" //nolint:gosec // the checksum that SQS gives with a body
	"encoding/hex"
	"encoding/json"
	"strconv"
	"sync/atomic"

	"carrier/bench/http1"
)

// A sent is what a send asks for, of whichever form.
type sent struct {
	MessageBody string
	Entries     []struct{ Id, MessageBody string } //nolint:revive // SQS's names
}

// send counts the messages of one call, and keeps none of them.
func (s *service) send(c *http1.Conn, batch bool, body []byte) (answer func() bool) {
	var in sent
	if err := json.Unmarshal(body, &in); err != nil {
		return func() bool { return refuse(c, "InvalidParameterValue") }
	}
	if !batch {
		out := append([]byte("{"), s.taken.one(nil, in.MessageBody)...)
		return func() bool { return ok(c, append(out, '}')) }
	}
	out := []byte(`{"Successful":[`)
	for i, e := range in.Entries {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(strconv.AppendQuote(append(out, `{"Id":`...), e.Id), ',')
		out = append(s.taken.one(out, e.MessageBody), '}')
	}
	out = append(out, `],"Failed":[]}`...)
	return func() bool { return ok(c, out) }
}

// A taken counts the messages that were sent here.
type taken struct{ n atomic.Uint64 }

// one counts a message, and appends what its sender is told.
func (t *taken) one(b []byte, body string) []byte {
	sum := md5.Sum([]byte(body)) //nolint:gosec // see above
	b = append(b, `"MD5OfMessageBody":"`...)
	b = append(hex.AppendEncode(b, sum[:]), `","MessageId":"`...)
	return append(appendID(b, uint32(t.n.Add(1))), '"') //nolint:gosec // fewer than four thousand million
}
