package api

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"carrier/internal/batch"
	"carrier/internal/plainjson"
)

// A Request is the body of a request, and the hash of it that is signed.
type Request struct {
	body []byte
	hash string
}

func newRequest(body []byte) Request {
	sum := sha256.Sum256(body)
	return Request{body, hex.EncodeToString(sum[:])}
}

// ReceiveRequest asks for at most limit messages, after at most wait seconds, for visibility
// seconds. A wait or a visibility of 0 is the queue's own. Servers older than
// MessageSystemAttributeNames know AttributeNames alone: both are sent.
func ReceiveRequest(queueURL string, limit int, wait, visibility int32) Request {
	b := strconv.AppendInt([]byte(`{"AttributeNames":["All"],"MaxNumberOfMessages":`), int64(limit), 10)
	b = append(b, `,"MessageAttributeNames":["All"],"MessageSystemAttributeNames":["All"],"QueueUrl":`...)
	b = plainjson.Append(b, queueURL)
	if visibility != 0 {
		b = strconv.AppendInt(append(b, `,"VisibilityTimeout":`...), int64(visibility), 10)
	}
	if wait != 0 {
		b = strconv.AppendInt(append(b, `,"WaitTimeSeconds":`...), int64(wait), 10)
	}
	return newRequest(append(b, '}'))
}

// deletions asks for messages to be deleted.
func deletions(queueURL string, entries []*batch.Entry) Request {
	return batchOf(queueURL, entries, func(b []byte, _ *batch.Entry) []byte { return b })
}

// changes asks for visibility timeouts to be changed.
func changes(queueURL string, entries []*batch.Entry) Request {
	return batchOf(queueURL, entries, func(b []byte, e *batch.Entry) []byte {
		return strconv.AppendInt(append(b, `,"VisibilityTimeout":`...), int64(e.Seconds), 10)
	})
}

// batchOf asks for a batch; each entry has what more appends. Its id is its index: message ids may
// repeat within a batch, and receipt handles are too long.
func batchOf(queueURL string, entries []*batch.Entry, more func([]byte, *batch.Entry) []byte) Request {
	size := 64 + len(queueURL)
	for _, e := range entries {
		size += 64 + len(e.ID)
	}
	b := append(make([]byte, 0, size), `{"Entries":[`...)
	for i, e := range entries {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, `{"Id":"`...), int64(i), 10)
		b = plainjson.Append(append(b, `","ReceiptHandle":`...), e.ID)
		b = append(more(b, e), '}')
	}
	b = plainjson.Append(append(b, `],"QueueUrl":`...), queueURL)
	return newRequest(append(b, '}'))
}
