package config

import (
	"net/url"
	"os"
	"strings"

	"carrier/config/values"
)

// OTel is what the environment says about sending spans. The variables are those of OpenTelemetry's
// specification, which its SDK reads by itself; here stands what carrier decides by. A value that
// cannot be used is a warning and never a fault: in many clusters somebody else sets these variables
// for every container, and messages do not wait for spans.
type OTel struct {
	// Enabled reports whether spans are asked for: an endpoint is set, and nothing turns them off.
	Enabled bool
	// Unusable says which variable keeps spans from being sent, and why; empty where none does. It
	// holds no value of a variable.
	Unusable string
}

// otelVariables are those that decide whether spans are sent. The first of a pair that is set counts.
const (
	otelTracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	otelEndpoint       = "OTEL_EXPORTER_OTLP_ENDPOINT"
	otelTracesProtocol = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
	otelProtocol       = "OTEL_EXPORTER_OTLP_PROTOCOL"
	otelExporter       = "OTEL_TRACES_EXPORTER"
	otelDisabled       = "OTEL_SDK_DISABLED"
)

func readOTel() OTel {
	endpoint := firstSet(otelTracesEndpoint, otelEndpoint)
	if endpoint == "" || strings.EqualFold(os.Getenv(otelDisabled), "true") || os.Getenv(otelExporter) == "none" {
		return OTel{}
	}
	return OTel{Enabled: true, Unusable: unusableOTel(endpoint)}
}

// unusableOTel looks at the variables with which no span would ever arrive.
func unusableOTel(endpoint string) string {
	for _, name := range []string{endpoint, otelTracesProtocol, otelProtocol, otelExporter, "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"} {
		if what := values.Stray(os.Getenv(name), name == endpoint); what != "" {
			return name + " " + what
		}
	}
	u, err := url.Parse(os.Getenv(endpoint))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return endpoint + " must be a URL with http:// or https://"
	}
	if name := firstSet(otelTracesProtocol, otelProtocol); name != "" && os.Getenv(name) != "http/protobuf" {
		return name + " must be http/protobuf"
	}
	if exporter := os.Getenv(otelExporter); exporter != "" && exporter != "otlp" {
		return otelExporter + " must be otlp or none"
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
