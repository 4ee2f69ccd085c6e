package otel_test

import (
	"testing"

	"carrier/config/otel"
)

func TestSpansAreSentWhereAnEndpointIsSet(t *testing.T) {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_SDK_DISABLED"} {
		t.Setenv(name, "") // who runs the tests may have some
	}
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	for name, c := range map[string]struct {
		env  map[string]string
		want otel.Settings
	}{
		"none":                     {},
		"one for all signals":      {env: map[string]string{endpoint: "http://collector:4318"}, want: otel.Settings{Enabled: true}},
		"one for spans":            {env: map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://collector/v1/traces"}, want: otel.Settings{Enabled: true}},
		"spans turned off":         {env: map[string]string{endpoint: "http://collector:4318", "OTEL_TRACES_EXPORTER": "none"}},
		"the SDK turned off":       {env: map[string]string{endpoint: "http://collector:4318", "OTEL_SDK_DISABLED": "TRUE"}},
		"turned off, and no good":  {env: map[string]string{endpoint: "collector", "OTEL_SDK_DISABLED": "true"}},
		"the protocol that is had": {env: map[string]string{endpoint: "http://collector:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_TRACES_EXPORTER": "otlp"}, want: otel.Settings{Enabled: true}},
		"another protocol": {
			env:  map[string]string{endpoint: "http://collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
			want: otel.Settings{Enabled: true, Unusable: "OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf"},
		},
		"another protocol for spans": {
			env:  map[string]string{endpoint: "http://collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"},
			want: otel.Settings{Enabled: true, Unusable: "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL must be http/protobuf"},
		},
		"another exporter": {
			env:  map[string]string{endpoint: "http://collector:4318", "OTEL_TRACES_EXPORTER": "zipkin"},
			want: otel.Settings{Enabled: true, Unusable: "OTEL_TRACES_EXPORTER must be otlp or none"},
		},
		"an endpoint without a scheme": {
			env:  map[string]string{endpoint: "collector:4318"},
			want: otel.Settings{Enabled: true, Unusable: endpoint + " must be a URL with http:// or https://"},
		},
		"an endpoint that is no URL": {
			env:  map[string]string{endpoint: "http://%zz"},
			want: otel.Settings{Enabled: true, Unusable: endpoint + " must be a URL with http:// or https://"},
		},
		"an endpoint with a line break": {
			env:  map[string]string{endpoint: "http://collector:4318\n"},
			want: otel.Settings{Enabled: true, Unusable: endpoint + " holds a line break"},
		},
		"headers of a file with a line break": {
			env:  map[string]string{endpoint: "http://collector:4318", "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=s3cret\n"},
			want: otel.Settings{Enabled: true, Unusable: "OTEL_EXPORTER_OTLP_HEADERS holds a line break"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			if got := otel.Read(); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}
