package trail

import (
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// The words of Event, and the outcome that FailuresOnly leaves out.
const (
	attempted = "attempt"
	settled   = "settled"
	delivered = "delivered"
)

// An Attempt is one POST, or one hand-over to a consumer, and what came of it. Time is when it was
// over. Outcome is one of the words that settlements are counted by.
type Attempt struct {
	Time         time.Time `json:"time"`
	Event        string    `json:"event"`
	Route        string    `json:"route"`
	MessageID    string    `json:"message_id"`
	Attempt      int       `json:"attempt"`
	ReceiveCount int       `json:"receive_count"`
	Endpoint     string    `json:"endpoint"`
	Status       int       `json:"status"`
	TookMS       int64     `json:"took_ms"`
	Outcome      string    `json:"outcome"`
	DelayMS      int64     `json:"delay_ms"`
	Reason       string    `json:"reason"`
}

func (a *Attempt) entry() zapcore.Entry { return zapcore.Entry{Time: a.Time, Message: a.Event} }

func (a *Attempt) fields() []zapcore.Field {
	return []zapcore.Field{
		zap.String("route", a.Route), zap.String("message_id", a.MessageID),
		zap.Int("attempt", a.Attempt), zap.Int("receive_count", a.ReceiveCount),
		zap.String("endpoint", a.Endpoint), zap.Int("status", a.Status), zap.Int64("took_ms", a.TookMS),
		zap.String("outcome", a.Outcome), zap.Int64("delay_ms", a.DelayMS), zap.String("reason", a.Reason),
	}
}

// A Settlement is the end of one message in flight. OK says that the source agreed. Verdict is the word
// that a webhook worker gave by token, or "none" where it promised one and gave none, and HeldMS how long
// it had the message; both are absent where the worker's answer was its word.
type Settlement struct {
	Time      time.Time `json:"time"`
	Event     string    `json:"event"`
	Route     string    `json:"route"`
	MessageID string    `json:"message_id"`
	Outcome   string    `json:"outcome"`
	Attempts  int       `json:"attempts"`
	AgeMS     int64     `json:"age_ms"`
	SettleMS  int64     `json:"settle_ms"`
	OK        bool      `json:"ok"`
	Verdict   string    `json:"verdict,omitempty"`
	HeldMS    int64     `json:"held_ms,omitempty"`
}

func (s *Settlement) entry() zapcore.Entry { return zapcore.Entry{Time: s.Time, Message: s.Event} }

func (s *Settlement) fields() []zapcore.Field {
	all := []zapcore.Field{
		zap.String("route", s.Route), zap.String("message_id", s.MessageID), zap.String("outcome", s.Outcome),
		zap.Int("attempts", s.Attempts), zap.Int64("age_ms", s.AgeMS), zap.Int64("settle_ms", s.SettleMS), zap.Bool("ok", s.OK),
	}
	if s.Verdict != "" {
		all = append(all, zap.String("verdict", s.Verdict))
	}
	if s.HeldMS != 0 {
		all = append(all, zap.Int64("held_ms", s.HeldMS))
	}
	return all
}

// newEncoder makes lines of JSON as the structs' tags say; a test holds the two together.
func newEncoder() zapcore.Encoder {
	return zapcore.NewJSONEncoder(zapcore.EncoderConfig{
		TimeKey: "time", MessageKey: "event", EncodeTime: zapcore.RFC3339NanoTimeEncoder,
	})
}

// Outcomes are the words that the outcome of a record may be.
func Outcomes() []string {
	return []string{delivered, "deferred", "failed", "rejected", "returned", lost}
}
