// Package tracing sends a span of each attempt to an OpenTelemetry collector, over OTLP/HTTP. What it
// needs for that is linked with the build tag otel alone; without it the package does nothing and
// says so.
package tracing

import (
	"go.uber.org/zap"

	"carrier/config/otel"
	"carrier/message"
)

// Options is what a Tracer is made of.
type Options struct {
	Settings otel.Settings
	// Version is carrier's own, a part of what the spans say of their process.
	Version string
	// Log is told when spans begin to be refused, and when that is over.
	Log *zap.Logger
}

// Attempts says of what the spans of one endpoint of a route are.
type Attempts struct {
	// Route is the route's name; empty where it has none.
	Route string
	// Receiver is the route's, as the configuration calls it; empty where messages of several come.
	Receiver string
	// Endpoint is where the messages are posted to, without user, password and query.
	Endpoint string
	// Attributes are those of m in which the producer's trace is looked for; nil means m.Attributes.
	Attributes func(m *message.Message) []message.Attribute
}

// Counts is what became of the spans since the start.
type Counts struct {
	// Sent were taken by the collector.
	Sent uint64
	// Overflowed were dropped since so many were waiting to be sent.
	Overflowed uint64
	// Refused could not be sent, or the collector did not take them.
	Refused uint64
}

// Warnings says why spans that s asks for are not sent; none where they are.
func Warnings(s otel.Settings) []string {
	switch {
	case !s.Enabled:
		return nil
	case !BuiltIn:
		return []string{"no spans are sent, though OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is set:" +
			" this build of carrier is without OpenTelemetry; one made with the build tag otel has it"}
	case s.Unusable != "":
		return []string{"no spans are sent: " + s.Unusable}
	default:
		return nil
	}
}
