package pubsub

import (
	"sync"
	"time"

	"carrier/internal/recent"
)

// remembered is how many messages, and how many ordering keys, are remembered.
const remembered = 10_000

// deliveryCounts remembers the messages seen last: how often each came, since Pub/Sub counts only
// for subscriptions with a dead-letter policy, and which were acknowledged. A message that was
// forgotten begins at one again. It is safe for concurrent use.
type deliveryCounts struct {
	mu   sync.Mutex
	byID *recent.Set[deliveries]
}

// deliveries is what is known of one message.
type deliveries struct {
	count        int
	first        time.Time
	acknowledged bool
}

func newDeliveryCounts(limit int) *deliveryCounts {
	return &deliveryCounts{byID: recent.New[deliveries](limit, 0)}
}

// note counts one more hand-out of id, and returns what is known of it. One that was acknowledged
// begins anew: it may be a replay that somebody asked for.
func (c *deliveryCounts) note(id string, now time.Time) deliveries {
	key := recent.KeyOf(id)
	c.mu.Lock()
	defer c.mu.Unlock()
	known, ok := c.byID.Get(key)
	replayed := known.acknowledged
	if !ok || replayed {
		known = deliveries{first: now}
	}
	known.count++
	c.byID.Put(key, known)
	known.acknowledged = replayed
	return known
}

// acknowledge notes that Pub/Sub has agreed to the end of id.
func (c *deliveryCounts) acknowledge(id string) {
	key := recent.KeyOf(id)
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.byID.Get(key); ok {
		known.acknowledged = true
		c.byID.Put(key, known)
	}
}
