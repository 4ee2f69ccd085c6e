package sqstest_test

import (
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func queueRules() map[string]func(*bench) {
	return map[string]func(*bench){
		"a queue says what it is": func(b *bench) {
			a := b.attributes()
			for name, want := range map[string]string{
				"VisibilityTimeout": "30", "DelaySeconds": "0", "MaximumMessageSize": "1048576",
				"MessageRetentionPeriod": "345600", "ReceiveMessageWaitTimeSeconds": "0", "FifoQueue": "",
			} {
				if a[name] != want {
					b.Errorf("%s is %q, want %q", name, a[name], want)
				}
			}
			if arn := a["QueueArn"]; !strings.HasPrefix(arn, "arn:aws:sqs:us-east-1:000000000000:a-queue") {
				b.Errorf("QueueArn is %q", arn)
			}
			if got := b.attributes("VisibilityTimeout"); len(got) != 1 {
				b.Errorf("asked for one attribute came %v", got)
			}
		},
		"attributes can be set within their range": func(b *bench) {
			set := func(name, value string) error {
				_, err := b.c.SetQueueAttributes(b.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &b.url, Attributes: map[string]string{name: value}})
				return err
			}
			b.must(set("VisibilityTimeout", "7"))
			if got := b.attributes("VisibilityTimeout")["VisibilityTimeout"]; got != "7" {
				b.Errorf("VisibilityTimeout is %s", got)
			}
			b.refuses(set("VisibilityTimeout", "43201"), "InvalidAttributeValue")
			b.refuses(set("NoSuchThing", "1"), "InvalidAttributeName")
		},
		"the same queue can be created again, a different one cannot": func(b *bench) {
			name := queueName("the queue that is made again")
			attrs := map[string]string{"VisibilityTimeout": "5"}
			if one, two := b.create(name, attrs), b.create(name, attrs); one != two {
				b.Errorf("%s and %s", one, two)
			}
			_, err := b.c.CreateQueue(b.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{"VisibilityTimeout": "6"}})
			b.refuses(err, "QueueNameExists")
		},
		"a queue is found by its name and by the beginning of it": func(b *bench) {
			name := b.url[strings.LastIndex(b.url, "/")+1:]
			got, err := b.c.GetQueueUrl(b.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
			b.must(err)
			if *got.QueueUrl != b.url {
				b.Errorf("found %s, want %s", *got.QueueUrl, b.url)
			}
			list, err := b.c.ListQueues(b.Context(), &sqs.ListQueuesInput{QueueNamePrefix: aws.String(name[:len(name)-3])})
			b.must(err)
			if !slices.Equal(list.QueueUrls, []string{b.url}) {
				b.Errorf("list is %v", list.QueueUrls)
			}
		},
		"a purged queue is empty, in flight or not": func(b *bench) {
			b.send("1")
			b.one()
			b.send("2")
			_, err := b.c.PurgeQueue(b.Context(), &sqs.PurgeQueueInput{QueueUrl: &b.url})
			b.must(err)
			b.counts("0", "0", "0")
		},
		"a queue that is not there is named as such by every call": func(b *bench) {
			_, err := b.c.DeleteQueue(b.Context(), &sqs.DeleteQueueInput{QueueUrl: &b.url})
			b.must(err)
			_, err = b.trySend("m")
			errs := map[string]error{"SendMessage": err}
			_, errs["ReceiveMessage"] = b.tryReceive(b.Context())
			errs["ChangeMessageVisibility"] = b.tryHide("x", 1)
			_, errs["DeleteMessage"] = b.c.DeleteMessage(b.Context(), &sqs.DeleteMessageInput{QueueUrl: &b.url, ReceiptHandle: aws.String("x")})
			_, errs["DeleteMessageBatch"] = b.c.DeleteMessageBatch(b.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: &b.url, Entries: deletions(numbers(1), aws.String("x"))})
			_, errs["ChangeMessageVisibilityBatch"] = b.c.ChangeMessageVisibilityBatch(b.Context(), &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &b.url, Entries: changes(numbers(1), aws.String("x"))})
			_, errs["SendMessageBatch"] = b.c.SendMessageBatch(b.Context(), &sqs.SendMessageBatchInput{QueueUrl: &b.url, Entries: sends(numbers(1), "x")})
			_, errs["GetQueueAttributes"] = b.c.GetQueueAttributes(b.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &b.url})
			_, errs["GetQueueUrl"] = b.c.GetQueueUrl(b.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("never-made")})
			_, errs["PurgeQueue"] = b.c.PurgeQueue(b.Context(), &sqs.PurgeQueueInput{QueueUrl: &b.url})
			_, errs["SetQueueAttributes"] = b.c.SetQueueAttributes(b.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &b.url, Attributes: map[string]string{}})
			for op, err := range errs {
				if missing := (*types.QueueDoesNotExist)(nil); !errors.As(err, &missing) {
					b.Errorf("%s: %v", op, err)
				}
			}
		},
	}
}
