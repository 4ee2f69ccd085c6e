//go:build otel

package tracing

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-logr/logr/funcr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"carrier/internal/redact"
)

// BuiltIn reports whether this binary can send spans.
const BuiltIn = true

// A Tracer makes spans and sends them. No method but Close waits for the collector, and all are safe
// for concurrent use. A nil Tracer makes none.
type Tracer struct {
	tracer   trace.Tracer
	queue    *queue
	exporter *exporter
	log      *zap.Logger
}

// Open makes a Tracer by the variables of the OpenTelemetry SDK; nil where no spans are asked for, or
// where one of the variables cannot be used. It connects to nothing. It sets where the SDK's own
// complaints go, for the whole process.
func Open(o Options) (*Tracer, error) {
	if !o.Settings.Enabled || o.Settings.Unusable != "" {
		return nil, nil
	}
	complainTo(o.Log)
	of, err := processOf(o.Version)
	if err != nil {
		return nil, err
	}
	client, err := otlptracehttp.New(context.Background())
	if err != nil {
		return nil, fmt.Errorf("open the exporter of spans: %s", redact.Text(err.Error()))
	}
	t := &Tracer{log: o.Log, exporter: &exporter{next: client, log: o.Log}}
	t.queue = newQueue(t.exporter)
	provider := sdktrace.NewTracerProvider(sdktrace.WithResource(of), sdktrace.WithSpanProcessor(t.queue))
	t.tracer = provider.Tracer("carrier", trace.WithInstrumentationVersion(o.Version))
	return t, nil
}

// processOf is what spans say of the process: carrier and its version, and OTEL_SERVICE_NAME and
// OTEL_RESOURCE_ATTRIBUTES, which win.
func processOf(version string) (*resource.Resource, error) {
	of, err := resource.New(context.Background(),
		resource.WithAttributes(semconv.ServiceName("carrier"), semconv.ServiceVersion(version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("read OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return of, nil
}

// complainTo has the SDK log what it finds wrong, such as a variable that is no number. It would write
// to stderr.
func complainTo(log *zap.Logger) {
	warn := func(text string) { log.Warn("OpenTelemetry: " + redact.Text(text)) }
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { warn(err.Error()) }))
	otel.SetLogger(funcr.New(func(_, args string) { warn(args) }, funcr.Options{}))
}

// Counts is what became of the spans so far.
func (t *Tracer) Counts() Counts {
	return Counts{Sent: t.exporter.sent.Load(), Overflowed: t.queue.overflowed.Load(), Refused: t.exporter.refused.Load()}
}

// Close sends what is waiting, until ctx ends at the latest. What is not sent by then counts as refused
// and is logged.
func (t *Tracer) Close(ctx context.Context) {
	if t == nil {
		return
	}
	// Not by the provider, which does nothing where ctx has ended already. What is not sent is still
	// waiting.
	_ = t.queue.Shutdown(ctx)
	t.exporter.stop(ctx)
	if left := t.queue.waiting.Load(); left > 0 {
		t.exporter.refused.Add(uint64(left))
		t.log.Warn("spans were not sent before the end", zap.Int64("spans", left))
	}
}
