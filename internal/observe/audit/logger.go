// Package audit writes the log: what became of each message, and what changed.
package audit

import (
	"fmt"
	"io"
	"slices"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"carrier/internal/redact"
)

const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// NewLogger returns a logger that writes lines of JSON to w, or coloured text for people.
// level is debug, info, warn or error; anything else counts as info. Durations are numbers of
// seconds. Texts are cut at 1 KiB, and the secret parts of URLs in them are hidden. No line is
// left out for being like others: what repeats is not logged in the first place.
func NewLogger(w io.Writer, level string, colorized bool) *zap.Logger {
	least, err := zapcore.ParseLevel(level)
	if err != nil {
		least = zapcore.InfoLevel
	}
	layout := zap.NewProductionEncoderConfig()
	layout.TimeKey = "time"
	layout.EncodeTime = zapcore.TimeEncoderOfLayout(timeLayout)
	layout.EncodeDuration = zapcore.SecondsDurationEncoder
	encoder := zapcore.NewJSONEncoder(layout)
	if colorized {
		layout.EncodeLevel = zapcore.CapitalColorLevelEncoder
		encoder = zapcore.NewConsoleEncoder(layout)
	}
	return zap.New(cleanCore{Core: zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(w)), least)})
}

// A cleanCore makes the texts of each line short and harmless before they are written.
type cleanCore struct {
	zapcore.Core
	// with is on every line, before the line's own fields. The Core is not told of it: it would keep
	// a buffer of 1 KiB for that, once for each route.
	with []zapcore.Field
}

// With adds fields to every line.
func (c cleanCore) With(fields []zapcore.Field) zapcore.Core {
	return cleanCore{c.Core, slices.Concat(c.with, cleanFields(fields))}
}

// Check says whether e is written.
func (c cleanCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

// Write writes one line.
func (c cleanCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	e.Message = redact.Text(e.Message)
	return c.Core.Write(e, slices.Concat(c.with, cleanFields(fields)))
}

func cleanFields(fields []zapcore.Field) []zapcore.Field {
	clean := make([]zapcore.Field, len(fields))
	for i, f := range fields {
		switch f.Type {
		case zapcore.StringType:
			f.String = redact.Text(f.String)
		case zapcore.ErrorType, zapcore.StringerType:
			f = zap.String(f.Key, redact.Text(fmt.Sprint(f.Interface)))
		}
		clean[i] = f
	}
	return clean
}
