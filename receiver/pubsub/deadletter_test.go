package pubsub

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"carrier/message"
	"carrier/receiver"
)

const deadTopic = "projects/p/topics/dead"

// withDeadLetters runs f in a bubble with a receiver that publishes to deadTopic.
func withDeadLetters(t *testing.T, f func(t *testing.T, b bench)) {
	t.Helper()
	fake := pstest.NewServer()
	synctest.Test(t, func(t *testing.T) {
		b := benchOn(t, fake, Options{DeadLetterTopic: "dead"}, &pubsubpb.Subscription{EnableMessageOrdering: true})
		_, err := fake.GServer.CreateTopic(t.Context(), &pubsubpb.Topic{Name: deadTopic})
		must(t, err)
		must(t, b.Open(t.Context()))
		f(t, b)
	})
	must(t, fake.Close())
}

// copies lists what is in the dead-letter topic.
func (b bench) copies() []*pstest.Message {
	var dead []*pstest.Message
	for _, m := range b.fake.Messages() {
		if m.Topic == deadTopic {
			dead = append(dead, m)
		}
	}
	return dead
}

func dead() message.Outcome {
	return message.Outcome{
		Verdict: message.Rejected, Action: message.DeadLetter, Status: 422, Reason: "the worker said 422",
		Endpoint: "http://worker/hook", Attempted: time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC),
	}
}

func TestDeadLetterCarriesWhatTheMessageWasAndWhy(t *testing.T) {
	withDeadLetters(t, func(t *testing.T, b bench) {
		_, err := b.sub.Publish(&pubsubpb.PubsubMessage{Data: []byte("a\x00b"), OrderingKey: "k", Attributes: map[string]string{
			"Kind": "ü", "Carrier.Reason": "of an earlier death", "googclient_schemaencoding": "JSON",
		}})
		must(t, err)
		m := b.take(t, 1)[0]
		must(t, b.Settle(t.Context(), m, dead()))
		copies := b.copies()
		if len(copies) != 1 || b.sub.Left(t, 0) != 0 {
			t.Fatalf("%d copies, %d originals left", len(copies), b.sub.Left(t, 0))
		}
		want := map[string]string{
			"Kind": "ü", "Carrier.MessageId": m.ID, "Carrier.Reason": "the worker said 422", "Carrier.Status": "422", "Carrier.Attempts": "1",
			"Carrier.Endpoint": "http://worker/hook", "Carrier.LastAttempt": "2026-11-28T09:00:00Z",
		}
		c := copies[0]
		delete(c.Attributes, "Carrier.FirstReceived") // the bubble's time
		if string(c.Data) != "a\x00b" || c.OrderingKey != "k" || !maps.Equal(c.Attributes, want) {
			t.Errorf("the copy is %q of %q with %v", c.Data, c.OrderingKey, c.Attributes)
		}
	})
}

func TestOriginalStaysUntilItsCopyIsThere(t *testing.T) {
	withDeadLetters(t, func(t *testing.T, b bench) {
		b.send(t, 1, "")
		m := b.take(t, 1)[0]
		b.api.on(failing("Publish", status.Error(codes.Unavailable, "away")))
		if err := b.Settle(t.Context(), m, dead()); receiver.ClassOf(err) != receiver.Network || b.sub.Left(t, 0) != 1 {
			t.Errorf("without a copy: %v, %d left", err, b.sub.Left(t, 0))
		}
		b.api.on(failing("Acknowledge", status.Error(codes.Unavailable, "away")))
		if err := b.Settle(t.Context(), m, dead()); receiver.ClassOf(err) != receiver.Network || !errors.Is(err, receiver.ErrNotRemoved) || len(b.copies()) != 1 {
			t.Errorf("without an acknowledgement: %v, %d copies", err, len(b.copies()))
		}
		b.api.on(nil)
		must(t, b.Settle(t.Context(), m, dead()))
		if len(b.copies()) != 1 || b.sub.Left(t, 0) != 0 {
			t.Errorf("%d copies, %d left", len(b.copies()), b.sub.Left(t, 0))
		}
	})
}

func TestDeadLetterThatIsRefusedGoesWithoutItsReason(t *testing.T) {
	withDeadLetters(t, func(t *testing.T, b bench) {
		b.send(t, 1, "")
		b.api.on(func(in any) (any, error) {
			if p, ok := in.(*pubsubpb.PublishRequest); ok && len(p.GetMessages()[0].GetAttributes()) > 0 {
				return nil, status.Error(codes.InvalidArgument, "too large")
			}
			return nil, nil
		})
		must(t, b.Settle(t.Context(), b.take(t, 1)[0], dead()))
		if len(b.copies()) != 1 || b.sub.Left(t, 0) != 0 || !b.seen.Warned("it is sent without them") {
			t.Errorf("%d copies, %d left, warnings %q", len(b.copies()), b.sub.Left(t, 0), b.seen.Warnings())
		}
	})
}

func TestWithoutATopicThereIsNoPlaceForDeadLetters(t *testing.T) {
	bubble(t, Options{}, nil, func(t *testing.T, b bench) {
		b.send(t, 1, "")
		if err := b.Settle(t.Context(), b.take(t, 1)[0], dead()); !errors.Is(err, receiver.ErrNoDeadLetter) || b.sub.Left(t, 0) != 1 {
			t.Errorf("Settle = %v, %d left", err, b.sub.Left(t, 0))
		}
	})
}

func TestTopicIsLookedForWhenTheReceiverIsOpened(t *testing.T) {
	for name, c := range map[string]struct {
		topic  string
		answer func(any) (any, error)
		class  receiver.Class // empty where Open succeeds
		says   string         // of the check
	}{
		"it is there":                {deadTopic, nil, "", "ok what carrier rejects goes to projects/p/topics/dead"},
		"it is not":                  {"other", nil, receiver.NotFound, "fail dead letters: dead-letter topic projects/p/topics/other: get_topic"},
		"it may not be read":         {"dead", failing("GetTopic", status.Error(codes.PermissionDenied, "no")), "", "warn the topic may not be read"},
		"its server is away":         {"dead", failing("GetTopic", status.Error(codes.Unavailable, "no")), receiver.Network, "fail dead letters"},
		"it is neither name nor all": {"topics/dead", nil, receiver.Invalid, "fail dead letters"},
	} {
		t.Run(name, func(t *testing.T) {
			fake := pstest.NewServer()
			synctest.Test(t, func(t *testing.T) {
				b := benchOn(t, fake, Options{DeadLetterTopic: c.topic}, nil)
				_, err := fake.GServer.CreateTopic(t.Context(), &pubsubpb.Topic{Name: deadTopic})
				must(t, err)
				b.api.on(c.answer)
				err = b.Open(t.Context())
				if (err == nil) != (c.class == "") || err != nil && receiver.ClassOf(err) != c.class {
					t.Errorf("Open = %v", err)
				}
				var report strings.Builder
				for _, f := range b.Check(t.Context(), 0) {
					fmt.Fprintf(&report, "%s %s\n", f.Level, f.Text)
				}
				if !strings.Contains("\n"+report.String(), "\n"+c.says) {
					t.Errorf("no line %q in\n%s", c.says, report.String())
				}
			})
			must(t, fake.Close())
		})
	}
}
