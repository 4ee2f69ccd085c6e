package tracing_test

import (
	"strings"
	"testing"

	"carrier/config/otel"
	"carrier/internal/tracing"
)

// TestWhoGetsNoSpansIsToldWhy holds for the build with OpenTelemetry and for the one without.
func TestWhoGetsNoSpansIsToldWhy(t *testing.T) {
	const unusable = "OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf"
	sent, broken := "the build tag otel", "the build tag otel"
	if tracing.BuiltIn {
		sent, broken = "", unusable
	}
	for name, c := range map[string]struct {
		settings otel.Settings
		says     string // "": no warning
	}{
		"nobody asks for spans":     {},
		"spans are asked for":       {settings: otel.Settings{Enabled: true}, says: sent},
		"a variable cannot be used": {settings: otel.Settings{Enabled: true, Unusable: unusable}, says: broken},
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(tracing.Warnings(c.settings), "; ")
			if (got == "") != (c.says == "") || !strings.Contains(got, c.says) {
				t.Errorf("warnings %q, want one with %q", got, c.says)
			}
		})
	}
}
