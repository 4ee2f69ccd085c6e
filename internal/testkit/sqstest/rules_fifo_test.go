package sqstest_test

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func fifoRules() map[string]func(*bench) {
	return map[string]func(*bench){
		"a group comes in order, the next one when the one before is deleted": func(b *bench) {
			b.fifo(nil)
			for _, body := range []string{"1", "2", "3"} {
				b.send(body, group("g"))
			}
			for _, want := range []string{"1", "2", "3"} {
				got := b.await(1, func(in *sqs.ReceiveMessageInput) { in.MaxNumberOfMessages = 1 })
				b.sees(got, want)
				b.sees(b.receive())
				b.delete(got[0])
			}
		},
		"a receive may bring several of a group, in order": func(b *bench) {
			b.fifo(nil)
			for _, body := range []string{"1", "2", "3"} {
				b.send(body, group("g"))
			}
			want := []string{"1", "2", "3"}
			if b.gaps.oneOfAGroup {
				want = want[:1]
			}
			b.sees(b.await(len(want)), want...)
		},
		"a busy group does not keep other groups back": func(b *bench) {
			b.fifo(nil)
			b.send("a1", group("a"))
			b.one()
			b.send("a2", group("a"))
			b.send("b1", group("b"))
			b.sees(b.await(1), "b1")
			b.sees(b.receive())
		},
		"a message that is given back is the first of its group again": func(b *bench) {
			b.fifo(nil)
			b.send("1", group("g"))
			b.send("2", group("g"))
			one := func(in *sqs.ReceiveMessageInput) { in.MaxNumberOfMessages = 1 }
			b.hide(b.one(one), 0)
			b.sees(b.await(1, one), "1")
		},
		"a group is free again when its message's visibility timeout is over": func(b *bench) {
			b.fifo(nil)
			b.send("1", group("g"))
			b.send("2", group("g"))
			one := func(in *sqs.ReceiveMessageInput) { in.MaxNumberOfMessages = 1 }
			b.sees(b.await(1, one, hiddenFor(1)), "1")
			b.sees(b.await(1, one), "1")
		},
		"messages of a group carry their place": func(b *bench) {
			b.fifo(nil)
			first, second := b.send("1", group("g")), b.send("2", group("g"))
			if aws.ToString(first.SequenceNumber) == "" || *first.SequenceNumber >= *second.SequenceNumber {
				b.Errorf("sequence numbers are %v and %v", first.SequenceNumber, second.SequenceNumber)
			}
			m := b.one(func(in *sqs.ReceiveMessageInput) { in.MaxNumberOfMessages = 1 })
			a := m.Attributes
			if a["MessageGroupId"] != "g" || a["MessageDeduplicationId"] != "1" || a["SequenceNumber"] != *first.SequenceNumber {
				b.Errorf("attributes are %v", a)
			}
		},
		"a message that was sent before is not sent again": func(b *bench) {
			b.fifo(nil)
			first := b.send("same", group("g"))
			b.delete(b.one())
			again := b.send("same", group("g"))
			if *first.MessageId != *again.MessageId || *first.SequenceNumber != *again.SequenceNumber {
				b.Errorf("sent %s, then %s", *first.MessageId, *again.MessageId)
			}
			b.counts("0", "0", "0")
		},
		"content stands for the deduplication id where the queue says so": func(b *bench) {
			b.fifo(map[string]string{"ContentBasedDeduplication": "true"})
			for _, body := range []string{"x", "y", "x"} {
				b.send(body, func(in *sqs.SendMessageInput) { in.MessageGroupId = aws.String("g") })
			}
			b.counts("2", "0", "0")
		},
		"what a fifo queue needs is asked for": func(b *bench) {
			b.fifo(nil)
			_, err := b.trySend("no group")
			b.refuses(err, "MissingParameter")
			_, err = b.trySend("no deduplication", func(in *sqs.SendMessageInput) { in.MessageGroupId = aws.String("g") })
			b.refuses(err, "InvalidParameterValue")
			_, err = b.trySend("a delay", group("g"), func(in *sqs.SendMessageInput) { in.DelaySeconds = 5 })
			b.refuses(err, "InvalidParameterValue")
		},
		"a lapsed handle does not delete, and a fifo queue says so": func(b *bench) {
			b.fifo(nil)
			b.send("1", group("g"))
			m := b.one()
			b.hide(m, 0)
			_, err := b.c.DeleteMessage(b.Context(), &sqs.DeleteMessageInput{QueueUrl: &b.url, ReceiptHandle: m.ReceiptHandle})
			if b.gaps.lapsedFIFODeletes {
				b.must(err)
			} else {
				b.refuses(err, "InvalidParameterValue")
			}
			b.counts("1", "0", "0")
			err = b.tryHide(*m.ReceiptHandle, 30)
			b.refuses(err, leaseLost()...)
		},
		"a fifo queue has its name and its attribute": func(b *bench) {
			b.fifo(nil)
			if got := b.attributes("FifoQueue"); got["FifoQueue"] != "true" {
				b.Errorf("attributes are %v", got)
			}
			_, err := b.c.CreateQueue(b.Context(), &sqs.CreateQueueInput{QueueName: aws.String("not-fifo"), Attributes: map[string]string{"FifoQueue": "true"}})
			b.refuses(err, "InvalidParameterValue")
			_, err = b.c.CreateQueue(b.Context(), &sqs.CreateQueueInput{QueueName: aws.String("standard.fifo")})
			if b.gaps.fifoNameIsEnough {
				b.must(err)
				return
			}
			b.refuses(err, "InvalidParameterValue")
		},
		"a fifo batch keeps its order": func(b *bench) {
			b.fifo(nil)
			entries := sends(numbers(3), "x")
			for i := range entries {
				entries[i].MessageBody, entries[i].MessageGroupId, entries[i].MessageDeduplicationId = entries[i].Id, aws.String("g"), entries[i].Id
			}
			out, err := b.c.SendMessageBatch(b.Context(), &sqs.SendMessageBatchInput{QueueUrl: &b.url, Entries: entries})
			b.must(err)
			var sequence []string
			for _, e := range out.Successful {
				sequence = append(sequence, *e.SequenceNumber)
			}
			if len(sequence) != 3 || !slices.IsSorted(sequence) {
				b.Errorf("sequence numbers are %v", sequence)
			}
			for _, want := range numbers(3) {
				got := b.await(1, func(in *sqs.ReceiveMessageInput) { in.MaxNumberOfMessages = 1 })
				b.sees(got, want)
				b.delete(got[0])
			}
		},
	}
}
