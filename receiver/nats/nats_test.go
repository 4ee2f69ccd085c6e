package nats

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	natsserver "github.com/nats-io/nats-server/v2/server"

	"carrier/internal/testkit/natstest"
	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/nats/api"
)

func TestMessageArrivesWithAllItIsKnownBy(t *testing.T) {
	t.Parallel()
	b := benchOn(t, Options{}, func(c *jetstream.ConsumerConfig) { c.AckWait = 20 * time.Second })
	b.server.Publish(t, "S.x", "b\x00dy", nats.Header{
		"Content-Type": {"text/plain"}, "Carrier-Group-Id": {"g"}, "Nats-Msg-Id": {"k"}, "Carrier.MessageId": {"first"}, "a": {"1", "2"}, "Kind": {"ü"},
	})
	m := b.take(t, 1)[0]
	if !strings.HasPrefix(m.ID, "S:1:") || string(m.Body) != "b\x00dy" || m.ContentType != "text/plain" || m.Group != "g" || m.Ordered ||
		m.OriginalID != "first" || m.Source != "S/c" || m.Lease != 20*time.Second || m.Repeats {
		t.Errorf("message = %+v", m)
	}
	want := []message.Attribute{{Name: "Content-Type", Value: "text/plain"}, {Name: "Kind", Value: "ü"}, {Name: "a", Value: "1, 2"}}
	if len(m.Attributes) != len(want) || m.Attributes[0] != want[0] || m.Attributes[1] != want[1] || m.Attributes[2] != want[2] {
		t.Errorf("attributes = %v, want %v", m.Attributes, want)
	}
}

// A client of NATS takes such a message for an answer of the server, and drops it.
func TestEmptyMessageThatLooksLikeAnAnswerIsReceived(t *testing.T) {
	t.Parallel()
	b := benchOn(t, Options{})
	b.server.Publish(t, "S.x", "", nats.Header{"Status": {"404"}})
	if m := b.take(t, 1)[0]; len(m.Body) != 0 || m.Attributes[0].Value != "404" {
		t.Errorf("message = %+v", m)
	}
}

func TestUnusableConsumerEndsTheStartWithItsClass(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t).Connect(t)
	s.Stream(t, "S", func(c *jetstream.StreamConfig) { c.Retention = jetstream.LimitsPolicy })
	s.Stream(t, "D")
	s.Consumer(t, "S", "c")
	s.Consumer(t, "S", "filtered", func(c *jetstream.ConsumerConfig) { c.FilterSubjects = []string{"S.a", "S.b.*"} })
	s.Consumer(t, "S", "none", func(c *jetstream.ConsumerConfig) { c.AckPolicy = jetstream.AckNonePolicy })
	s.Consumer(t, "S", "passing", func(c *jetstream.ConsumerConfig) { c.Name, c.Durable = c.Durable, "" })
	for name, c := range map[string]struct {
		o    Options
		want receiver.Class
	}{
		"it is there":                         {Options{}, ""},
		"no consumer":                         {Options{Consumer: "other"}, receiver.NotFound},
		"no stream":                           {Options{Stream: "other"}, receiver.NotFound},
		"no acknowledgements":                 {Options{Consumer: "none"}, receiver.Invalid},
		"not durable":                         {Options{Consumer: "passing"}, receiver.Invalid},
		"nobody listens":                      {Options{URL: "nats://127.0.0.1:1"}, receiver.Network},
		"no file of credentials":              {Options{CredentialsFile: "/nowhere"}, receiver.Credentials},
		"a subject for dead letters":          {Options{DeadLetterSubject: "D.x"}, ""},
		"one that no stream takes":            {Options{DeadLetterSubject: "other"}, receiver.NotFound},
		"one that comes back":                 {Options{DeadLetterSubject: "S.dead"}, receiver.Invalid},
		"one that a filter lets come back":    {Options{Consumer: "filtered", DeadLetterSubject: "S.b.dead"}, receiver.Invalid},
		"one of the stream, and not filtered": {Options{Consumer: "filtered", DeadLetterSubject: "S.dead"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := receiverOn(t, s, c.o)
			err := r.Open(t.Context())
			if (err == nil) != (c.want == "") || err != nil && receiver.ClassOf(err) != c.want {
				t.Errorf("Open = %v of class %s, want %s", err, receiver.ClassOf(err), c.want)
			}
		})
	}
}

