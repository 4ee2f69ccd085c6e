package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// signalTimeout is how long after a drain that /drain asked for the signal may take to come. A
// carrier that nobody stops then is taken for forgotten: it does nothing any more.
const signalTimeout = 10 * time.Minute

// A drain ends the receiving once, for whoever asks first, and knows when it was over. It is safe
// for concurrent use.
type drain struct {
	log   *zap.Logger
	begin func() // refuses producers and ends the receiving
	once  sync.Once
	over  chan struct{} // closed by finish
	ended atomic.Int64  // when finish was called, in Unix nanoseconds; 0 before
}

func newDrain(log *zap.Logger, begin func()) *drain {
	return &drain{log: log, begin: begin, over: make(chan struct{})}
}

// start begins the drain, unless it has begun, and logs who asked for it.
func (d *drain) start(by string) {
	d.once.Do(func() {
		d.begin()
		d.log.Info("stopping, no message is received from here on", zap.String("cause", by))
	})
}

// request begins the drain for a client of the admin port, and waits until it is over or ctx ends.
func (d *drain) request(ctx context.Context, from string) error {
	d.start("/drain from " + from)
	select {
	case <-d.over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// finish says that the drain is over. It is called once.
func (d *drain) finish() {
	d.ended.Store(time.Now().UnixNano())
	close(d.over)
}

// live returns an error when the drain has been over for so long that the program should have got
// its signal.
func (d *drain) live() error {
	ended := d.ended.Load()
	if ended == 0 || time.Since(time.Unix(0, ended)) < signalTimeout {
		return nil
	}
	return fmt.Errorf("drained, and no signal has come within %v", signalTimeout)
}
