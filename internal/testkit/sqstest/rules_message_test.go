package sqstest_test

import (
	"context"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func text(value string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
}

func messageRules() map[string]func(*bench) {
	return map[string]func(*bench){
		"a message arrives as it was sent": func(b *bench) {
			body := "{\"é\": \"日本\"}\t\r\n"
			if !b.gaps.noSurrogates {
				body += "\U0001F600"
			}
			attrs := map[string]types.MessageAttributeValue{
				"Body.ContentType": text("text/plain; charset=utf-8"),
				"count":            {DataType: aws.String("Number.int"), StringValue: aws.String("12")},
				"raw":              {DataType: aws.String("Binary"), BinaryValue: []byte{0, 255, 10}},
			}
			sent := b.send(body, func(in *sqs.SendMessageInput) { in.MessageAttributes = attrs })
			got := b.one()
			if *got.Body != body || *got.MessageId != *sent.MessageId {
				b.Errorf("received %q with id %s, sent id %s", *got.Body, *got.MessageId, *sent.MessageId)
			}
			if !reflect.DeepEqual(got.MessageAttributes, attrs) {
				b.Errorf("attributes are %v", got.MessageAttributes)
			}
			if aws.ToString(got.MD5OfMessageAttributes) != *sent.MD5OfMessageAttributes || *sent.MD5OfMessageAttributes == "" {
				b.Errorf("digests are %v and %v", got.MD5OfMessageAttributes, sent.MD5OfMessageAttributes)
			}
		},
		"digests are those that the service computes": func(b *bench) {
			sent := b.send("hello", func(in *sqs.SendMessageInput) {
				in.MessageAttributes = map[string]types.MessageAttributeValue{
					"b": {DataType: aws.String("Binary"), BinaryValue: []byte("x")}, "a": text("y"),
				}
			})
			if *sent.MD5OfMessageBody != "5d41402abc4b2a76b9719d911017c592" || *sent.MD5OfMessageAttributes != "f320c7dd40fc2cdbfc21ea39a9a84576" {
				b.Errorf("body %s, attributes %s", *sent.MD5OfMessageBody, *sent.MD5OfMessageAttributes)
			}
		},
		"times are milliseconds since the epoch": func(b *bench) {
			before := time.Now().UnixMilli()
			b.send("m")
			got := b.one()
			after := time.Now().UnixMilli()
			for _, name := range []string{"SentTimestamp", "ApproximateFirstReceiveTimestamp"} {
				at, err := strconv.ParseInt(got.Attributes[name], 10, 64)
				if err != nil || at < before || at > after {
					b.Errorf("%s is %q, want between %d and %d", name, got.Attributes[name], before, after)
				}
			}
		},
		"each hand-out counts, has a handle of its own, and keeps the first time": func(b *bench) {
			b.send("m")
			first := b.one(hiddenFor(30))
			b.hide(first, 0)
			second := b.one(hiddenFor(30))
			if first.Attributes["ApproximateReceiveCount"] != "1" || second.Attributes["ApproximateReceiveCount"] != "2" {
				b.Errorf("counts are %v and %v", first.Attributes, second.Attributes)
			}
			if *first.ReceiptHandle == *second.ReceiptHandle || *first.MessageId != *second.MessageId {
				b.Error("the handle stayed, or the id did not")
			}
			const name = "ApproximateFirstReceiveTimestamp"
			if first.Attributes[name] != second.Attributes[name] {
				b.Errorf("%s went from %s to %s", name, first.Attributes[name], second.Attributes[name])
			}
		},
		"attributes come as they are asked for": func(b *bench) {
			b.send("m", func(in *sqs.SendMessageInput) {
				in.MessageAttributes = map[string]types.MessageAttributeValue{"app.a": text("1"), "app.b": text("2"), "other": text("3")}
			})
			for names, want := range map[string]int{"All": 3, ".*": 3, "app.*": 2, "other": 1, "app.a,other": 2, "none": 0, "": 0} {
				m := b.one(func(in *sqs.ReceiveMessageInput) {
					in.MessageAttributeNames = nil
					if names != "" {
						in.MessageAttributeNames = strings.Split(names, ",")
					}
				})
				if names == "" && b.gaps.everyAttribute {
					want = 3
				}
				if len(m.MessageAttributes) != want {
					b.Errorf("%q brought %v", names, m.MessageAttributes)
				}
				b.hide(m, 0)
			}
		},
		"system attributes come as they are asked for": func(b *bench) {
			b.send("m")
			m := b.one(func(in *sqs.ReceiveMessageInput) { in.MessageSystemAttributeNames = nil })
			if len(m.Attributes) != 0 {
				b.Errorf("unasked came %v", m.Attributes)
			}
			b.hide(m, 0)
			m = b.one(func(in *sqs.ReceiveMessageInput) {
				in.MessageSystemAttributeNames = []types.MessageSystemAttributeName{"SentTimestamp"}
			})
			if len(m.Attributes) != 1 || m.Attributes["SentTimestamp"] == "" {
				b.Errorf("asked for one came %v", m.Attributes)
			}
		},
		"a trace header travels as a system attribute": func(b *bench) {
			b.send("m", func(in *sqs.SendMessageInput) {
				in.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{
					"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String("Root=1-5")},
				}
			})
			want := "Root=1-5"
			if b.gaps.noTraceHeader {
				want = ""
			}
			if got := b.one(); got.Attributes["AWSTraceHeader"] != want || len(got.MessageAttributes) != 0 {
				b.Errorf("system attributes %v, message attributes %v", got.Attributes, got.MessageAttributes)
			}
		},
		"a standard queue takes a group and hands out its messages all the same": func(b *bench) {
			for _, body := range []string{"1", "2"} {
				b.send(body, func(in *sqs.SendMessageInput) { in.MessageGroupId = aws.String("tenant") })
			}
			want := "tenant"
			if b.gaps.noGroupsOnStandard {
				want = ""
			}
			for _, m := range b.await(2) {
				if m.Attributes["MessageGroupId"] != want {
					b.Errorf("attributes are %v", m.Attributes)
				}
			}
		},
		"a message that is too long or holds forbidden characters is refused": func(b *bench) {
			_, err := b.trySend(strings.Repeat("x", 1<<20+1))
			b.refuses(err, "InvalidParameterValue")
			_, err = b.trySend("a\x00b")
			b.refuses(err, "InvalidMessageContents")
			b.send(strings.Repeat("x", 1<<20))
			b.counts("1", "0", "0")
		},
		"attributes count against the length": func(b *bench) {
			_, err := b.trySend(strings.Repeat("x", 1<<20-10), func(in *sqs.SendMessageInput) {
				in.MessageAttributes = map[string]types.MessageAttributeValue{"name": text("value")}
			})
			b.refuses(err, "InvalidParameterValue")
		},
		"a delayed message is not there until its time": func(b *bench) {
			b.send("late", func(in *sqs.SendMessageInput) { in.DelaySeconds = 1 })
			m := b.one()
			sent, _ := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64)
			first, _ := strconv.ParseInt(m.Attributes["ApproximateFirstReceiveTimestamp"], 10, 64)
			if sent == 0 || first-sent < 1000 {
				b.Errorf("sent at %d, handed out at %d", sent, first)
			}
		},
		"a delayed message counts as delayed": func(b *bench) {
			b.send("late", func(in *sqs.SendMessageInput) { in.DelaySeconds = 600 })
			b.counts("0", "0", "1")
			b.sees(b.receive())
		},
		"a long poll ends when a message comes": func(b *bench) {
			got := make(chan []types.Message, 1)
			go func() {
				out, err := b.tryReceive(b.Context(), waiting(20))
				if err != nil {
					b.Error(err)
					out = &sqs.ReceiveMessageOutput{}
				}
				got <- out.Messages
			}()
			b.send("m")
			b.sees(<-got, "m")
		},
		"a long poll ends empty when its time is over": func(b *bench) {
			b.sees(b.receive(waiting(1)))
		},
		"a receive brings no more than it asked for": func(b *bench) {
			for _, body := range []string{"1", "2", "3"} {
				b.send(body)
			}
			if got := b.receive(func(in *sqs.ReceiveMessageInput) { in.MaxNumberOfMessages = 2 }); len(got) > 2 {
				b.Errorf("received %v", bodies(got))
			}
		},
		"a receive out of range is refused": func(b *bench) {
			for what, with := range map[string]func(*sqs.ReceiveMessageInput){
				"eleven messages": func(in *sqs.ReceiveMessageInput) { in.MaxNumberOfMessages = 11 },
				"21 s of waiting": waiting(21),
				"over 12 hours":   hiddenFor(43201),
				"less than none":  hiddenFor(-1),
			} {
				_, err := b.tryReceive(b.Context(), with)
				b.Log(what)
				b.refuses(err, "InvalidParameterValue")
			}
		},
		"a cancelled poll ends at once for its caller": func(b *bench) {
			ctx, cancel := context.WithCancel(b.Context())
			time.AfterFunc(50*time.Millisecond, cancel)
			if _, err := b.tryReceive(ctx, waiting(20)); !errors.Is(err, context.Canceled) {
				b.Errorf("got %v", err)
			}
		},
	}
}
