package deadletters

import (
	"context"
	"strings"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	gonats "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"carrier/internal/deadletter"
	"carrier/internal/deadletter/deadlettertest"
	"carrier/internal/testkit/natstest"
	"carrier/message"
	publisher "carrier/publisher/nats"
	"carrier/receiver"
	"carrier/receiver/nats"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A bench is a store over a server of its own: the consumer c of the stream S, whose dead letters go
// to D.x in the stream D.
type bench struct {
	*Store
	server  *natstest.Server
	options nats.Options
	dead    *publisher.Publisher
}

// shape is what is special about a bench's streams.
type shape struct {
	source, dead func(*jetstream.StreamConfig)
	consumer     func(*jetstream.ConsumerConfig)
}

func over(t *testing.T, s shape) bench {
	t.Helper()
	return benchWith(t, s, nil)
}

// benchWith is over on a server that change has altered: where it has users, the test is the user all,
// and the store the user few.
func benchWith(t *testing.T, s shape, change func(*natsserver.Options)) bench {
	t.Helper()
	b, of := bench{}, func(url, _ string) string { return url }
	if change == nil {
		b.server = natstest.Start(t).Connect(t)
	} else {
		b.server = natstest.Start(t, change).Connect(t, gonats.UserInfo("all", "x"))
		of = func(url, user string) string { return strings.Replace(url, "//", "//"+user+":x@", 1) }
	}
	b.server.Stream(t, "S", orNothing(s.source))
	b.server.Stream(t, "D", orNothing(s.dead))
	b.server.Consumer(t, "S", "c", orNothing(s.consumer))
	b.options = nats.Options{URL: of(b.server.URL, "few"), Stream: "S", Consumer: "c", DeadLetterSubject: "D.x", Ordered: true}
	var err error
	b.Store, err = Open(t.Context(), b.options)
	must(t, err)
	t.Cleanup(func() { must(t, b.Close()) })
	b.dead = publisher.Over(b.place.Client, "D.x", b.place.MaxBytes)
	return b
}

func orNothing[T any](change func(*T)) func(*T) {
	if change == nil {
		return func(*T) {}
	}
	return change
}

// Put publishes a dead letter, as carrier does, of a message that came to S.in.
func (b bench) Put(t *testing.T, m *message.Message) string {
	t.Helper()
	return b.putFrom(t, "S.in", m)
}

// putFrom is Put of a message that came to subject.
func (b bench) putFrom(t *testing.T, subject string, m *message.Message) string {
	t.Helper()
	letter := &message.Message{Body: m.Body, ContentType: m.ContentType, Group: m.Group, Key: "dead-letter:" + m.ID, Attributes: m.Attributes}
	if subject != "" {
		letter.Attributes = append(letter.Attributes[:len(letter.Attributes):len(letter.Attributes)], message.Attribute{Name: receiver.SubjectAttribute, Value: subject})
	}
	must(t, b.dead.Publish(t.Context(), []*message.Message{letter})[0].Err)
	info, err := b.place.Dead.Info(t.Context())
	must(t, err)
	l, err := b.get(t.Context(), info.State.LastSeq)
	must(t, err)
	return l.message.ID
}

// put puts letters of these bodies.
func (b bench) put(t *testing.T, bodies ...string) (ids []string) {
	t.Helper()
	for _, body := range bodies {
		ids = append(ids, b.Put(t, &message.Message{ID: "first-" + body, Body: []byte(body)}))
	}
	return ids
}

func (b bench) Left(t *testing.T) int { return b.server.Left(t, "D") }

func (b bench) Back(t *testing.T) (all []*message.Message) {
	t.Helper()
	r := nats.New(b.options)
	must(t, r.Open(t.Context()))
	defer func() { must(t, r.Close()) }()
	for b.server.Left(t, "S") > 0 {
		batch := take(t, r)
		for _, m := range batch {
			must(t, r.Settle(t.Context(), m, message.Outcome{Verdict: message.Delivered}))
		}
		all = append(all, batch...)
	}
	return all
}

func take(t *testing.T, r *nats.Receiver) []*message.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	batch, err := r.Receive(ctx, 10)
	must(t, err)
	return batch
}

// subjects are those of the messages in S, in order.
func (b bench) subjects(t *testing.T) (all []string) {
	t.Helper()
	stream, err := b.server.JS.Stream(t.Context(), "S")
	must(t, err)
	for n := range b.server.Left(t, "S") {
		m, err := stream.GetMsg(t.Context(), uint64(n+1))
		must(t, err)
		all = append(all, m.Subject)
	}
	return all
}

func harness(s shape) deadlettertest.Harness {
	return deadlettertest.Harness{
		Open: func(t *testing.T) (deadletter.Store, deadlettertest.Place) {
			b := over(t, s)
			return b.Store, b
		},
		Places: true, Groups: true,
	}
}

func TestStreamKeepsThePromises(t *testing.T) {
	t.Parallel()
	deadlettertest.Run(t, harness(shape{}))
}

func TestStreamThatIsReadDirectlyKeepsThePromises(t *testing.T) {
	t.Parallel()
	deadlettertest.Run(t, harness(shape{dead: func(c *jetstream.StreamConfig) { c.AllowDirect, c.Retention = true, jetstream.LimitsPolicy }}))
}

// TestStreamThatHoldsOtherMessagesKeepsThePromises puts a message of nobody's beside each letter.
func TestStreamThatHoldsOtherMessagesKeepsThePromises(t *testing.T) {
	t.Parallel()
	h := harness(shape{})
	h.Open = func(t *testing.T) (deadletter.Store, deadlettertest.Place) {
		b := over(t, shape{})
		return b.Store, &shared{bench: b}
	}
	deadlettertest.Run(t, h)
}

// shared is the place of a stream that holds other messages too.
type shared struct {
	bench
	others int
}

func (s *shared) Put(t *testing.T, m *message.Message) string {
	s.server.Publish(t, "D.other", "other", nil)
	s.others++
	return s.bench.Put(t, m)
}

func (s *shared) Left(t *testing.T) int { return s.bench.Left(t) - s.others }
