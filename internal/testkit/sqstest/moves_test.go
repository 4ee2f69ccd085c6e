package sqstest_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"carrier/internal/testkit/sqstest"
)

// withDead gives q a dead-letter queue that holds n letters.
func withDead(b *bench, s *sqstest.Server, q *sqstest.Queue, n int) *sqstest.Queue {
	b.Helper()
	dead, err := s.CreateQueue("dead", nil)
	b.must(err)
	b.must(q.Set(map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + dead.ARN() + `","maxReceiveCount":1}`}))
	for range n {
		put(b, dead, sqstest.Message{Body: "m"})
	}
	return dead
}

func newest(b *bench, dead *sqstest.Queue) types.ListMessageMoveTasksResultEntry {
	b.Helper()
	out, err := b.c.ListMessageMoveTasks(b.Context(), &sqs.ListMessageMoveTasksInput{SourceArn: aws.String(dead.ARN())})
	b.must(err)
	if len(out.Results) == 0 {
		b.Fatal("no task")
	}
	return out.Results[0]
}

func TestMoveTaskMovesAtItsRateUntilItIsCancelled(t *testing.T) {
	inside(t, sqstest.Options{}, "q", func(b *bench, s *sqstest.Server, q *sqstest.Queue) {
		dead := withDead(b, s, q, 30)
		in := &sqs.StartMessageMoveTaskInput{
			SourceArn: aws.String(dead.ARN()), DestinationArn: aws.String(q.ARN()), MaxNumberOfMessagesPerSecond: aws.Int32(10),
		}
		started, err := b.c.StartMessageMoveTask(b.Context(), in)
		b.must(err)
		_, err = b.c.StartMessageMoveTask(b.Context(), in)
		b.refuses(err, "UnsupportedOperation")
		time.Sleep(time.Second)
		if got := newest(b, dead); got.ApproximateNumberOfMessagesMoved != 10 || *got.Status != "RUNNING" || *got.TaskHandle != *started.TaskHandle {
			b.Errorf("after a second: %+v", got)
		}
		stopped, err := b.c.CancelMessageMoveTask(b.Context(), &sqs.CancelMessageMoveTaskInput{TaskHandle: started.TaskHandle})
		b.must(err)
		if stopped.ApproximateNumberOfMessagesMoved != 10 || dead.Counts().All() != 20 || q.Counts().All() != 10 {
			b.Errorf("%d moved, %d left, %d there", stopped.ApproximateNumberOfMessagesMoved, dead.Counts().All(), q.Counts().All())
		}
		in.MaxNumberOfMessagesPerSecond = nil
		_, err = b.c.StartMessageMoveTask(b.Context(), in)
		b.must(err)
		if got := newest(b, dead); *got.Status != "COMPLETED" || got.TaskHandle != nil || q.Counts().All() != 30 {
			b.Errorf("at the end: %+v", got)
		}
	})
}

func TestMoveTaskNeedsADeadLetterQueueAndWhereItsMessagesCameFrom(t *testing.T) {
	inside(t, sqstest.Options{}, "q", func(b *bench, s *sqstest.Server, q *sqstest.Queue) {
		_, err := b.c.StartMessageMoveTask(b.Context(), &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(q.ARN())})
		b.refuses(err, "InvalidParameterValue")
		dead := withDead(b, s, q, 1)
		sources, err := b.c.ListDeadLetterSourceQueues(b.Context(), &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: aws.String(dead.URL("http://sqs.test"))})
		b.must(err)
		if len(sources.QueueUrls) != 1 || sources.QueueUrls[0] != b.url {
			b.Errorf("its sources are %v, want %s", sources.QueueUrls, b.url)
		}
		_, err = b.c.StartMessageMoveTask(b.Context(), &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(dead.ARN())})
		b.must(err)
		if got := newest(b, dead); *got.Status != "FAILED" || *got.FailureReason != "CouldNotDetermineMessageSource" {
			b.Errorf("a message that was sent to it: %+v", got)
		}
	})
}
