package main

import "time"

// An order is what a request asks for, of whichever operation.
type order struct {
	limit   int           // MaxNumberOfMessages
	wait    time.Duration // WaitTimeSeconds
	lease   time.Duration // VisibilityTimeout of a receive
	entries []orderEntry  // of a batch; one for a single form
}

type orderEntry struct {
	id      []byte
	handle  []byte
	timeout time.Duration
}

// parse reads a request into o, which is overwritten. lease is what counts where the
// request asks for none.
func (o *order) parse(body []byte, lease time.Duration) {
	*o = order{limit: 1, lease: lease, entries: o.entries[:0]}
	s := scanner{body}
	for {
		name, value, ok := s.next()
		if !ok {
			return
		}
		switch string(name) {
		case "MaxNumberOfMessages":
			o.limit = min(max(number(value), 1), 10)
		case "WaitTimeSeconds":
			o.wait = time.Duration(number(value)) * time.Second
		case "VisibilityTimeout":
			o.timeout(time.Duration(number(value)) * time.Second)
		case "Id":
			o.entry(func(e *orderEntry) bool { return e.id == nil }).id = value
		case "ReceiptHandle":
			o.entry(func(e *orderEntry) bool { return e.handle == nil }).handle = value
		}
	}
}

// timeout belongs to the entry before it, or to the whole request where there is none.
// The SDK writes an entry's timeout last.
func (o *order) timeout(d time.Duration) {
	o.lease = d
	if len(o.entries) > 0 {
		o.entries[len(o.entries)-1].timeout = d
	}
}

// entry returns the last entry where it still lacks what is to be set, else a new one.
func (o *order) entry(lacks func(*orderEntry) bool) *orderEntry {
	if n := len(o.entries); n > 0 && lacks(&o.entries[n-1]) {
		return &o.entries[n-1]
	}
	o.entries = append(o.entries, orderEntry{})
	return &o.entries[len(o.entries)-1]
}
