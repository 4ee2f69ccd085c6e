package main

import (
	"net"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"carrier/bench/load"
	"carrier/bench/queue"
)

func TestClientReceivesChangesAndAcknowledges(t *testing.T) {
	s := &service{handles: queue.NewHandles(ackIDSize), lease: 30 * time.Second, latency: time.Millisecond}
	s.queue = queue.New(200, func() int64 { return time.Now().UnixNano() })
	s.queue.Put(4)
	api := clientOf(t, s)
	const name = "projects/p/subscriptions/s"
	sub, err := api.GetSubscription(t.Context(), &pubsubpb.GetSubscriptionRequest{Subscription: name})
	if err != nil || sub.GetName() != name || sub.GetAckDeadlineSeconds() != 30 {
		t.Fatalf("%v, %v", sub, err)
	}
	out, err := api.Pull(t.Context(), &pubsubpb.PullRequest{Subscription: name, MaxMessages: 3})
	if err != nil || len(out.GetReceivedMessages()) != 3 {
		t.Fatalf("%v, %v", out, err)
	}
	var ids []string
	for i, m := range out.GetReceivedMessages() {
		n, sent, err := load.ParseHead(m.GetMessage().GetData())
		if err != nil || n != uint64(i) || len(m.GetMessage().GetData()) != 200 || m.GetMessage().GetPublishTime().AsTime().UnixNano() != sent || len(m.GetAckId()) != ackIDSize {
			t.Errorf("message %d: %v, %v", i, m, err)
		}
		ids = append(ids, m.GetAckId())
	}
	if _, err := api.Acknowledge(t.Context(), &pubsubpb.AcknowledgeRequest{Subscription: name, AckIds: append(ids[:1:1], "nonsense")}); err != nil {
		t.Error(err)
	}
	for seconds, id := range map[int32]string{0: ids[1], 60: ids[2]} {
		if _, err := api.ModifyAckDeadline(t.Context(), &pubsubpb.ModifyAckDeadlineRequest{Subscription: name, AckIds: []string{id}, AckDeadlineSeconds: seconds}); err != nil {
			t.Error(err)
		}
	}
	got := s.stats()
	if got.Deleted != 1 || got.GivenBack != 1 || got.Deferred != 1 || got.Visible != 2 || got.InFlight != 1 {
		t.Errorf("the books: %+v", got.Counts)
	}
	if got.Calls["Pull"] != 1 || got.CallTime < s.latency || got.FirstReceive == 0 {
		t.Errorf("the calls: %+v", got.Traffic)
	}
}

func clientOf(t *testing.T, s *service) pubsubpb.SubscriberClient {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	pubsubpb.RegisterSubscriberServer(server, s)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient("dns:///"+l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return pubsubpb.NewSubscriberClient(conn)
}
