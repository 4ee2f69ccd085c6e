package config

import "testing"

func TestSpansAreSentWhereAnEndpointIsSet(t *testing.T) {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	for name, c := range map[string]struct {
		env  map[string]string
		want OTel
	}{
		"none":                     {},
		"one for all signals":      {env: map[string]string{endpoint: "http://collector:4318"}, want: OTel{Enabled: true}},
		"one for spans":            {env: map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://collector/v1/traces"}, want: OTel{Enabled: true}},
		"spans turned off":         {env: map[string]string{endpoint: "http://collector:4318", "OTEL_TRACES_EXPORTER": "none"}},
		"the SDK turned off":       {env: map[string]string{endpoint: "http://collector:4318", "OTEL_SDK_DISABLED": "TRUE"}},
		"turned off, and no good":  {env: map[string]string{endpoint: "collector", "OTEL_SDK_DISABLED": "true"}},
		"the protocol that is had": {env: map[string]string{endpoint: "http://collector:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_TRACES_EXPORTER": "otlp"}, want: OTel{Enabled: true}},
		"another protocol": {
			env:  map[string]string{endpoint: "http://collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
			want: OTel{Enabled: true, Unusable: "OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf"},
		},
		"another protocol for spans": {
			env:  map[string]string{endpoint: "http://collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"},
			want: OTel{Enabled: true, Unusable: "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL must be http/protobuf"},
		},
		"another exporter": {
			env:  map[string]string{endpoint: "http://collector:4318", "OTEL_TRACES_EXPORTER": "zipkin"},
			want: OTel{Enabled: true, Unusable: "OTEL_TRACES_EXPORTER must be otlp or none"},
		},
		"an endpoint without a scheme": {
			env:  map[string]string{endpoint: "collector:4318"},
			want: OTel{Enabled: true, Unusable: endpoint + " must be a URL with http:// or https://"},
		},
		"an endpoint that is no URL": {
			env:  map[string]string{endpoint: "http://%zz"},
			want: OTel{Enabled: true, Unusable: endpoint + " must be a URL with http:// or https://"},
		},
		"an endpoint with a line break": {
			env:  map[string]string{endpoint: "http://collector:4318\n"},
			want: OTel{Enabled: true, Unusable: endpoint + " holds a line break"},
		},
		"headers of a file with a line break": {
			env:  map[string]string{endpoint: "http://collector:4318", "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=s3cret\n"},
			want: OTel{Enabled: true, Unusable: "OTEL_EXPORTER_OTLP_HEADERS holds a line break"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			got, _, faults := load(t, nil)
			if len(faults) != 0 || got.OTel != c.want {
				t.Errorf("%+v, faults %v; want %+v", got.OTel, faults, c.want)
			}
		})
	}
}
