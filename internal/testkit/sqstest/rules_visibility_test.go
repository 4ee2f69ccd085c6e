package sqstest_test

import (
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// leaseLost is what the service may call a lease that is no longer held.
func leaseLost() []string {
	return []string{"MessageNotInflight", "InvalidParameterValue", "ReceiptHandleIsInvalid"}
}

func visibilityRules() map[string]func(*bench) {
	return map[string]func(*bench){
		"a message in flight is hidden from others": func(b *bench) {
			b.send("m")
			b.sees(b.await(1), "m")
			b.sees(b.receive())
			b.counts("0", "1", "0")
		},
		"a message comes back when its visibility timeout is over": func(b *bench) {
			b.send("m")
			b.sees(b.await(1, hiddenFor(1)), "m")
			b.sees(b.await(1), "m")
		},
		"the queue's own visibility timeout holds where none is asked": func(b *bench) {
			b.url = b.create(queueName("the queue of one second"), map[string]string{"VisibilityTimeout": "1"})
			b.send("m")
			b.one()
			b.sees(b.await(1), "m")
		},
		"visibility zero gives a message back at once, to an open poll too": func(b *bench) {
			b.send("m")
			m := b.one()
			got := make(chan []types.Message, 1)
			go func() {
				out, err := b.tryReceive(b.Context(), waiting(20))
				if err != nil {
					b.Error(err)
					out = &sqs.ReceiveMessageOutput{}
				}
				got <- out.Messages
			}()
			b.hide(m, 0)
			b.sees(<-got, "m")
		},
		"a visibility change counts from the change": func(b *bench) {
			b.send("m")
			m := b.one(hiddenFor(600))
			b.hide(m, 1)
			b.sees(b.await(1), "m")
		},
		"a deleted message does not come back": func(b *bench) {
			b.send("m")
			m := b.one(hiddenFor(1))
			b.delete(m)
			b.sees(b.receive(waiting(2)))
			b.counts("0", "0", "0")
			b.delete(m) // a second time is no error
		},
		"a message that lapsed and was not received again can be deleted": func(b *bench) {
			b.send("m")
			b.delete(b.one(hiddenFor(30)))
			b.counts("0", "0", "0")
		},
		"an old handle does not delete what was handed out since": func(b *bench) {
			b.send("m")
			old := b.one()
			b.hide(old, 0)
			b.one()
			b.delete(old)
			b.counts("0", "1", "0")
		},
		"an old handle does not hide what was handed out since": func(b *bench) {
			b.send("m")
			old := b.one()
			b.hide(old, 0)
			b.one(hiddenFor(600))
			b.refuses(b.tryHide(*old.ReceiptHandle, 0), leaseLost()...)
			b.counts("0", "1", "0")
		},
		"a lapsed lease cannot be renewed": func(b *bench) {
			b.send("m")
			m := b.one()
			b.hide(m, 0)
			b.refuses(b.tryHide(*m.ReceiptHandle, 30), "MessageNotInflight")
			b.counts("1", "0", "0")
		},
		"a deleted message's lease cannot be renewed": func(b *bench) {
			b.send("m")
			m := b.one()
			b.delete(m)
			b.refuses(b.tryHide(*m.ReceiptHandle, 30), leaseLost()...)
		},
		"a visibility timeout out of range is refused": func(b *bench) {
			b.send("m")
			m := b.one()
			b.refuses(b.tryHide(*m.ReceiptHandle, 43201), "InvalidParameterValue")
			b.refuses(b.tryHide(*m.ReceiptHandle, -1), "InvalidParameterValue")
			b.counts("0", "1", "0")
		},
		"twelve hours count from the receive, and more is refused, not shortened": func(b *bench) {
			b.send("m")
			err := b.tryHide(*b.one().ReceiptHandle, 43200)
			if b.gaps.noTwelveHours {
				b.must(err)
				return
			}
			b.refuses(err, "InvalidParameterValue")
		},
		"a handle that is none is refused": func(b *bench) {
			code := "ReceiptHandleIsInvalid"
			if b.gaps.oneWordForLeases {
				code = "MessageNotInflight"
			}
			b.refuses(b.tryHide("garbage", 30), code)
			handle := "garbage"
			_, err := b.c.DeleteMessage(b.Context(), &sqs.DeleteMessageInput{QueueUrl: &b.url, ReceiptHandle: &handle})
			if b.gaps.bogusDeletes {
				b.must(err)
				return
			}
			b.refuses(err, "ReceiptHandleIsInvalid")
		},
		"a message that was received too often goes to the dead-letter queue": func(b *bench) {
			source := b.url
			b.url = b.create(queueName("dead letters of the rule"), nil)
			arn := b.attributes()["QueueArn"]
			dead := b.url
			b.url = source
			_, err := b.c.SetQueueAttributes(b.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &source, Attributes: map[string]string{
				"RedrivePolicy": `{"deadLetterTargetArn":"` + arn + `","maxReceiveCount":"2"}`,
			}})
			b.must(err)
			sent := b.send("m", func(in *sqs.SendMessageInput) {
				in.MessageAttributes = map[string]types.MessageAttributeValue{"a": text("1")}
			})
			origin := b.attributes()["QueueArn"]
			b.hide(b.one(), 0)
			b.hide(b.one(), 0)
			b.sees(b.receive())
			b.url = dead
			m := b.one()
			if *m.MessageId != *sent.MessageId || *m.MessageAttributes["a"].StringValue != "1" {
				b.Errorf("the dead letter is %v", m)
			}
			if b.gaps.noSourceARN {
				origin = ""
			}
			if m.Attributes["DeadLetterQueueSourceArn"] != origin {
				b.Errorf("attributes are %v", m.Attributes)
			}
		},
	}
}
