//go:build !otel

package tracing

import (
	"context"

	"carrier/transmitter"
)

// BuiltIn reports whether this binary can send spans.
const BuiltIn = false

// A Tracer sends spans; this binary has none.
type Tracer struct{}

// Open returns nil: Warnings says why no span is sent.
func Open(Options) (*Tracer, error) { return nil, nil }

// Spans returns nothing to wrap around an endpoint.
func (*Tracer) Spans(Attempts) []transmitter.Middleware { return nil }

// Counts is never called.
func (*Tracer) Counts() Counts { return Counts{} }

// Close does nothing.
func (*Tracer) Close(context.Context) {}
