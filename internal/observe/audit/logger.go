// Package audit writes the log: what became of each message, and what changed.
package audit

import (
	"io"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// NewLogger returns a logger that writes lines of JSON to w, or coloured text for people.
// level is debug, info, warn or error; anything else counts as info. No line is left out
// for being like others: what repeats is not logged in the first place.
func NewLogger(w io.Writer, level string, colorized bool) *zap.Logger {
	least, err := zapcore.ParseLevel(level)
	if err != nil {
		least = zapcore.InfoLevel
	}
	layout := zap.NewProductionEncoderConfig()
	layout.TimeKey = "time"
	layout.EncodeTime = zapcore.TimeEncoderOfLayout(timeLayout)
	layout.EncodeDuration = zapcore.StringDurationEncoder
	encoder := zapcore.NewJSONEncoder(layout)
	if colorized {
		layout.EncodeLevel = zapcore.CapitalColorLevelEncoder
		encoder = zapcore.NewConsoleEncoder(layout)
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(w)), least))
}
