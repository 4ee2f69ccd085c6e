package nats

import "carrier/receiver"

// CountsReceives reports whether the consumer has a max_deliver, which counts deliveries. It is called
// after Open.
func (r *Receiver) CountsReceives() bool { return r.consumer.config.MaxDeliver > 0 }

// Facts is what Open has learned of the consumer.
func (r *Receiver) Facts() []receiver.Fact {
	c := r.consumer
	facts := []receiver.Fact{
		{Name: "stream", Value: c.stream}, {Name: "consumer", Value: c.name}, {Name: "server", Value: r.client.Conn.ConnectedUrlRedacted()},
		{Name: "lease", Value: c.leaseOf(1)}, {Name: "ordered", Value: c.ordered},
	}
	if c.config.MaxDeliver > 0 {
		facts = append(facts, receiver.Fact{Name: "redrive_after", Value: c.config.MaxDeliver})
	}
	if r.options.DeadLetterSubject != "" {
		facts = append(facts, receiver.Fact{Name: "dead_letter_subject", Value: r.options.DeadLetterSubject})
	}
	return facts
}
