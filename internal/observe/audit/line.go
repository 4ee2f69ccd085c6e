package audit

import (
	"errors"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"carrier/dispatch"
	"carrier/internal/contain"
	"carrier/message"
)

// line writes what e says of its message and of the outcome, and more.
func (a *Audit) line(level zapcore.Level, text string, e dispatch.Event, more ...zap.Field) {
	entry := a.log.Check(level, text)
	if entry == nil {
		return // most lines are about successes, and are not written at info
	}
	var fields []zap.Field
	if e.Message != nil {
		fields = about(e.Message)
	}
	fields = append(fields, outcome(e.Outcome)...)
	if e.Took > 0 && e.Kind == dispatch.Attempted {
		fields = append(fields, zap.Duration("took", e.Took))
	}
	if e.Err != nil {
		fields = append(fields, zap.Error(e.Err))
		var panicked *contain.Panic
		if errors.As(e.Err, &panicked) {
			fields = append(fields, zap.ByteString("stack", panicked.Stack))
		}
	}
	entry.Write(append(fields, more...)...)
}

// about names m. Its group and attributes are the producer's words and are left out.
func about(m *message.Message) []zap.Field {
	fields := []zap.Field{
		zap.String("message_id", m.ID),
		zap.Int("receive_count", m.ReceiveCount),
	}
	if !m.Sent.IsZero() {
		fields = append(fields, zap.Duration("age", m.Age().Round(time.Millisecond)))
	}
	if m.OriginalID != "" {
		fields = append(fields, zap.String("original_message_id", m.OriginalID))
	}
	return fields
}

func outcome(o message.Outcome) []zap.Field {
	var fields []zap.Field
	if o.Status != 0 {
		fields = append(fields, zap.Int("status", o.Status))
	}
	if o.Code != "" {
		fields = append(fields, zap.String("code", o.Code))
	}
	if o.Reason != "" {
		fields = append(fields, zap.String("reason", o.Reason))
	}
	if o.Verdict == message.Rejected {
		fields = append(fields, zap.String("action", o.Action.String()))
	}
	if o.Delay > 0 && !o.Ends() { // of one that ends, it is for a source that cannot do so
		fields = append(fields, zap.Duration("delay", o.Delay))
	}
	if o.TokenVerdict != message.NoToken {
		fields = append(fields, zap.String("verdict", o.TokenVerdict.String()), zap.Duration("held", o.Held))
	}
	return fields
}
