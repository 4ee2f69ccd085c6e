package dispatch

import (
	"time"

	"carrier/dispatch/share"
	"carrier/message"

	"carrier/dispatch/demand"

	"carrier/receiver"
	"carrier/transmitter"
)

// Auto lets the dispatcher choose how many messages to receive ahead.
const Auto = demand.Auto

// Options is what a Dispatcher is made of.
type Options struct {
	// Receiver and Transmitter are the two ends. Neither is closed by the dispatcher.
	Receiver    receiver.Receiver
	Transmitter transmitter.Transmitter
	// Concurrency is how many slots the worker has: the most messages it holds at once, or the most
	// batches of them; at least 1.
	Concurrency int
	// PerSlot is the most messages handed over at once, in one slot. Where it is above 1 Transmitter
	// is a transmitter.Batcher; where that is none, and for zero, it is 1. Messages that are not
	// ordered share a slot with whatever else waits for one; of a group those do that follow each other.
	PerSlot int
	// Batch is the most messages asked for in one receive; at least 1.
	Batch int
	// Receivers is the most receives open at once; zero means as many as the pace of the work is
	// worth, 32 at most.
	Receivers int
	// Prefetch is how many messages may wait in flight beside those the worker holds; Auto means as
	// many as the worker finishes during one receive.
	Prefetch int
	// Share is this dispatcher's part in a worker that several dispatchers share; nil where it has
	// one of its own. It belongs to one dispatcher.
	Share *share.Member
	// DrainTimeout is how long work in flight may go on after the stop.
	DrainTimeout time.Duration
	// DeferHold says how long a deferral may be that is parked: waited for in flight, under the
	// lease and off the worker's slot, at most ten for each slot. Longer ones, and all of them where
	// it is zero, go back to the source. It is asked at each deferral, and is safe for concurrent
	// use; nil means zero. A failure's delay is never parked; that of a 429 is.
	DeferHold func() time.Duration
	// Observe is told of every event, from many goroutines, and must not block. Nil means nobody
	// is.
	Observe func(Event)
}

func (o Options) withDefaults() Options {
	o.Concurrency = max(o.Concurrency, 1)
	o.Batch = max(o.Batch, 1)
	o.PerSlot = max(o.PerSlot, 1)
	if _, can := o.Transmitter.(transmitter.Batcher); !can {
		o.PerSlot = 1
	}
	if o.DeferHold == nil {
		o.DeferHold = func() time.Duration { return 0 }
	}
	if o.Observe == nil {
		o.Observe = func(Event) {}
	}
	return o
}

// extended tells of a renewal of m's lease, and how it failed.
func (o Options) extended(m *message.Message, err error) {
	o.Observe(Event{Kind: Extended, Message: m, Err: err})
}

// sourceChanged tells that the source fails, or with nil that it does no longer.
func (o Options) sourceChanged(failure error) {
	if failure == nil {
		o.Observe(Event{Kind: SourceUp})
		return
	}
	o.Observe(Event{Kind: SourceDown, Err: failure})
}
