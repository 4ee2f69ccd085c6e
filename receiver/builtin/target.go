package builtin

import (
	"fmt"
	"time"

	"go.uber.org/zap"

	"carrier/config"
	"carrier/publisher"
)

// An engine makes what puts messages into a queue of one kind.
type engine struct {
	// most is the most messages of one call, and calls the most calls open at once.
	most, calls int
	build       func(t config.Target, agent string, log *zap.Logger) publisher.Publisher
}

// A TargetObserver is told of a queue that messages go to, as publisher.TargetOptions says.
type TargetObserver struct {
	Changed func(up bool, cause error)
	Called  func(took time.Duration)
}

// NewTarget makes the queue that messages go to. It dials nothing. Its error names an engine that is
// not in this binary.
func NewTarget(t config.Target, agent string, log *zap.Logger, observer TargetObserver) (*publisher.Target, error) {
	e := map[string]*engine{config.SQS: sqsEngine(), config.PubSub: pubsubEngine(), config.NATS: natsEngine()}[t.To]
	if e == nil {
		return nil, fmt.Errorf("the %s publisher is not in this binary", t.To)
	}
	return publisher.NewTarget(publisher.TargetOptions{
		Publisher: e.build(t, agent, log), Most: e.most, Calls: e.calls, Changed: observer.Changed, Called: observer.Called,
	}), nil
}

func warnOf(log *zap.Logger) func(text string, err error) {
	return func(text string, err error) { log.Warn("forward: "+text, zap.Error(err)) }
}
