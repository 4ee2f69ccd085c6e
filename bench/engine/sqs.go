package engine

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// An sdk sends messages with the SDK for SQS, over as many connections as there are clients.
type sdk struct {
	client *sqs.Client
	url    string
	// many is the messages of a call; each is the same one. With one it is SendMessage.
	many int
}

func newSDK(address string, clients, many int) func() Client {
	endpoint := "http://" + address
	s := &sdk{url: endpoint + "/000000000000/bench", many: many, client: sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", ""),
		HTTPClient: &http.Client{Transport: &http.Transport{MaxIdleConns: clients, MaxIdleConnsPerHost: clients, DisableCompression: true}},
		Retryer:    aws.NopRetryer{},
	})}
	return func() Client { return s }
}

func (s *sdk) Post(body []byte) (int, error) {
	text := string(body)
	if s.many == 1 {
		_, err := s.client.SendMessage(context.Background(), &sqs.SendMessageInput{QueueUrl: &s.url, MessageBody: &text})
		return http.StatusOK, err
	}
	entries := make([]types.SendMessageBatchRequestEntry, s.many)
	for i := range entries {
		id := string(rune('a' + i))
		entries[i] = types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &text}
	}
	out, err := s.client.SendMessageBatch(context.Background(), &sqs.SendMessageBatchInput{QueueUrl: &s.url, Entries: entries})
	if err == nil && len(out.Failed) > 0 {
		return http.StatusServiceUnavailable, nil
	}
	return http.StatusOK, err
}
