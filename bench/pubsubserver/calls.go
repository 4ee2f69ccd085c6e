package main

import (
	"context"
	"strconv"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"carrier/bench/alarm"
	"carrier/bench/queue"
)

// ackIDSize is about how long ack ids of Pub/Sub are.
const ackIDSize = 200

// longest is how long a pull waits for a message.
const longest = 20 * time.Second

// service answers the calls of one subscription.
type service struct {
	pubsubpb.UnimplementedSubscriberServer
	queue   *queue.Queue
	handles queue.Handles
	lease   time.Duration // the subscription's own ack deadline
	latency time.Duration // of every call, beside what a pull waits
	tally   queue.Tally
	alarms  sync.Pool
}

// stats is what the runner is told.
type stats struct {
	queue.Counts
	queue.Traffic
}

func (s *service) stats() stats { return stats{s.queue.Stats(), s.tally.Read()} }

// call carries out one call. Half of the latency is spent on the way in and half on the
// way out, as on a network.
func (s *service) call(operation string, receives bool, perform func()) {
	start := time.Now()
	s.tally.Count(operation, receives, start)
	a, ok := s.alarms.Get().(*alarm.Alarm)
	if !ok {
		a = alarm.New()
	}
	defer s.alarms.Put(a)
	a.Sleep(s.latency / 2)
	before := time.Now()
	perform()
	waited := time.Since(before)
	a.Sleep(s.latency / 2)
	s.tally.Spend(time.Since(start) - waited)
}

// GetSubscription says what there is to know.
func (s *service) GetSubscription(_ context.Context, in *pubsubpb.GetSubscriptionRequest) (out *pubsubpb.Subscription, err error) {
	s.call("GetSubscription", false, func() {
		out = &pubsubpb.Subscription{Name: in.GetSubscription(), AckDeadlineSeconds: int32(s.lease / time.Second)}
	})
	return out, nil
}

// Pull hands out messages.
func (s *service) Pull(ctx context.Context, in *pubsubpb.PullRequest) (*pubsubpb.PullResponse, error) {
	out := &pubsubpb.PullResponse{}
	s.call("Pull", true, func() {
		batch := s.queue.Receive(nil, queue.Poll{
			Limit: int(in.GetMaxMessages()), Lease: s.lease, Wait: longest,
			Gone: func() bool { return ctx.Err() != nil },
		})
		if len(batch) == 0 {
			s.tally.Empty()
		}
		out.ReceivedMessages = s.messages(batch)
	})
	return out, nil
}

func (s *service) messages(batch []queue.Received) []*pubsubpb.ReceivedMessage {
	list := make([]*pubsubpb.ReceivedMessage, len(batch))
	for i, m := range batch {
		list[i] = &pubsubpb.ReceivedMessage{
			AckId: string(s.handles.Append(nil, m.N, m.Received)),
			Message: &pubsubpb.PubsubMessage{
				MessageId: strconv.FormatUint(uint64(m.N), 10), Data: s.queue.Body(nil, m),
				PublishTime: timestamppb.New(time.Unix(0, m.Sent)),
			},
		}
	}
	return list
}

// Acknowledge removes messages. Like Pub/Sub it agrees to whatever it is told.
func (s *service) Acknowledge(_ context.Context, in *pubsubpb.AcknowledgeRequest) (*emptypb.Empty, error) {
	s.call("Acknowledge", false, func() {
		for _, id := range in.GetAckIds() {
			if n, received, ok := s.handles.Parse([]byte(id)); ok {
				s.queue.Remove(n, received)
			}
		}
	})
	return &emptypb.Empty{}, nil
}

// ModifyAckDeadline changes leases, and agrees likewise.
func (s *service) ModifyAckDeadline(_ context.Context, in *pubsubpb.ModifyAckDeadlineRequest) (*emptypb.Empty, error) {
	s.call("ModifyAckDeadline", false, func() {
		for _, id := range in.GetAckIds() {
			if n, received, ok := s.handles.Parse([]byte(id)); ok {
				s.queue.Change(n, received, time.Duration(in.GetAckDeadlineSeconds())*time.Second)
			}
		}
	})
	return &emptypb.Empty{}, nil
}
