package sqstest_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"carrier/internal/testkit/sqstest"
)

func TestJournalTellsWhatWasAskedAndInWhichOrder(t *testing.T) {
	inside(t, sqstest.Options{}, "q", func(b *bench, s *sqstest.Server, q *sqstest.Queue) {
		ids := put(b, q, sqstest.Message{Body: "1"}, sqstest.Message{Body: "2"})
		got := b.receive(waiting(3), hiddenFor(60))
		r := q.Receives()
		if len(r) != 1 || r[0].Max != 10 || r[0].VisibilityTimeout != 60 || r[0].WaitTime != 3 || !slices.Equal(r[0].IDs, ids) || r[0].Ended.IsZero() {
			b.Errorf("receives are %+v", r)
		}
		_, err := b.c.ChangeMessageVisibilityBatch(b.Context(), &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &b.url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
			changes([]string{"x"}, got[1].ReceiptHandle)[0], changes([]string{"y"}, got[0].ReceiptHandle)[0],
		}})
		b.must(err)
		b.hide(got[1], 0)
		c := q.VisibilityChanges()
		if len(c) != 3 || c[0].MessageID != ids[1] || c[1].MessageID != ids[0] || c[1].Index != 1 || c[0].Call != c[1].Call ||
			c[0].Seconds != 30 || c[2].Seconds != 0 || c[2].Op != "ChangeMessageVisibility" || c[2].Code != "" {
			b.Errorf("visibility changes are %+v", c)
		}
		b.delete(got[1])
		b.delete(got[1])
		d := q.Deletions()
		if len(d) != 2 || !d[0].Removed || d[1].Removed || d[0].MessageID != ids[1] || d[1].Call != 2 {
			b.Errorf("deletions are %+v", d)
		}
		b.refuses(b.tryHide(*got[1].ReceiptHandle, 5), "InvalidParameterValue")
		if c := q.VisibilityChanges(); c[3].Code != "InvalidParameterValue" {
			b.Errorf("the refused change is %+v", c[3])
		}
		if n := q.HandedOut(); n[ids[0]] != 1 || n[ids[1]] != 1 || len(n) != 2 {
			b.Errorf("handed out %v", n)
		}
		if left := q.IDs(); !slices.Equal(left, ids[:1]) {
			b.Errorf("left are %v", left)
		}
		if s.Calls("DeleteMessage") != 2 || s.CallCounts()["ChangeMessageVisibilityBatch"] != 1 {
			b.Errorf("calls are %v", s.CallCounts())
		}
	})
}

func TestOpenPollsAreCounted(t *testing.T) {
	inside(t, sqstest.Options{}, "q", func(b *bench, s *sqstest.Server, _ *sqstest.Queue) {
		done := make(chan struct{})
		for range 3 {
			go func() {
				b.receive(waiting(20))
				done <- struct{}{}
			}()
		}
		synctest.Wait()
		if got := s.Open("ReceiveMessage"); got != 3 {
			b.Errorf("%d polls are open", got)
		}
		time.Sleep(20 * time.Second)
		for range 3 {
			<-done
		}
		if s.Open("ReceiveMessage") != 0 || s.MostOpen("ReceiveMessage") != 3 {
			b.Errorf("%d are open, %d were at most", s.Open("ReceiveMessage"), s.MostOpen("ReceiveMessage"))
		}
	})
}

func TestSignerIsNamedInTheCallLog(t *testing.T) {
	inside(t, sqstest.Options{}, "q", func(b *bench, s *sqstest.Server, _ *sqstest.Queue) {
		b.send("m")
		log := s.CallLog()
		if len(log) != 1 || log[0].Op != "SendMessage" || log[0].N != 1 ||
			!strings.HasPrefix(log[0].Credential, "AKIDTEST/") || !strings.HasSuffix(log[0].Credential, "/us-east-1/sqs/aws4_request") {
			b.Errorf("the log is %+v", log)
		}
	})
}
