package sqs

import "carrier/receiver"

// Facts is what Open has learned of the queue.
func (r *Receiver) Facts() []receiver.Fact {
	q := r.queue
	facts := []receiver.Fact{{Name: "queue", Value: q.url}, {Name: "region", Value: r.client.Region()}, {Name: "lease", Value: q.lease}}
	if q.deadLetter.url != "" {
		facts = append(facts, receiver.Fact{Name: "dead_letter_queue", Value: q.deadLetter.url})
	}
	if q.policy.Target != "" {
		facts = append(facts, receiver.Fact{Name: "redrive_after", Value: q.policy.Receives})
	}
	return facts
}
