package pubsub

import (
	"testing"
	"testing/synctest"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"

	"carrier/message"
)

// converted returns what a receiver of a subscription with policy makes of raw.
func converted(policy *pubsubpb.DeadLetterPolicy, raw *pubsubpb.ReceivedMessage) *message.Message {
	r := New(Options{})
	r.subscription = subscription{known: &pubsubpb.Subscription{DeadLetterPolicy: policy}, own: minLease, lease: minLease}
	return r.convert(raw)
}

func TestTheLastDeliverySaysWhereTheMessageGoes(t *testing.T) {
	five := &pubsubpb.DeadLetterPolicy{DeadLetterTopic: deadTopic, MaxDeliveryAttempts: 5}
	for name, c := range map[string]struct {
		policy  *pubsubpb.DeadLetterPolicy
		attempt int32
		want    string
	}{
		"the first":                 {five, 1, ""},
		"the one before":            {five, 4, ""},
		"the last":                  {five, 5, deadTopic},
		"later, since it is a hint": {five, 6, deadTopic},
		"nobody counts":             {nil, 0, ""},
		"nobody knows the policy":   {nil, 5, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := converted(c.policy, &pubsubpb.ReceivedMessage{DeliveryAttempt: c.attempt, Message: &pubsubpb.PubsubMessage{MessageId: "1"}})
			if m.RedriveTo != c.want {
				t.Errorf("RedriveTo = %q, want %q", m.RedriveTo, c.want)
			}
		})
	}
}

func TestADeadLetterPolicyCountsReceives(t *testing.T) {
	r := New(Options{})
	if r.CountsReceives() {
		t.Error("receives are counted where nobody knows of a policy")
	}
	r.subscription.known = &pubsubpb.Subscription{DeadLetterPolicy: &pubsubpb.DeadLetterPolicy{MaxDeliveryAttempts: 5}}
	if !r.CountsReceives() {
		t.Error("receives are not counted with a policy")
	}
}

func TestADeadLetterThatComesBackKnowsItsOriginalID(t *testing.T) {
	fake := pstest.NewServer()
	synctest.Test(t, func(t *testing.T) {
		b := benchOn(t, fake, Options{}, nil)
		must(t, b.Open(t.Context()))
		_, err := b.sub.Publish(&pubsubpb.PubsubMessage{Data: []byte("a"), Attributes: map[string]string{"Carrier.MessageId": "before"}})
		must(t, err)
		if m := b.take(t, 1)[0]; m.OriginalID != "before" || m.ID == "before" || len(m.Attributes) != 0 {
			t.Errorf("id %q, original id %q, attributes %v; want before as the original one", m.ID, m.OriginalID, m.Attributes)
		}
	})
	must(t, fake.Close())
}
