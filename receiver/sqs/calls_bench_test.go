package sqs

import (
	"bufio"
	"bytes"
	"crypto/md5" //nolint:gosec // the checksum that SQS gives with a body
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"carrier/internal/batch"
	"carrier/message"
	"carrier/receiver"
)

// BenchmarkCalls measures what ten messages of 1 KiB cost in calls: one receive and one
// batch of deletions. The server allocates nothing, so the allocations are the
// receiver's.
func BenchmarkCalls(b *testing.B) {
	endpoint := static(b, map[string]string{
		"GetQueueAttributes": `{"Attributes":{"VisibilityTimeout":"30"}}`,
		"ReceiveMessage":     tenMessages(1024),
		"DeleteMessageBatch": `{"Successful":[` + strings.Join(eachOfTen(`{"Id":"%d"}`), ",") + `],"Failed":[]}`,
	})
	r := New(Options{QueueURL: endpoint + "/1/q", UserAgent: "carrier/1.2.3"})
	if err := r.Open(b.Context()); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	b.ReportAllocs()
	for b.Loop() {
		batch, err := r.Receive(b.Context(), maxBatch)
		if err != nil || len(batch) != maxBatch {
			b.Fatalf("%d messages, %v", len(batch), err)
		}
		for _, err := range r.client.DeleteBatch(b.Context(), r.queue.url, handlesOf(batch)) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func handlesOf(messages []*message.Message) []*batch.Entry {
	requests := make([]*batch.Entry, len(messages))
	for i, m := range messages {
		requests[i] = &batch.Entry{ID: receiver.ReceiptOf[receipt](m).handle}
	}
	return requests
}

func eachOfTen(format string) []string {
	list := make([]string, maxBatch)
	for i := range list {
		list[i] = fmt.Sprintf(format, i)
	}
	return list
}

// tenMessages is an answer to a receive, with bodies of JSON as most are.
func tenMessages(size int) string {
	body := `{"order":4711,"text":"` + strings.Repeat("x", size-24) + `"}`
	quoted, _ := json.Marshal(body)
	return `{"Messages":[` + strings.Join(eachOfTen(`{"MessageId":"00000000-0000-4000-8000-00000000000%d","ReceiptHandle":"`+strings.Repeat("h", 180)+
		`","MD5OfBody":"`+fmt.Sprintf("%x", md5.Sum([]byte(body)))+`","Body":`+strings.ReplaceAll(string(quoted), "%", "%%")+ //nolint:gosec // not for secrecy
		`,"Attributes":{"SenderId":"AIDAIENQZJOLO23YVJ4VO","ApproximateFirstReceiveTimestamp":"1700000000000","ApproximateReceiveCount":"1","SentTimestamp":"1700000000000"}}`), ",") + `]}`
}

// static serves one fixed answer for each operation.
func static(b *testing.B, answers map[string]string) (endpoint string) {
	b.Helper()
	rendered := map[string][]byte{}
	for op, body := range answers {
		rendered["X-Amz-Target: AmazonSQS."+op] = fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { answerStatically(conn, rendered) })
		}
	})
	b.Cleanup(func() { _ = l.Close(); serving.Wait() })
	return "http://" + l.Addr().String()
}

func answerStatically(conn net.Conn, rendered map[string][]byte) {
	defer func() { _ = conn.Close() }()
	in := bufio.NewReaderSize(conn, 64<<10)
	var answer []byte
	length := 0
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return
		}
		line = bytes.TrimSpace(line)
		switch {
		case len(line) > 0:
			if a, ok := rendered[string(line)]; ok {
				answer = a
			}
			if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
				length, _ = strconv.Atoi(string(v))
			}
			continue
		case length > 0:
			_, _ = io.CopyN(io.Discard, in, int64(length))
		}
		if _, err := conn.Write(answer); err != nil {
			return
		}
	}
}
