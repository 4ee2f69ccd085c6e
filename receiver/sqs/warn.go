package sqs

import (
	"fmt"
	"sync"
	"time"

	"carrier/internal/recent"
	"carrier/receiver/sqs/api"
)

// damagedLimit is how many damaged messages are remembered, and damagedKept for how long.
const (
	damagedLimit = 1_000
	damagedKept  = 24 * time.Hour
)

// warnings remembers what was warned about: a condition that repeats is told once. It is safe for
// concurrent use.
type warnings struct {
	noGroup, noCount sync.Once

	mu      sync.Mutex
	damaged *recent.Set[struct{}]
}

// isFirst reports whether text is told of the message called id for the first time.
func (w *warnings) isFirst(id []byte, text string) bool {
	key := recent.KeyOf(string(id) + "\x00" + text)
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, told := w.damaged.Get(key); told {
		return false
	}
	w.damaged.Put(key, struct{}{})
	return true
}

// warnDamaged tells of a message that is damaged, once for each.
func (r *Receiver) warnDamaged(m *api.ReceivedMessage, err error) {
	if r.warned.isFirst(m.ID, err.Error()) {
		r.options.Warn(Warning{Text: "a damaged message is not delivered; it is hidden and tried again, at growing intervals", MessageID: string(m.ID), Err: err})
	}
}

// warnUnusual tells of what is missing in a message or damaged beside its body.
func (r *Receiver) warnUnusual(m *api.ReceivedMessage) {
	if r.queue.fifo && len(m.Group) == 0 {
		r.warned.noGroup.Do(func() {
			r.options.Warn(Warning{Text: "the server gives no MessageGroupId on a FIFO queue: messages without one are delivered one after another", MessageID: string(m.ID)})
		})
	}
	if m.ReceiveCount == 0 {
		r.warned.noCount.Do(func() {
			r.options.Warn(Warning{Text: "the server gives no ApproximateReceiveCount: the backoff does not grow, and CARRIER_RETRY_MAX_ATTEMPTS is never reached", MessageID: string(m.ID)})
		})
	}
	for _, a := range m.Attributes {
		if a.Damaged && r.warned.isFirst(m.ID, a.Name) {
			err := fmt.Errorf("attribute %s: its value is not valid base64", a.Name)
			r.options.Warn(Warning{Text: "a binary attribute is damaged: a dead letter would go without it", MessageID: string(m.ID), Err: err})
		}
	}
}
