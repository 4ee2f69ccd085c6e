package sqstest_test

import (
	"context"
	"maps"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func (b *bench) create(name string, attrs map[string]string) string {
	b.Helper()
	out, err := b.c.CreateQueue(b.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attrs})
	b.must(err)
	return *out.QueueUrl
}

func (b *bench) fifo(attrs map[string]string) {
	b.Helper()
	all := map[string]string{"FifoQueue": "true"}
	maps.Copy(all, attrs)
	b.url = b.create(b.url[strings.LastIndex(b.url, "/")+1:]+".fifo", all)
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) send(body string, with ...func(*sqs.SendMessageInput)) *sqs.SendMessageOutput {
	b.Helper()
	out, err := b.trySend(body, with...)
	b.must(err)
	return out
}

func (b *bench) trySend(body string, with ...func(*sqs.SendMessageInput)) (*sqs.SendMessageOutput, error) {
	in := &sqs.SendMessageInput{QueueUrl: &b.url, MessageBody: &body}
	for _, f := range with {
		f(in)
	}
	return b.c.SendMessage(b.Context(), in)
}

func group(name string) func(*sqs.SendMessageInput) {
	return func(in *sqs.SendMessageInput) {
		in.MessageGroupId, in.MessageDeduplicationId = &name, in.MessageBody
	}
}

func (b *bench) receive(with ...func(*sqs.ReceiveMessageInput)) []types.Message {
	b.Helper()
	out, err := b.tryReceive(b.Context(), with...)
	b.must(err)
	return out.Messages
}

func (b *bench) tryReceive(ctx context.Context, with ...func(*sqs.ReceiveMessageInput)) (*sqs.ReceiveMessageOutput, error) {
	in := &sqs.ReceiveMessageInput{
		QueueUrl: &b.url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
	}
	for _, f := range with {
		f(in)
	}
	return b.c.ReceiveMessage(ctx, in)
}

func (b *bench) one(with ...func(*sqs.ReceiveMessageInput)) types.Message {
	b.Helper()
	got := b.await(1, with...)
	return got[0]
}

func (b *bench) await(n int, with ...func(*sqs.ReceiveMessageInput)) []types.Message {
	b.Helper()
	var got []types.Message
	ctx, cancel := context.WithTimeout(b.Context(), 30*time.Second)
	defer cancel()
	for len(got) < n {
		out, err := b.tryReceive(ctx, append([]func(*sqs.ReceiveMessageInput){waiting(5)}, with...)...)
		b.must(err)
		got = append(got, out.Messages...)
	}
	if len(got) != n {
		b.Fatalf("received %v, want %d messages", bodies(got), n)
	}
	return got
}

func waiting(seconds int32) func(*sqs.ReceiveMessageInput) {
	return func(in *sqs.ReceiveMessageInput) { in.WaitTimeSeconds = seconds }
}

func hiddenFor(seconds int32) func(*sqs.ReceiveMessageInput) {
	return func(in *sqs.ReceiveMessageInput) { in.VisibilityTimeout = seconds }
}

func (b *bench) delete(m types.Message) {
	b.Helper()
	_, err := b.c.DeleteMessage(b.Context(), &sqs.DeleteMessageInput{QueueUrl: &b.url, ReceiptHandle: m.ReceiptHandle})
	b.must(err)
}

func (b *bench) hide(m types.Message, seconds int32) {
	b.Helper()
	b.must(b.tryHide(aws.ToString(m.ReceiptHandle), seconds))
}

func (b *bench) tryHide(handle string, seconds int32) error {
	_, err := b.c.ChangeMessageVisibility(b.Context(), &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &b.url, ReceiptHandle: &handle, VisibilityTimeout: seconds,
	})
	return err
}

func (b *bench) attributes(names ...types.QueueAttributeName) map[string]string {
	b.Helper()
	if len(names) == 0 {
		names = []types.QueueAttributeName{"All"}
	}
	out, err := b.c.GetQueueAttributes(b.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &b.url, AttributeNames: names})
	b.must(err)
	return out.Attributes
}
