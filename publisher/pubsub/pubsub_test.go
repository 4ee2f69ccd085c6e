package pubsub_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"carrier/internal/testkit/pubsubtest"
	"carrier/message"
	"carrier/publisher"
	"carrier/publisher/publishertest"
	publisherpubsub "carrier/publisher/pubsub"
	"carrier/receiver"
	receiverpubsub "carrier/receiver/pubsub"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A server is the fake behind an interceptor, on a port of 127.0.0.1.
type server struct {
	*pubsubtest.Server
	stop func()

	mu    sync.Mutex
	calls int
	fault func(in *pubsubpb.PublishRequest, handle func() error) error // of each publish; nil is none
}

func serve(t *testing.T) *server {
	t.Helper()
	fake := pstest.NewServer()
	s := &server{}
	g := grpc.NewServer(grpc.UnaryInterceptor(s.intercept), grpc.MaxRecvMsgSize(16<<20))
	pubsubpb.RegisterPublisherServer(g, &fake.GServer)
	pubsubpb.RegisterSubscriberServer(g, &fake.GServer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var serving sync.WaitGroup
	serving.Go(func() { _ = g.Serve(l) })
	s.stop = func() { g.Stop(); serving.Wait() }
	t.Cleanup(func() { s.stop(); must(t, fake.Close()) })
	s.Server = pubsubtest.Dial(t, l.Addr().String())
	s.Fake = fake
	return s
}

// intercept counts the publishes, and lets them go wrong.
func (s *server) intercept(ctx context.Context, in any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	publish, ok := in.(*pubsubpb.PublishRequest)
	if !ok {
		return handle(ctx, in)
	}
	s.mu.Lock()
	s.calls++
	fault := s.fault
	s.mu.Unlock()
	var out any
	call := func() (err error) {
		out, err = handle(ctx, in)
		return err
	}
	if fault == nil {
		return handle(ctx, in)
	}
	err := fault(publish, call)
	return out, err
}

// once makes the next publish that matches go wrong.
func (s *server) once(match func(*pubsubpb.PublishRequest) bool, fault func(handle func() error) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var done atomic.Bool
	s.fault = func(in *pubsubpb.PublishRequest, handle func() error) error {
		if !match(in) || done.Swap(true) {
			return handle()
		}
		return fault(handle)
	}
}

func every(*pubsubpb.PublishRequest) bool { return true }

func answering(code codes.Code) func(func() error) error {
	return func(func() error) error { return status.Error(code, "no") }
}

// A queue is a topic with one subscription, of the same name.
type queue struct {
	server *server // nil for the emulator
	pubsub *pubsubtest.Server
	name   string
}

// Stored receives and acknowledges what the subscription holds, as carrier's receiver gives it.
func (q queue) Stored(t *testing.T) []*message.Message {
	t.Helper()
	r := receiverpubsub.New(receiverpubsub.Options{Subscription: q.name, Project: pubsubtest.Project, Endpoint: q.pubsub.Endpoint})
	must(t, r.Open(t.Context()))
	defer func() { must(t, r.Close()) }()
	var all []*message.Message
	for {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		batch, _ := r.Receive(ctx, 100)
		cancel()
		if len(batch) == 0 {
			return all
		}
		for _, m := range batch {
			must(t, r.Settle(t.Context(), m, message.Outcome{Verdict: message.Delivered}))
		}
		all = append(all, batch...)
	}
}

func open(t *testing.T, s *pubsubtest.Server, name string) publisher.Publisher {
	t.Helper()
	p := publisherpubsub.New(publisherpubsub.Options{Topic: name, Project: pubsubtest.Project, Endpoint: s.Endpoint})
	t.Cleanup(func() { must(t, p.Close()) })
	must(t, p.Open(t.Context()))
	return p
}

func bad() map[string]message.Attribute {
	return map[string]message.Attribute{
		"no name": {Value: "v"}, "a name of Pub/Sub's own": {Name: "googclient_x", Value: "v"}, "a long name": {Name: strings.Repeat("n", 257), Value: "v"},
		"a long value": {Name: "a", Value: strings.Repeat("v", 1025)}, "no text": {Name: "a", Value: "\xff"}, "no text in the name": {Name: "\xff", Value: "v"},
	}
}

func TestTopicKeepsThePromises(t *testing.T) {
	t.Parallel()
	of := func(q publishertest.Queue) *server { return q.(queue).server }
	publishertest.Run(t, publishertest.Harness{
		Open: func(t *testing.T) (publisher.Publisher, publishertest.Queue) {
			s := serve(t)
			s.Subscribe(t, "s", &pubsubpb.Subscription{EnableMessageOrdering: true})
			return open(t, s.Server, "s"), queue{s, s.Server, "s"}
		},
		Bad: bad(), Group: true,
		Faults: map[publishertest.Fault]func(*testing.T, publishertest.Queue){
			publishertest.AnswerLost: func(_ *testing.T, q publishertest.Queue) {
				of(q).once(every, func(handle func() error) error { _ = handle(); return status.Error(codes.Unavailable, "cut") })
			},
			publishertest.Throttled: func(_ *testing.T, q publishertest.Queue) { of(q).once(every, answering(codes.ResourceExhausted)) },
			publishertest.PartlyRefused: func(_ *testing.T, q publishertest.Queue) {
				of(q).once(func(in *pubsubpb.PublishRequest) bool { return in.GetMessages()[0].GetOrderingKey() == "g" }, answering(codes.PermissionDenied))
			},
			publishertest.Away: func(_ *testing.T, q publishertest.Queue) { of(q).stop() },
		},
	})
}

// The promises, judged by a server that others have written for others.
func TestEmulatorsTopicKeepsThePromises(t *testing.T) {
	t.Parallel()
	s := pubsubtest.NewEmulator(t)
	var made atomic.Int32
	publishertest.Run(t, publishertest.Harness{
		Open: func(t *testing.T) (publisher.Publisher, publishertest.Queue) {
			name := fmt.Sprint("topic-", made.Add(1))
			s.Subscribe(t, name, &pubsubpb.Subscription{EnableMessageOrdering: true})
			return open(t, s, name), queue{nil, s, name}
		},
		Bad: bad(), Group: true,
	})
}

func TestAnswerSaysWhetherTheMessageIsPublished(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.Subscribe(t, "s", nil)
	p := open(t, s.Server, "s")
	for code, c := range map[codes.Code]struct {
		refused bool
		why     publisher.Why
	}{
		codes.ResourceExhausted: {true, publisher.NotNow}, codes.PermissionDenied: {true, publisher.NotNow}, codes.Unauthenticated: {true, publisher.NotNow},
		codes.NotFound: {true, publisher.NotNow}, codes.FailedPrecondition: {true, publisher.NotNow},
		codes.InvalidArgument: {true, publisher.Unsupported},
		codes.Unavailable:     {false, 0}, codes.Internal: {false, 0}, codes.DeadlineExceeded: {false, 0}, codes.Aborted: {false, 0}, codes.Unknown: {false, 0},
	} {
		s.once(every, answering(code))
		r := p.Publish(t.Context(), []*message.Message{{Body: []byte("a")}})[0]
		if r.Err == nil || publisher.IsRefused(r.Err) != c.refused || publisher.WhyOf(r.Err) != c.why {
			t.Errorf("%s: %+v, want refused %v, %d", code, r, c.refused, c.why)
		}
	}
}

func TestMessagesArePublishedTogetherButForThoseOfAGroup(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.Subscribe(t, "s", nil)
	p := open(t, s.Server, "s")
	batch := []*message.Message{{Group: "g"}, {Group: "h"}}
	for range 1500 {
		batch = append(batch, &message.Message{Body: []byte("x")})
	}
	large := bytes.Repeat([]byte("x"), 6_000_000)
	batch = append(batch, &message.Message{Body: large}, &message.Message{Body: large})
	for _, r := range p.Publish(t.Context(), batch) {
		must(t, r.Err)
	}
	// Two of a group, a thousand, the rest with one large one, and the other large one.
	if s.calls != 5 {
		t.Errorf("%d calls, want 5", s.calls)
	}
}

func TestTopicIsLookedForWhenThePublisherIsOpened(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.Subscribe(t, "s", nil)
	for topic, want := range map[string]receiver.Class{
		"s": "", "projects/p/topics/s": "", "other": receiver.NotFound, "": receiver.Invalid, "topics/s": receiver.Invalid,
	} {
		p := publisherpubsub.New(publisherpubsub.Options{Topic: topic, Project: "p", Endpoint: s.Endpoint})
		err := p.Open(t.Context())
		if (err == nil) != (want == "") || err != nil && receiver.ClassOf(err) != want {
			t.Errorf("topic %q: %v, want %s", topic, err, want)
		}
		must(t, p.Close())
	}
}
