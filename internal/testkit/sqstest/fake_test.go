package sqstest_test

import (
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"carrier/internal/testkit/bufferedbody"
	"carrier/internal/testkit/sqstest"
)

// inside runs test in a bubble in which time passes by itself, against a fake that
// is reached through a pipe, with one queue. Time in it is exact.
func inside(t *testing.T, o sqstest.Options, name string, test func(b *bench, s *sqstest.Server, q *sqstest.Queue)) {
	synctest.Test(t, func(t *testing.T) {
		s := sqstest.New(o)
		client, stop := s.Pipe()
		defer stop()
		q, err := s.CreateQueue(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		b := &bench{T: t, url: q.URL("http://sqs.test")}
		b.c = connect("http://sqs.test", func(o *sqs.Options) { o.HTTPClient = bufferedbody.Client{HTTP: client} })
		test(b, s, q)
	})
}

func put(b *bench, q *sqstest.Queue, letters ...sqstest.Message) []string {
	b.Helper()
	var ids []string
	for _, l := range letters {
		id, err := q.Send(l)
		b.must(err)
		ids = append(ids, id)
	}
	return ids
}

func TestVisibilityIsExact(t *testing.T) {
	inside(t, sqstest.Options{}, "q", func(b *bench, _ *sqstest.Server, q *sqstest.Queue) {
		put(b, q, sqstest.Message{Body: "m"})
		m := b.one(hiddenFor(30))
		time.Sleep(30*time.Second - time.Millisecond)
		if c := q.Counts(); c.InFlight != 1 {
			b.Errorf("just before the end: %+v", c)
		}
		time.Sleep(time.Millisecond)
		if c := q.Counts(); c.Visible != 1 {
			b.Errorf("at the end: %+v", c)
		}
		b.delete(m) // nobody received it since: a standard queue deletes it
		if c := q.Counts(); c.All() != 0 {
			b.Errorf("after the deletion: %+v", c)
		}
	})
}

func TestTwelveHoursAreTheMostFromTheReceive(t *testing.T) {
	inside(t, sqstest.Options{}, "q", func(b *bench, _ *sqstest.Server, q *sqstest.Queue) {
		put(b, q, sqstest.Message{Body: "m"})
		m := b.one(hiddenFor(3600))
		time.Sleep(30 * time.Minute)
		b.refuses(b.tryHide(*m.ReceiptHandle, 43200-1799), "InvalidParameterValue")
		out, err := b.c.ChangeMessageVisibilityBatch(b.Context(), &sqs.ChangeMessageVisibilityBatchInput{
			QueueUrl: &b.url, Entries: changes([]string{"good", "bad"}, m.ReceiptHandle),
		})
		b.must(err)
		if len(out.Successful) != 2 {
			b.Errorf("30 s are refused: %v", out.Failed)
		}
		b.hide(m, 43200-1800)
		time.Sleep(43200*time.Second - 1800*time.Second - time.Second)
		if c := q.Counts(); c.InFlight != 1 {
			b.Errorf("a second before 12 hours: %+v", c)
		}
		b.refuses(b.tryHide(*m.ReceiptHandle, 2), "InvalidParameterValue")
	})
}

func TestAdvanceMovesTheServersClockOnly(t *testing.T) {
	inside(t, sqstest.Options{}, "q", func(b *bench, s *sqstest.Server, q *sqstest.Queue) {
		put(b, q, sqstest.Message{Body: "m"})
		b.one(hiddenFor(600))
		begin := time.Now()
		got := make(chan []string)
		go func() { got <- bodies(b.receive(waiting(20))) }()
		synctest.Wait()
		s.Advance(599 * time.Second) // ends the poll, too
		if bodies := <-got; len(bodies) != 0 {
			b.Errorf("received %v a second early", bodies)
		}
		s.Advance(time.Second)
		b.sees(b.receive(), "m")
		if took := time.Since(begin); took != 0 {
			b.Errorf("it took %v of the process's time", took)
		}
	})
}

func TestDeduplicationLastsFiveMinutes(t *testing.T) {
	inside(t, sqstest.Options{}, "q.fifo", func(b *bench, s *sqstest.Server, q *sqstest.Queue) {
		l := sqstest.Message{Body: "m", Group: "g", Dedup: "d"}
		first := put(b, q, l)
		s.Advance(5*time.Minute - time.Millisecond)
		if again := put(b, q, l); !slices.Equal(again, first) || q.Counts().All() != 1 {
			b.Errorf("within five minutes it was sent again: %v, %v", first, again)
		}
		s.Advance(time.Millisecond)
		if again := put(b, q, l); slices.Equal(again, first) || q.Counts().All() != 2 {
			b.Error("after five minutes it was not sent")
		}
	})
}

func TestGroupIsHeldByAnyMessageInFlight(t *testing.T) {
	inside(t, sqstest.Options{}, "q.fifo", func(b *bench, _ *sqstest.Server, q *sqstest.Queue) {
		for _, body := range []string{"1", "2", "3"} {
			put(b, q, sqstest.Message{Body: body, Group: "g", Dedup: body})
		}
		got := b.receive()
		b.sees(got, "1", "2", "3")
		b.hide(got[0], 0) // the head goes back while the tail is out
		b.sees(b.receive())
		b.hide(got[1], 0)
		b.sees(b.receive())
		b.hide(got[2], 0)
		b.sees(b.receive(), "1", "2", "3")
	})
}

func TestRedriveKeepsAFIFOGroupGoing(t *testing.T) {
	inside(t, sqstest.Options{}, "q.fifo", func(b *bench, s *sqstest.Server, q *sqstest.Queue) {
		dead, err := s.CreateQueue("dead.fifo", nil)
		b.must(err)
		b.must(q.Set(map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + dead.ARN() + `","maxReceiveCount":1}`}))
		put(b, q, sqstest.Message{Body: "1", Group: "g", Dedup: "1"}, sqstest.Message{Body: "2", Group: "g", Dedup: "2"})
		one := func(in *sqs.ReceiveMessageInput) { in.MaxNumberOfMessages = 1 }
		b.hide(b.receive(one)[0], 0)
		b.sees(b.receive(), "2")
		b.url = dead.URL("http://sqs.test")
		if m := b.one(); *m.Body != "1" || m.Attributes["ApproximateReceiveCount"] != "2" {
			b.Errorf("the dead letter is %q, %v", *m.Body, m.Attributes)
		}
	})
}

