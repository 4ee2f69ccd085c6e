package nats_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"carrier/internal/testkit/natstest"
	"carrier/message"
	"carrier/publisher"
	publishernats "carrier/publisher/nats"
	"carrier/publisher/publishertest"
	"carrier/receiver"
	receivernats "carrier/receiver/nats"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A queue is a stream with one consumer, c.
type queue struct {
	server *natstest.Server
	proxy  *natstest.Proxy // between the publisher and the server
	stream string
}

// Stored receives and acknowledges what the stream holds, as carrier's receiver gives it.
func (q queue) Stored(t *testing.T) []*message.Message {
	t.Helper()
	r := receivernats.New(receivernats.Options{URL: q.server.URL, Stream: q.stream, Consumer: "c"})
	must(t, r.Open(t.Context()))
	var all []*message.Message
	for q.server.Left(t, q.stream) > 0 {
		batch, err := r.Receive(t.Context(), 100)
		must(t, err)
		for _, m := range batch {
			must(t, r.Settle(t.Context(), m, message.Outcome{Verdict: message.Delivered}))
		}
		all = append(all, batch...)
	}
	must(t, r.Close())
	return all
}

// make makes a stream with a consumer, and a publisher over a proxy.
func openOn(t *testing.T, s *natstest.Server, stream string) (publisher.Publisher, publishertest.Queue) {
	t.Helper()
	s.Stream(t, stream)
	s.Consumer(t, stream, "c")
	proxy := natstest.NewProxy(t, s)
	p := publishernats.New(publishernats.Options{URL: proxy.URL, Subject: stream + ".x"})
	t.Cleanup(func() { must(t, p.Close()) })
	must(t, p.Open(t.Context()))
	return p, queue{s, proxy, stream}
}

func TestStreamKeepsThePromises(t *testing.T) {
	s := natstest.Start(t).Connect(t)
	var made atomic.Int32
	limit := func(t *testing.T, q publishertest.Queue, change func(*jetstream.StreamConfig)) {
		t.Helper()
		name := q.(queue).stream
		stream, err := s.JS.Stream(t.Context(), name)
		must(t, err)
		config := stream.CachedInfo().Config
		change(&config)
		_, err = s.JS.UpdateStream(t.Context(), config)
		must(t, err)
	}
	publishertest.Run(t, publishertest.Harness{
		Open: func(t *testing.T) (publisher.Publisher, publishertest.Queue) {
			return openOn(t, s, fmt.Sprint("S", made.Add(1)))
		},
		Group: true,
		Bad: map[string]message.Attribute{
			"no name": {Value: "v"}, "a header of NATS": {Name: "Nats-Msg-Id", Value: "v"}, "a header of NATS in small letters": {Name: "nats-expected-stream", Value: "v"},
			"a name with a colon": {Name: "a:b", Value: "v"}, "a name with a blank": {Name: "a b", Value: "v"}, "our own header": {Name: "Carrier-Group-Id", Value: "v"},
			"two lines": {Name: "a", Value: "v\r\nb: c"}, "a blank at the end": {Name: "a", Value: "v "},
		},
		Faults: map[publishertest.Fault]func(*testing.T, publishertest.Queue){
			publishertest.AnswerLost: func(_ *testing.T, q publishertest.Queue) { q.(queue).proxy.Deafen(true) },
			publishertest.PartlyRefused: func(t *testing.T, q publishertest.Queue) {
				limit(t, q, func(c *jetstream.StreamConfig) { c.MaxMsgSize = publishertest.PartlyRefusedBody })
			},
			publishertest.Away: func(_ *testing.T, q publishertest.Queue) { q.(queue).proxy.Close() },
		},
	})
}

