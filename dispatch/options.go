package dispatch

import (
	"time"

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
	// Concurrency is the most messages the worker holds at once; at least 1.
	Concurrency int
	// Batch is the most messages asked for in one receive; at least 1.
	Batch int
	// Receivers is the most receives open at once; zero means as many as the pace of the work is
	// worth, 32 at most.
	Receivers int
	// Prefetch is how many messages may wait in flight beside those the worker holds; Auto means as
	// many as the worker finishes during one receive.
	Prefetch int
	// DrainTimeout is how long work in flight may go on after the stop.
	DrainTimeout time.Duration
	// Observe is told of every event, from many goroutines, and must not block. Nil means nobody
	// is.
	Observe func(Event)
}

func (o Options) withDefaults() Options {
	o.Concurrency = max(o.Concurrency, 1)
	o.Batch = max(o.Batch, 1)
	if o.Observe == nil {
		o.Observe = func(Event) {}
	}
	return o
}
