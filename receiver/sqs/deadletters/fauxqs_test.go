//go:build unix

package deadletters

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"carrier/internal/deadletter"
	"carrier/internal/testkit/bufferedbody"
	"carrier/internal/testkit/sqstest/fauxqs"
	"carrier/receiver/sqs"
)

// A server that others have written, which has no move tasks.
func TestIndependentServerHasEachLetterMovedOnce(t *testing.T) {
	t.Parallel()
	endpoint := fauxqs.Start(t)
	c := awssqs.New(awssqs.Options{
		BaseEndpoint: &endpoint, Region: "us-east-1", HTTPClient: bufferedbody.Client{HTTP: http.DefaultClient},
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "s", ""),
	})
	urls := map[string]*string{}
	for _, name := range []string{"q", "dead"} {
		out, err := c.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: &name})
		must(t, err)
		urls[name] = out.QueueUrl
	}
	for i := range 25 {
		_, err := c.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: urls["dead"], MessageBody: aws.String(fmt.Sprintf("%02d", i))})
		must(t, err)
	}
	s, _, err := Open(t.Context(), sqs.Options{QueueName: "q", Endpoint: endpoint, DeadLetterQueueURL: *urls["dead"]})
	must(t, err)
	defer func() { must(t, s.Close()) }()
	letters, _, err := s.List(t.Context(), "", 25)
	if err != nil || len(letters) != 25 {
		t.Fatalf("%d letters, %v", len(letters), err)
	}
	must(t, s.Drop(t.Context(), letters[0].ID))
	p, err := s.Redrive(t.Context(), deadletter.Request{})
	if err != nil || p.Moved != 24 || p.Failed != 0 {
		t.Fatalf("%+v, %v", p, err)
	}
	var got []string
	for range 24 {
		out, err := c.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: urls["q"], MaxNumberOfMessages: 10})
		must(t, err)
		for _, m := range out.Messages {
			got = append(got, *m.Body)
		}
	}
	slices.Sort(got)
	if len(slices.Compact(got)) != 24 {
		t.Errorf("%v", got)
	}
}