func TestSilentOnExpiredSaysYesAndDoesNothing(t *testing.T) {
	inside(t, sqstest.Options{SilentOnExpired: true}, "q", func(b *bench, _ *sqstest.Server, q *sqstest.Queue) {
		put(b, q, sqstest.Message{Body: "m"})
		m := b.one(hiddenFor(1))
		time.Sleep(time.Second)
		b.hide(m, 600)
		b.sees(b.receive(), "m")
	})
}

func TestQueueOfAnotherAccountIsNotFound(t *testing.T) {
	inside(t, sqstest.Options{Account: "123456789012"}, "q", func(b *bench, _ *sqstest.Server, q *sqstest.Queue) {
		for owner, found := range map[string]bool{"123456789012": true, "210987654321": false} {
			out, err := b.c.GetQueueUrl(b.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("q"), QueueOwnerAWSAccountId: &owner})
			if !found {
				b.refuses(err, "QueueDoesNotExist")
				continue
			}
			b.must(err)
			if *out.QueueUrl != q.URL("http://sqs.test") {
				b.Errorf("the queue is at %s", *out.QueueUrl)
			}
		}
		b.url = "http://sqs.test/000000000000/q"
		_, err := b.trySend("m")
		b.refuses(err, "QueueDoesNotExist")
	})
}

func TestFirstReceiveTimeStays(t *testing.T) {
	inside(t, sqstest.Options{}, "q", func(b *bench, _ *sqstest.Server, q *sqstest.Queue) {
		put(b, q, sqstest.Message{Body: "m"})
		time.Sleep(time.Second)
		want := strconv.FormatInt(time.Now().UnixMilli(), 10)
		b.one(hiddenFor(1))
		time.Sleep(time.Second)
		if got := b.one().Attributes["ApproximateFirstReceiveTimestamp"]; got != want {
			b.Errorf("it is %s, was %s", got, want)
		}
	})
}

// eventually waits until it is true, for as long as a busy machine may need.
