package stream

import "sync"

// An inbox is what a table tells a stream of. Its methods are safe for concurrent use, and block for
// nothing.
type inbox struct {
	some chan struct{} // receives when there is something to do; holds one

	mu     sync.Mutex
	mine   string // see ignore
	ends   []end
	agreed []agreement
}

// An end is that of a message that was handed over.
type end struct {
	token string
	lost  bool // without a verdict
}

// An agreement is the source's to a verdict, or err.
type agreement struct {
	token string
	err   error
}

func newInbox() *inbox { return &inbox{some: make(chan struct{}, 1)} }

// ring wakes whoever waits for some.
func (i *inbox) ring() {
	select {
	case i.some <- struct{}{}:
	default:
	}
}

// Handed is told that there is a message.
func (i *inbox) Handed() { i.ring() }

// ignore has the end of that message not be told of: it is the stream's own verdict.
func (i *inbox) ignore(token string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.mine = token
}

// Ended is told of the end of a message.
func (i *inbox) Ended(token string, lost bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !lost && token == i.mine {
		return
	}
	i.ends = append(i.ends, end{token, lost})
	i.ring()
}

// Agreed is told what the source says to a verdict.
func (i *inbox) Agreed(token string, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.agreed = append(i.agreed, agreement{token, err})
	i.ring()
}

// take exchanges what has come for empty room.
func (i *inbox) take(ends []end, agreed []agreement) ([]end, []agreement) {
	i.mu.Lock()
	defer i.mu.Unlock()
	ends, i.ends = i.ends, ends[:0]
	agreed, i.agreed = i.agreed, agreed[:0]
	return ends, agreed
}
