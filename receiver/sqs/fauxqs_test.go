//go:build unix

package sqs

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"carrier/internal/testkit/bufferedbody"
	"carrier/internal/testkit/sqstest/fauxqs"
	"carrier/receiver"
	"carrier/receiver/receivertest"
)

// The promises, judged by a server that others have written.

func TestIndependentServerStandardQueueKeepsThePromises(t *testing.T) {
	t.Parallel()
	receivertest.Run(t, overFauxqs(fauxqs.Start(t), ""))
}

func TestIndependentServerFIFOQueueKeepsThePromises(t *testing.T) {
	t.Parallel()
	h := overFauxqs(fauxqs.Start(t), ".fifo")
	h.Groups = true
	receivertest.Run(t, h)
}

func overFauxqs(endpoint, suffix string) receivertest.Harness {
	var made atomic.Int32
	return receivertest.Harness{
		Lease: conformanceLease,
		Open: func(t *testing.T) (receiver.Receiver, receivertest.Source) {
			s := newFauxqsSource(t, endpoint, fmt.Sprint("q", made.Add(1), suffix))
			r := New(Options{
				QueueName: s.name, Endpoint: endpoint, VisibilityTimeout: conformanceLease, WaitTime: time.Second,
			})
			t.Cleanup(func() { must(t, r.Close()) })
			must(t, r.Open(t.Context()))
			return r, s
		},
	}
}

// A fauxqsSource looks at the queue with a client of its own.
type fauxqsSource struct {
	client *awssqs.Client
	name   string
	url    *string
}

func newFauxqsSource(t *testing.T, endpoint, name string) fauxqsSource {
	t.Helper()
	c := awssqs.New(awssqs.Options{
		BaseEndpoint: &endpoint, Region: "us-east-1", HTTPClient: bufferedbody.Client{HTTP: http.DefaultClient},
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "s", ""),
	})
	in := &awssqs.CreateQueueInput{QueueName: &name}
	if strings.HasSuffix(name, ".fifo") {
		in.Attributes = map[string]string{"FifoQueue": "true"}
	}
	out, err := c.CreateQueue(t.Context(), in)
	must(t, err)
	return fauxqsSource{c, name, out.QueueUrl}
}

func (s fauxqsSource) Put(t *testing.T, p receivertest.Put) {
	t.Helper()
	in := &awssqs.SendMessageInput{QueueUrl: s.url, MessageBody: &p.Body, DelaySeconds: wholeSeconds(p.Delay)}
	if strings.HasSuffix(s.name, ".fifo") {
		in.MessageDeduplicationId, in.MessageGroupId = aws.String(fmt.Sprintf("%x", p.Body)), &p.Group
		if p.Group == "" {
			in.MessageGroupId = in.MessageDeduplicationId // a group of its own
		}
	}
	_, err := s.client.SendMessage(t.Context(), in)
	must(t, err)
}

func (s fauxqsSource) Left(t *testing.T) int {
	t.Helper()
	out, err := s.client.GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{
		QueueUrl: s.url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	must(t, err)
	left := 0
	for name, value := range out.Attributes {
		if strings.HasPrefix(name, "ApproximateNumberOfMessages") {
			n, err := strconv.Atoi(value)
			must(t, err)
			left += n
		}
	}
	return left
}