func TestWhoIsNotLetInIsToldSo(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, func(o *natsserver.Options) {
		o.Users = []*natsserver.User{
			{Username: "all", Password: "p"},
			{Username: "little", Password: "p", Permissions: &natsserver.Permissions{Publish: &natsserver.SubjectPermission{Allow: []string{"x"}}}},
		}
	})
	at := func(user string) string { return strings.Replace(s.URL, "nats://", "nats://"+user+":p@", 1) }
	s.Connect(t, nats.UserInfo("all", "p"))
	s.Stream(t, "S")
	s.Consumer(t, "S", "c")
	for url, want := range map[string]receiver.Class{at("all"): "", at("little"): receiver.Denied, at("nobody"): receiver.Credentials, s.URL: receiver.Credentials} {
		r, _ := receiverOn(t, s, Options{URL: url})
		err := r.Open(t.Context())
		if (err == nil) != (want == "") || err != nil && receiver.ClassOf(err) != want {
			t.Errorf("%s: %v of class %s, want %s", url, err, receiver.ClassOf(err), want)
		}
	}
}

func TestTokenIsShown(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, func(o *natsserver.Options) { o.Authorization = "secret" }).Connect(t, nats.Token("secret"))
	s.Stream(t, "S")
	s.Consumer(t, "S", "c")
	r, _ := receiverOn(t, s, Options{Token: func() string { return "secret" }})
	must(t, r.Open(t.Context()))
}

// A pull for several stays open when it has brought the first, and would go on taking messages.
func TestNoMoreIsTakenThanIsWanted(t *testing.T) {
	t.Parallel()
	b := benchOn(t, Options{})
	done := make(chan []*message.Message)
	go func() {
		batch, _ := b.Receive(context.Background(), 10)
		done <- batch
	}()
	settles(t, func() bool { pulls, _ := b.waiting(t); return pulls == 1 })
	b.send(t, "", "1", "2", "3", "4")
	if n := len(<-done); n != 1 {
		t.Errorf("%d messages came to the pull that waited, want 1", n)
	}
	if pulls, leased := b.waiting(t); pulls != 0 || leased != 1 {
		t.Errorf("%d pulls are open and %d messages leased, want 0 and 1", pulls, leased)
	}
	if n := len(b.take(t, 3)); n != 3 {
		t.Errorf("%d messages", n)
	}
	b.send(t, "", "5", "6", "7")
	if batch, err := b.Receive(t.Context(), 2); len(batch) != 2 || err != nil {
		t.Errorf("%d messages at once, %v; want 2", len(batch), err)
	}
	if _, leased := b.waiting(t); leased != 6 {
		t.Errorf("%d messages are leased, want 6", leased)
	}
}

// No pull is left behind that would take a message to nobody.
func TestReceiveThatIsEndedTakesNothing(t *testing.T) {
	t.Parallel()
	b := benchOn(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := b.Receive(ctx, 10)
		done <- err
	}()
	settles(t, func() bool { pulls, _ := b.waiting(t); return pulls == 1 })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Receive = %v", err)
	}
	settles(t, func() bool { pulls, _ := b.waiting(t); return pulls == 0 })
	b.send(t, "", "a")
	if m := b.take(t, 1)[0]; m.ReceiveCount != 1 {
		t.Errorf("receive count %d, want 1", m.ReceiveCount)
	}
}

func TestMessageThatComesWhileTheReceiveEndsIsGivenBack(t *testing.T) {
	t.Parallel()
	b := benchOn(t, Options{})
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		go func() { b.send(t, "", "a"); cancel() }()
		batch, err := b.Receive(ctx, 1)
		if len(batch) == 0 && err == nil {
			t.Error("neither a message nor an error")
		}
		for _, m := range batch {
			must(t, b.Settle(t.Context(), m, delivered()))
		}
		<-ctx.Done()
	}
	b.background.Wait()
	for left := b.server.Left(t, "S"); left > 0; left-- { // under a lease of 30 s it would not come
		must(t, b.Settle(t.Context(), b.take(t, 1)[0], delivered()))
	}
}

func TestDelayIsKeptByTheServerOverItsRestart(t *testing.T) {
	t.Parallel()
	b := benchOn(t, Options{})
	b.send(t, "", "a")
	m := b.take(t, 1)[0]
	settled := time.Now()
	must(t, b.Settle(t.Context(), m, message.Outcome{Cause: message.Deferred, Delay: 4 * time.Second}))
	b.server.Restart(t)
	var again *message.Message
	settles(t, func() bool {
		batch, _ := b.Receive(t.Context(), 1) // fails while the connection is made anew
		if len(batch) > 0 {
			again = batch[0]
		}
		return again != nil
	})
	if again.ID != m.ID || again.Received.Sub(settled) < 3*time.Second { // the server keeps whole seconds over its restart
		t.Errorf("%s came back after %s, want %s after 4s, or little less", again.ID, again.Received.Sub(settled), m.ID)
	}
}

