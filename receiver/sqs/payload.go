package sqs

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"unicode/utf8"

	"carrier/internal/batch"
)

// A payload is the body of a request, and the hash of it that is signed.
type payload struct {
	body []byte
	hash string
}

func newPayload(body []byte) payload {
	sum := sha256.Sum256(body)
	return payload{body, hex.EncodeToString(sum[:])}
}

// receiveOf is what a receive of at most limit messages asks for. No wait and no
// visibility timeout mean the queue's own, as they do in the SDK.
func receiveOf(queueURL string, limit int, wait, visibility int32) payload {
	b := strconv.AppendInt([]byte(`{"MaxNumberOfMessages":`), int64(limit), 10)
	b = append(b, `,"MessageAttributeNames":["All"],"MessageSystemAttributeNames":["All"],"QueueUrl":`...)
	b = appendJSON(b, queueURL)
	if visibility != 0 {
		b = strconv.AppendInt(append(b, `,"VisibilityTimeout":`...), int64(visibility), 10)
	}
	if wait != 0 {
		b = strconv.AppendInt(append(b, `,"WaitTimeSeconds":`...), int64(wait), 10)
	}
	return newPayload(append(b, '}'))
}

// deletions asks for the messages of batch to be deleted.
func deletions(queueURL string, entries []*batch.Entry) payload {
	return batchOf(queueURL, entries, func(b []byte, _ *batch.Entry) []byte { return b })
}

// changes asks for the visibility timeouts of batch.
func changes(queueURL string, entries []*batch.Entry) payload {
	return batchOf(queueURL, entries, func(b []byte, r *batch.Entry) []byte {
		return strconv.AppendInt(append(b, `,"VisibilityTimeout":`...), int64(r.Seconds), 10)
	})
}

// batchOf is the body of a batch; each entry has what more appends. Its id is its
// index: message ids may repeat within a batch, and receipt handles are too long.
func batchOf(queueURL string, entries []*batch.Entry, more func([]byte, *batch.Entry) []byte) payload {
	size := 64 + len(queueURL)
	for _, r := range entries {
		size += 64 + len(r.ID)
	}
	b := append(make([]byte, 0, size), `{"Entries":[`...)
	for i, r := range entries {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, `{"Id":"`...), int64(i), 10)
		b = appendJSON(append(b, `","ReceiptHandle":`...), r.ID)
		b = append(more(b, r), '}')
	}
	b = appendJSON(append(b, `],"QueueUrl":`...), queueURL)
	return newPayload(append(b, '}'))
}

// appendJSON appends s as a JSON string. What is no UTF-8 becomes U+FFFD.
func appendJSON(b []byte, s string) []byte {
	const hexadecimal = "0123456789abcdef"
	b = append(b, '"')
	if isPlain(s) {
		return append(append(b, s...), '"')
	}
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', byte(c))
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hexadecimal[c>>4], hexadecimal[c&15])
		default:
			b = utf8.AppendRune(b, c)
		}
	}
	return append(b, '"')
}

// isPlain reports whether s is in JSON as it is, as receipt handles are.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
