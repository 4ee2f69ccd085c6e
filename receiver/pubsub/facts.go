package pubsub

import "carrier/receiver"

// Facts is what Open has learned of the subscription.
func (r *Receiver) Facts() []receiver.Fact {
	s := r.subscription
	facts := []receiver.Fact{{Name: "subscription", Value: s.path}, {Name: "endpoint", Value: r.client.Host()}, {Name: "lease", Value: s.lease}}
	if policy := s.known.GetDeadLetterPolicy(); policy.GetDeadLetterTopic() != "" {
		facts = append(facts, receiver.Fact{Name: "redrive_topic", Value: policy.GetDeadLetterTopic()},
			receiver.Fact{Name: "redrive_after", Value: int(policy.GetMaxDeliveryAttempts())})
	}
	if r.client.topic != "" {
		facts = append(facts, receiver.Fact{Name: "dead_letter_topic", Value: r.client.topic})
	}
	return facts
}
