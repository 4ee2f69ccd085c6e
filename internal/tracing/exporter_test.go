//go:build otel

package tracing

import (
	"context"
	"errors"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// answers is an exporter that returns one error after the other.
type answers struct{ errs []error }

func (a *answers) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error {
	err := a.errs[0]
	a.errs = a.errs[1:]
	return err
}

func (*answers) Shutdown(context.Context) error { return nil }

func TestARefusalIsLoggedWhenItBeginsAndWhenItEnds(t *testing.T) {
	core, logged := observer.New(zap.InfoLevel)
	refused := errors.New("failed to send to http://user:s3cret@collector:4318/v1/traces?key=s3cret: 401 Unauthorized")
	over := 0
	e := &exporter{
		next: &answers{errs: []error{nil, refused, refused, nil, nil, refused}}, log: zap.New(core),
		done: func(spans int) { over += spans },
	}
	for range 6 {
		if err := e.ExportSpans(t.Context(), make([]sdktrace.ReadOnlySpan, 2)); err != nil {
			t.Errorf("the SDK is told of %v, and would log it each time", err)
		}
	}
	var said []string
	for _, line := range logged.All() {
		said = append(said, line.Message)
		if text, _ := line.ContextMap()["error"].(string); strings.Contains(text, "s3cret") || line.Level == zap.WarnLevel && text == "" {
			t.Errorf("the error is said as %q", text)
		}
	}
	const cannot, again = "spans cannot be sent, they are dropped until that is over", "spans are sent again"
	if got, want := strings.Join(said, "; "), strings.Join([]string{cannot, again, cannot}, "; "); got != want {
		t.Errorf("the log says %q, want %q", got, want)
	}
	if e.sent.Load() != 6 || e.refused.Load() != 6 || over != 12 {
		t.Errorf("%d sent, %d refused, %d over, want 6, 6, 12", e.sent.Load(), e.refused.Load(), over)
	}
}
