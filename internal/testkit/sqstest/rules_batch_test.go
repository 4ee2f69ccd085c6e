package sqstest_test

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func deletions(ids []string, handle *string) []types.DeleteMessageBatchRequestEntry {
	out := []types.DeleteMessageBatchRequestEntry{}
	for _, id := range ids {
		out = append(out, types.DeleteMessageBatchRequestEntry{Id: aws.String(id), ReceiptHandle: handle})
	}
	return out
}

func changes(ids []string, handle *string) []types.ChangeMessageVisibilityBatchRequestEntry {
	out := []types.ChangeMessageVisibilityBatchRequestEntry{}
	for _, id := range ids {
		out = append(out, types.ChangeMessageVisibilityBatchRequestEntry{Id: aws.String(id), ReceiptHandle: handle, VisibilityTimeout: 30})
	}
	return out
}

func sends(ids []string, body string) []types.SendMessageBatchRequestEntry {
	out := []types.SendMessageBatchRequestEntry{}
	for _, id := range ids {
		out = append(out, types.SendMessageBatchRequestEntry{Id: aws.String(id), MessageBody: aws.String(body)})
	}
	return out
}

func numbers(n int) []string {
	var ids []string
	for i := range n {
		ids = append(ids, strconv.Itoa(i))
	}
	return ids
}

func batchRules() map[string]func(*bench) {
	return map[string]func(*bench){
		"a batch of a bad shape is refused as a whole": func(b *bench) {
			b.send("m")
			m := b.one()
			for want, ids := range map[string][]string{
				"EmptyBatchRequest":            {},
				"TooManyEntriesInBatchRequest": numbers(11),
				"BatchEntryIdsNotDistinct":     {"a", "a"},
				"InvalidBatchEntryId":          {"a b"},
			} {
				_, err := b.c.DeleteMessageBatch(b.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: &b.url, Entries: deletions(ids, m.ReceiptHandle)})
				b.refuses(err, want)
				_, err = b.c.ChangeMessageVisibilityBatch(b.Context(), &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &b.url, Entries: changes(ids, m.ReceiptHandle)})
				b.refuses(err, want)
				_, err = b.c.SendMessageBatch(b.Context(), &sqs.SendMessageBatchInput{QueueUrl: &b.url, Entries: sends(ids, "x")})
				b.refuses(err, want)
			}
			b.counts("0", "1", "0")
		},
		"a batch that is too long is refused as a whole": func(b *bench) {
			_, err := b.c.SendMessageBatch(b.Context(), &sqs.SendMessageBatchInput{QueueUrl: &b.url, Entries: sends(numbers(2), strings.Repeat("x", 1<<19+1))})
			b.refuses(err, "BatchRequestTooLong")
			b.counts("0", "0", "0")
		},
		"ten messages go, are hidden and are deleted in one call each": func(b *bench) {
			sent, err := b.c.SendMessageBatch(b.Context(), &sqs.SendMessageBatchInput{QueueUrl: &b.url, Entries: sends(numbers(10), "x")})
			b.must(err)
			if len(sent.Successful) != 10 || len(sent.Failed) != 0 {
				b.Fatalf("sent %v", sent)
			}
			var hide []types.ChangeMessageVisibilityBatchRequestEntry
			var del []types.DeleteMessageBatchRequestEntry
			for i, m := range b.await(10) {
				id := []string{strconv.Itoa(i)}
				hide = append(hide, changes(id, m.ReceiptHandle)...)
				del = append(del, deletions(id, m.ReceiptHandle)...)
			}
			hidden, err := b.c.ChangeMessageVisibilityBatch(b.Context(), &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &b.url, Entries: hide})
			b.must(err)
			deleted, err := b.c.DeleteMessageBatch(b.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: &b.url, Entries: del})
			b.must(err)
			if len(hidden.Successful) != 10 || len(deleted.Successful) != 10 {
				b.Errorf("hidden %v, deleted %v", hidden, deleted)
			}
			b.counts("0", "0", "0")
		},
		"an entry of a send fails by itself": func(b *bench) {
			entries := append(sends([]string{"good"}, "x"), sends([]string{"bad"}, "\x01")...)
			out, err := b.c.SendMessageBatch(b.Context(), &sqs.SendMessageBatchInput{QueueUrl: &b.url, Entries: entries})
			b.must(err)
			b.partly(len(out.Successful), out.Failed, "InvalidMessageContents")
			b.counts("1", "0", "0")
		},
		"an entry of a visibility change fails by itself": func(b *bench) {
			b.send("gone")
			gone := b.one()
			b.delete(gone)
			b.send("here")
			entries := append(changes([]string{"bad"}, gone.ReceiptHandle), changes([]string{"good"}, b.one().ReceiptHandle)...)
			out, err := b.c.ChangeMessageVisibilityBatch(b.Context(), &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &b.url, Entries: entries})
			b.must(err)
			b.partly(len(out.Successful), out.Failed, leaseLost()...)
		},
		"an entry out of range fails by itself": func(b *bench) {
			b.send("m")
			m := b.one()
			entries := changes([]string{"bad", "good"}, m.ReceiptHandle)
			entries[0].VisibilityTimeout = 43201
			out, err := b.c.ChangeMessageVisibilityBatch(b.Context(), &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &b.url, Entries: entries})
			b.must(err)
			b.partly(len(out.Successful), out.Failed, "InvalidParameterValue")
		},
		"an entry of a deletion fails by itself": func(b *bench) {
			b.send("m")
			entries := append(deletions([]string{"bad"}, aws.String("garbage")), deletions([]string{"good"}, b.one().ReceiptHandle)...)
			out, err := b.c.DeleteMessageBatch(b.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: &b.url, Entries: entries})
			b.must(err)
			b.counts("0", "0", "0")
			if b.gaps.bogusDeletes {
				if len(out.Successful) != 2 {
					b.Error("fauxqs refuses a bogus handle now: the gap is closed")
				}
				return
			}
			b.partly(len(out.Successful), out.Failed, "ReceiptHandleIsInvalid")
		},
	}
}

// partly checks that one entry succeeded and the one called bad failed, by the caller's fault.
func (b *bench) partly(done int, failed []types.BatchResultErrorEntry, codes ...string) {
	b.Helper()
	if done != 1 || len(failed) != 1 {
		b.Fatalf("%d succeeded, failed %v", done, failed)
	}
	f := failed[0]
	if *f.Id != "bad" || !f.SenderFault || !slices.Contains(codes, bare(*f.Code)) {
		b.Errorf("failed are %s: %s, sender's fault: %v", *f.Id, *f.Code, f.SenderFault)
	}
}
