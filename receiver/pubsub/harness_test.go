package pubsub

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"

	"carrier/internal/testkit/pubsubtest"
	"carrier/message"
	"carrier/receiver/receivertest"
)

// TestMain runs the tests in an environment without any Google configuration.
func TestMain(m *testing.M) {
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "GOOGLE_") || name == "PUBSUB_EMULATOR_HOST" {
			_ = os.Unsetenv(name)
		}
	}
	// Tests against the emulator wait most of their time.
	flag.Parse()
	_ = flag.Set("test.parallel", "32")
	goleak.VerifyTestMain(m)
}

// A bench is an opened receiver on a subscription of the fake server.
type bench struct {
	*Receiver
	fake *pstest.Server
	sub  *pubsubtest.Subscription
	api  *interceptor
	seen *receivertest.Record
}

// bubble runs f with a bench whose time and network are a bubble's of testing/synctest. The
// subscription is called s.
func bubble(t *testing.T, o Options, with *pubsubpb.Subscription, f func(t *testing.T, b bench)) {
	t.Helper()
	fake := pstest.NewServer() // its own port is not used: a bubble has no network
	synctest.Test(t, func(t *testing.T) {
		b := benchOn(t, fake, o, with)
		must(t, b.Open(t.Context()))
		f(t, b)
	})
	must(t, fake.Close())
}

// benchOn makes a receiver that is not opened, in a bubble.
func benchOn(t *testing.T, fake *pstest.Server, o Options, with *pubsubpb.Subscription) bench {
	t.Helper()
	api := &interceptor{}
	dial := serve(t, fake, api)
	server := pubsubtest.Dial(t, "127.0.0.1:1", dial)
	server.Fake = fake
	sub := server.Subscribe(t, "s", with)
	seen := &receivertest.Record{}
	o.Subscription, o.Endpoint, o.dial = sub.Path, "127.0.0.1:1", []grpc.DialOption{dial}
	o.Observer, o.Warn = seen, func(text string, err error) { seen.Warn("", text, err) }
	r := New(o)
	t.Cleanup(func() {
		must(t, r.Close())
		_, err := fake.GServer.DeleteSubscription(context.Background(), &pubsubpb.DeleteSubscriptionRequest{Subscription: sub.Path})
		must(t, err)
	})
	return bench{r, fake, sub, api, seen}
}

// serve serves the fake in memory and returns how to get there.
func serve(t *testing.T, fake *pstest.Server, api *interceptor) grpc.DialOption {
	t.Helper()
	l := bufconn.Listen(1 << 20)
	s := grpc.NewServer(grpc.UnaryInterceptor(api.intercept), grpc.WaitForHandlers(true))
	pubsubpb.RegisterPublisherServer(s, &fake.GServer)
	pubsubpb.RegisterSubscriberServer(s, &fake.GServer)
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.Serve(l) })
	t.Cleanup(func() { s.Stop(); serving.Wait() })
	return grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) })
}

// An interceptor sees every call to the fake, and may answer it instead.
type interceptor struct {
	mu     sync.Mutex
	calls  []any // the requests
	answer func(request any) (any, error)
}

func (i *interceptor) intercept(ctx context.Context, in any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	i.mu.Lock()
	i.calls = append(i.calls, in)
	answer := i.answer
	i.mu.Unlock()
	if answer != nil {
		if out, err := answer(in); out != nil || err != nil {
			return out, err
		}
	}
	return handle(ctx, in)
}

// on has answer called for every request from now on; where it returns neither an answer nor an
// error the fake is asked.
func (i *interceptor) on(answer func(request any) (any, error)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answer = answer
}

// deadlines lists the ack deadlines that were asked for, and how many ids were in each call.
func (i *interceptor) deadlines() (seconds, ids []int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, in := range i.calls {
		if m, ok := in.(*pubsubpb.ModifyAckDeadlineRequest); ok {
			seconds, ids = append(seconds, int(m.GetAckDeadlineSeconds())), append(ids, len(m.GetAckIds()))
		}
	}
	return seconds, ids
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// send publishes n messages, with an ordering key if there is one.
func (b bench) send(t *testing.T, n int, key string) {
	t.Helper()
	for i := range n {
		_, err := b.sub.Publish(&pubsubpb.PubsubMessage{Data: []byte(fmt.Sprint(i)), OrderingKey: key})
		must(t, err)
	}
}

// take receives n messages.
func (b bench) take(t *testing.T, n int) []*message.Message {
	t.Helper()
	return receivertest.Take(t, b.Receiver, n, 5*time.Hour)
}

func delivered() message.Outcome { return message.Outcome{Verdict: message.Delivered} }

func deferredBy(d time.Duration) message.Outcome {
	return message.Outcome{Cause: message.Deferred, Delay: d}
}
