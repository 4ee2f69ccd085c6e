// Package confirmed remembers which idempotency keys a queue elsewhere has confirmed, so that a message
// that is sent again is answered as before, whether or not the queue knows keys or is there.
package confirmed

import (
	"context"
	"errors"
	"sync"
	"time"

	"carrier/internal/recent"
)

// How many keys are remembered, at some 150 bytes each, and for how long.
const (
	limit = 50_000
	keep  = 10 * time.Minute
)

// ErrReused means that the key belongs to another body.
var ErrReused = errors.New("the key was used for another body")

// Keys are those that were confirmed last. They are safe for concurrent use.
type Keys struct {
	wait time.Duration

	mu    sync.Mutex
	known *recent.Set[answer]
	open  map[recent.Key]chan struct{} // closed when the claim ends
}

type answer struct {
	id   string
	body recent.Key
}

// New returns Keys that know none. A message waits so long for another one of its key.
func New(wait time.Duration) *Keys {
	return &Keys{wait: wait, known: recent.New[answer](limit, keep), open: map[recent.Key]chan struct{}{}}
}

// A Claim is the right to store the message of a key. Others with the key wait for its End.
type Claim struct {
	keys *Keys
	key  recent.Key
	body recent.Key
	done chan struct{}
}

// Claim returns the id that the queue has given the message of key, or else a claim, which ends
// with End. It waits while another has the claim of key, for a time; then err is that of a context.
// ErrReused means that the message of key has another body. No key is known to anybody, and its
// claim is nil.
func (k *Keys) Claim(ctx context.Context, key string, body []byte) (id string, c *Claim, err error) {
	if key == "" {
		return "", nil, nil
	}
	c = &Claim{keys: k, key: recent.KeyOf(key), body: recent.KeyOf(string(body))}
	known, found, other := k.claim(c)
	if other != nil {
		waiting, cancel := context.WithTimeout(ctx, k.wait)
		defer cancel()
		for other != nil {
			select {
			case <-other:
			case <-waiting.Done():
				return "", nil, waiting.Err()
			}
			known, found, other = k.claim(c)
		}
	}
	switch {
	case found && known.body != c.body:
		return "", nil, ErrReused
	case found:
		return known.id, nil, nil
	}
	return "", c, nil
}

// claim gives c its key, unless the key is known or another has it.
func (k *Keys) claim(c *Claim) (known answer, found bool, other <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if known, found = k.known.Get(c.key); found {
		return known, true, nil
	}
	if open, taken := k.open[c.key]; taken {
		return answer{}, false, open
	}
	c.done = make(chan struct{})
	k.open[c.key] = c.done
	return answer{}, false, nil
}

// End lets others go on. With an id the queue has confirmed the message; it is empty where it has not.
func (c *Claim) End(id string) {
	if c == nil {
		return
	}
	k := c.keys
	k.mu.Lock()
	defer k.mu.Unlock()
	if id != "" {
		k.known.Put(c.key, answer{id, c.body})
	}
	delete(k.open, c.key)
	close(c.done)
}
