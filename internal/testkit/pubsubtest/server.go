// Package pubsubtest gives tests a Pub/Sub server: the fake that comes with Google's
// client, or the official emulator where it is installed. It speaks to both over gRPC.
//
// What the fake does not do, and the real service does: it agrees to renew a lease that
// is over or whose message was acknowledged; it knows no errors of single ack ids, nor
// permissions; of an ordering key it hands out one message at a time, and none behind one
// that is hidden; and it knows their order by the time they were published alone.
package pubsubtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// Project is the one that subscriptions are made in.
const Project = "p"

// A Server is one Pub/Sub server.
type Server struct {
	// Endpoint is its host and port.
	Endpoint string
	// Fake is the server where it is the fake; nil for the emulator.
	Fake       *pstest.Server
	publisher  pubsubpb.PublisherClient
	subscriber pubsubpb.SubscriberClient
}

// NewFake starts the fake on 127.0.0.1. It ends with the test.
func NewFake(t *testing.T, options ...pstest.ServerReactorOption) *Server {
	t.Helper()
	fake := pstest.NewServerWithAddress("127.0.0.1:0", options...)
	t.Cleanup(func() { _ = fake.Close() })
	s := Dial(t, fake.Addr)
	s.Fake = fake
	return s
}

// Dial returns the server at an address. The connection ends with the test.
func Dial(t *testing.T, address string, options ...grpc.DialOption) *Server {
	t.Helper()
	options = append([]grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}, options...)
	conn, err := grpc.NewClient("dns:///"+address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &Server{
		Endpoint: address, publisher: pubsubpb.NewPublisherClient(conn), subscriber: pubsubpb.NewSubscriberClient(conn),
	}
}

// A Subscription is one of a topic of its own.
type Subscription struct {
	// Path is its full name, and Name the last part of it.
	Path, Name string
	server     *Server
	topic      string
}

// Subscribe makes a topic, and a subscription of the same name as with says.
func (s *Server) Subscribe(t *testing.T, name string, with *pubsubpb.Subscription) *Subscription {
	t.Helper()
	topic := fmt.Sprintf("projects/%s/topics/%s", Project, name)
	if _, err := s.publisher.CreateTopic(t.Context(), &pubsubpb.Topic{Name: topic}); err != nil {
		t.Fatal(err)
	}
	if with == nil {
		with = &pubsubpb.Subscription{}
	}
	with.Name, with.Topic = fmt.Sprintf("projects/%s/subscriptions/%s", Project, name), topic
	if with.AckDeadlineSeconds == 0 {
		with.AckDeadlineSeconds = 10
	}
	if _, err := s.subscriber.CreateSubscription(t.Context(), with); err != nil {
		t.Fatal(err)
	}
	return &Subscription{Path: with.Name, Name: name, server: s, topic: topic}
}

// Publish adds one message and returns its id.
func (s *Subscription) Publish(m *pubsubpb.PubsubMessage) (id string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if s.server.Fake != nil && m.GetOrderingKey() != "" {
		time.Sleep(time.Millisecond) // time moves on for nothing else in a bubble
	}
	out, err := s.server.publisher.Publish(ctx, &pubsubpb.PublishRequest{Topic: s.topic, Messages: []*pubsubpb.PubsubMessage{m}})
	if err != nil {
		return "", err
	}
	return out.GetMessageIds()[0], nil
}

// Take waits for a message, acknowledges it and returns it.
func (s *Subscription) Take(t *testing.T) *pubsubpb.PubsubMessage {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		out, err := s.server.subscriber.Pull(ctx, &pubsubpb.PullRequest{Subscription: s.Path, MaxMessages: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.GetReceivedMessages() {
			ack := &pubsubpb.AcknowledgeRequest{Subscription: s.Path, AckIds: []string{m.GetAckId()}}
			if _, err := s.server.subscriber.Acknowledge(ctx, ack); err != nil {
				t.Fatal(err)
			}
			return m.GetMessage()
		}
	}
	t.Fatal("no message came")
	return nil
}

// Left counts the messages that were not acknowledged. The fake knows; the emulator is
// asked for what it would hand out during waitTimeout, which has to be longer than any lease
// that runs.
func (s *Subscription) Left(t *testing.T, waitTimeout time.Duration) int {
	t.Helper()
	if fake := s.server.Fake; fake != nil {
		left := 0
		for _, m := range fake.Messages() {
			if m.Topic == s.topic && m.Acks == 0 {
				left++
			}
		}
		return left
	}
	ctx, cancel := context.WithTimeout(context.Background(), waitTimeout)
	defer cancel()
	left := map[string]bool{}
	for ctx.Err() == nil {
		out, err := s.server.subscriber.Pull(ctx, &pubsubpb.PullRequest{Subscription: s.Path, MaxMessages: 100})
		if err != nil && status.Code(err) != codes.DeadlineExceeded {
			t.Fatal(err)
		}
		for _, m := range out.GetReceivedMessages() {
			left[m.GetMessage().GetMessageId()] = true
		}
	}
	return len(left)
}