func TestFullStreamRefusesForNow(t *testing.T) {
	s := natstest.Start(t).Connect(t)
	s.Stream(t, "S", func(c *jetstream.StreamConfig) { c.MaxMsgs, c.Discard = 1, jetstream.DiscardNew })
	p := publishernats.New(publishernats.Options{URL: s.URL, Subject: "S.x"})
	must(t, p.Open(t.Context()))
	defer func() { must(t, p.Close()) }()
	group := func(body string) *message.Message { return &message.Message{Body: []byte(body), Group: "g"} }
	results := p.Publish(t.Context(), []*message.Message{group("a"), group("b"), group("c")})
	if results[0].Err != nil || results[0].ID != "S:1" {
		t.Errorf("the first: %+v", results[0])
	}
	for _, r := range results[1:] {
		if !publisher.IsRefused(r.Err) || publisher.IsPermanent(r.Err) {
			t.Errorf("result = %+v, want a refusal for now", r)
		}
	}
}

func TestSecondMessageOfAKeyIsADuplicate(t *testing.T) {
	s := natstest.Start(t).Connect(t)
	s.Stream(t, "S")
	p := publishernats.New(publishernats.Options{URL: s.URL, Subject: "S.x"})
	must(t, p.Open(t.Context()))
	defer func() { must(t, p.Close()) }()
	for n, want := range []publisher.Result{{ID: "S:1"}, {ID: "S:1", Duplicate: true}} {
		if r := p.Publish(t.Context(), []*message.Message{{Key: "k"}})[0]; r != want {
			t.Errorf("result %d = %+v, want %+v", n, r, want)
		}
	}
}

func TestSubjectIsLookedForWhenThePublisherIsOpened(t *testing.T) {
	s := natstest.Start(t).Connect(t)
	s.Stream(t, "S", func(c *jetstream.StreamConfig) { c.MaxMsgSize = 500 })
	for name, c := range map[string]struct {
		url, subject string
		class        receiver.Class
	}{
		"a stream takes it":    {s.URL, "S.x", ""},
		"no stream takes it":   {s.URL, "other", receiver.NotFound},
		"nobody listens there": {"nats://127.0.0.1:1", "S.x", receiver.Network},
	} {
		t.Run(name, func(t *testing.T) {
			p := publishernats.New(publishernats.Options{URL: c.url, Subject: c.subject})
			err := p.Open(t.Context())
			if (err == nil) != (c.class == "") || err != nil && receiver.ClassOf(err) != c.class {
				t.Errorf("Open = %v of class %s, want %s", err, receiver.ClassOf(err), c.class)
			}
			if err == nil && p.Limits().Bytes != 500 {
				t.Errorf("limits = %+v", p.Limits())
			}
			must(t, p.Close())
		})
	}
}

// An empty message with such a header looks to NATS clients like an answer of the server.
func TestEmptyMessageThatLooksLikeAnAnswerIsRefused(t *testing.T) {
	s := natstest.Start(t).Connect(t)
	s.Stream(t, "S")
	p := publishernats.New(publishernats.Options{URL: s.URL, Subject: "S.x"})
	must(t, p.Open(t.Context()))
	defer func() { must(t, p.Close()) }()
	for body, refused := range map[string]bool{"": true, "a": false} {
		m := &message.Message{Body: []byte(body), Attributes: []message.Attribute{{Name: "Status", Value: "404"}}}
		if r := p.Publish(t.Context(), []*message.Message{m})[0]; publisher.IsPermanent(r.Err) != refused {
			t.Errorf("body %q: %+v", body, r)
		}
	}
}

func TestStreamThatIsGoneIsRefusedForNow(t *testing.T) {
	s := natstest.Start(t).Connect(t)
	s.Stream(t, "S")
	p := publishernats.New(publishernats.Options{URL: s.URL, Subject: "S.x"})
	must(t, p.Open(t.Context()))
	defer func() { must(t, p.Close()) }()
	must(t, s.JS.DeleteStream(t.Context(), "S"))
	if r := p.Publish(t.Context(), []*message.Message{{Body: []byte("a")}})[0]; !publisher.IsRefused(r.Err) || publisher.IsPermanent(r.Err) {
		t.Errorf("result = %+v, want a refusal for now", r)
	}
}