// JetStream agrees to renew and to settle what is no longer ours.
func TestLeaseThatIsOverByOurClockIsLostWithoutAsking(t *testing.T) {
	t.Parallel()
	b := benchOn(t, Options{}, func(c *jetstream.ConsumerConfig) { c.AckWait = time.Second })
	b.send(t, "", "a", "b")
	batch := b.take(t, 2)
	settles(t, func() bool { return !time.Now().Before(batch[1].Expires()) })
	calls := b.seen.Of("call " + api.OpExtend)
	for _, err := range b.Extend(t.Context(), batch) {
		if !errors.Is(err, receiver.ErrLeaseLost) {
			t.Errorf("Extend = %v", err)
		}
	}
	if n := b.seen.Of("call " + api.OpExtend); n != calls {
		t.Errorf("%d calls were made", n-calls)
	}
	if err := b.Settle(t.Context(), batch[0], message.Outcome{}); !errors.Is(err, receiver.ErrLeaseLost) || b.seen.Of("call "+api.OpNak) != 0 {
		t.Errorf("given back: %v, %d calls", err, b.seen.Of("call "+api.OpNak))
	}
	if err := b.Settle(t.Context(), batch[1], delivered()); !errors.Is(err, receiver.ErrLeaseLost) {
		t.Errorf("delivered: %v", err)
	}
}

func TestLeaseIsThatOfTheDelivery(t *testing.T) {
	t.Parallel()
	c := consumer{config: jetstream.ConsumerConfig{AckWait: 30 * time.Second}}
	if c.leaseOf(1) != 30*time.Second || (consumer{}).leaseOf(1) != receiver.FallbackLease {
		t.Errorf("lease %s", c.leaseOf(1))
	}
	c.config.BackOff = []time.Duration{time.Second, time.Minute}
	for n, want := range map[int]time.Duration{0: time.Second, 1: time.Second, 2: time.Minute, 3: time.Minute, 9: time.Minute} {
		if got := c.leaseOf(n); got != want {
			t.Errorf("delivery %d: %s, want %s", n, got, want)
		}
	}
}

func TestDeletedConsumerIsNotFound(t *testing.T) {
	t.Parallel()
	b := benchOn(t, Options{})
	done := make(chan error)
	go func() {
		_, err := b.Receive(context.Background(), 1)
		done <- err
	}()
	settles(t, func() bool { pulls, _ := b.waiting(t); return pulls == 1 })
	must(t, b.server.JS.DeleteConsumer(t.Context(), "S", "c"))
	if err := <-done; receiver.ClassOf(err) != receiver.NotFound {
		t.Errorf("Receive = %v of class %s", err, receiver.ClassOf(err))
	}
	if _, err := b.Receive(t.Context(), 1); receiver.ClassOf(err) != receiver.Network {
		t.Errorf("the next Receive = %v of class %s", err, receiver.ClassOf(err))
	}
}

func TestServerThatIsAwayIsNetwork(t *testing.T) {
	t.Parallel()
	b := benchOn(t, Options{})
	b.send(t, "", "a")
	m := b.take(t, 1)[0]
	b.server.Stop()
	settles(t, func() bool {
		_, err := b.Receive(t.Context(), 1)
		return receiver.ClassOf(err) == receiver.Network
	})
	if err := b.Settle(t.Context(), m, delivered()); receiver.ClassOf(err) != receiver.Network {
		t.Errorf("Settle = %v of class %s", err, receiver.ClassOf(err))
	}
	if err := b.Extend(t.Context(), []*message.Message{m})[0]; receiver.ClassOf(err) != receiver.Network {
		t.Errorf("Extend = %v of class %s", err, receiver.ClassOf(err))
	}
	if !b.seen.Warned("the connection to NATS was lost") {
		t.Errorf("warnings %q", b.seen.Warnings())
	}
}

func TestPinnedConsumerIsOrdered(t *testing.T) {
	t.Parallel()
	b := benchOn(t, Options{}, func(c *jetstream.ConsumerConfig) {
		c.PriorityPolicy, c.PriorityGroups, c.PinnedTTL = jetstream.PriorityPolicyPinned, []string{"carrier"}, 10*time.Second
	})
	b.send(t, "g", "1", "2", "3")
	for _, want := range []string{"1", "2", "3"} {
		m := b.take(t, 1)[0]
		if string(m.Body) != want || !m.Ordered {
			t.Errorf("%s, ordered %v; want %s", m.Body, m.Ordered, want)
		}
		must(t, b.Settle(t.Context(), m, delivered()))
	}
}
