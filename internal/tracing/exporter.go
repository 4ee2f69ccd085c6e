//go:build otel

package tracing

import (
	"context"
	"sync/atomic"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/zap"

	"carrier/internal/redact"
)

// An exporter sends batches of spans, counts what became of them, and logs when that changes. The
// batch processor makes one call at a time.
type exporter struct {
	next          sdktrace.SpanExporter
	log           *zap.Logger
	done          func(spans int) // told of each batch once it is over
	sent, refused atomic.Uint64
	failing       bool
}

// ExportSpans sends batch. It returns no error, which the SDK would log for each batch anew.
func (e *exporter) ExportSpans(ctx context.Context, batch []sdktrace.ReadOnlySpan) error {
	err := e.next.ExportSpans(ctx, batch)
	defer e.done(len(batch))
	if err == nil {
		e.sent.Add(uint64(len(batch)))
		if e.failing {
			e.failing = false
			e.log.Info("spans are sent again")
		}
		return nil
	}
	e.refused.Add(uint64(len(batch)))
	if !e.failing {
		e.failing = true
		e.log.Warn("spans cannot be sent, they are dropped until that is over", zap.String("error", redact.Text(err.Error())))
	}
	return nil
}

// Shutdown does nothing: stop follows it, also where the batch processor did not come to calling this.
func (e *exporter) Shutdown(context.Context) error { return nil }

// stop ends a call under way, also where ctx has ended.
func (e *exporter) stop(ctx context.Context) { _ = e.next.Shutdown(ctx) }
