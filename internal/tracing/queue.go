//go:build otel

package tracing

import (
	"os"
	"strconv"
	"sync/atomic"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// A queue bounds the spans that wait, and counts those that find no place: the SDK drops them too, and
// tells nobody. It is the SDK's batch processor otherwise.
type queue struct {
	sdktrace.SpanProcessor
	most       int64
	waiting    atomic.Int64
	overflowed atomic.Uint64
}

func newQueue(to *exporter) *queue {
	q := &queue{most: int64(mostWaiting())}
	to.done = func(spans int) { q.waiting.Add(int64(-spans)) }
	q.SpanProcessor = sdktrace.NewBatchSpanProcessor(to, sdktrace.WithMaxQueueSize(int(q.most)))
	return q
}

// mostWaiting is OTEL_BSP_MAX_QUEUE_SIZE where that is a number above 0, as the SDK has it.
func mostWaiting() int {
	if n, err := strconv.Atoi(os.Getenv("OTEL_BSP_MAX_QUEUE_SIZE")); err == nil && n > 0 {
		return n
	}
	return sdktrace.DefaultMaxQueueSize
}

// OnEnd has s sent, unless as many as are allowed are waiting already.
func (q *queue) OnEnd(s sdktrace.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	if q.waiting.Add(1) > q.most {
		q.waiting.Add(-1)
		q.overflowed.Add(1)
		return
	}
	q.SpanProcessor.OnEnd(s)
}
