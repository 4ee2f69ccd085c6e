// Package otel reads what the environment says about sending spans: variables of OpenTelemetry's
// specification.
package otel

import (
	"net/url"
	"os"
	"strings"

	"carrier/config/values"
)

// Settings is what carrier decides by; the SDK reads all variables itself. A value that cannot be used
// is a warning and never a fault: in many clusters somebody else sets these variables for every
// container, and messages do not wait for spans.
type Settings struct {
	// Enabled reports whether spans are asked for: an endpoint is set, and nothing turns them off.
	Enabled bool
	// Unusable says which variable keeps spans from being sent, and why; empty where none does. It
	// holds no value of a variable.
	Unusable string
}

// The variables that decide whether spans are sent. Of a pair the one for traces counts first.
const (
	tracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	endpointOfAll  = "OTEL_EXPORTER_OTLP_ENDPOINT"
	tracesProtocol = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
	protocolOfAll  = "OTEL_EXPORTER_OTLP_PROTOCOL"
	tracesExporter = "OTEL_TRACES_EXPORTER"
	disabled       = "OTEL_SDK_DISABLED"
)

// Read reads the process's environment. An empty variable counts as one that is not set.
func Read() Settings {
	endpoint := firstSet(tracesEndpoint, endpointOfAll)
	if endpoint == "" || strings.EqualFold(os.Getenv(disabled), "true") || os.Getenv(tracesExporter) == "none" {
		return Settings{}
	}
	return Settings{Enabled: true, Unusable: unusable(endpoint)}
}

// unusable looks at the variables with which no span would ever arrive.
func unusable(endpoint string) string {
	for _, name := range []string{endpoint, tracesProtocol, protocolOfAll, tracesExporter, "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"} {
		if what := values.Stray(os.Getenv(name), name == endpoint); what != "" {
			return name + " " + what
		}
	}
	u, err := url.Parse(os.Getenv(endpoint))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return endpoint + " must be a URL with http:// or https://"
	}
	if name := firstSet(tracesProtocol, protocolOfAll); name != "" && os.Getenv(name) != "http/protobuf" {
		return name + " must be http/protobuf"
	}
	if exporter := os.Getenv(tracesExporter); exporter != "" && exporter != "otlp" {
		return tracesExporter + " must be otlp or none"
	}
	return ""
}

// firstSet is the first of names that is set and not empty; "" where none is.
func firstSet(names ...string) string {
	for _, name := range names {
		if os.Getenv(name) != "" {
			return name
		}
	}
	return ""
}
