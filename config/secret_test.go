package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"carrier/config/observe"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func TestSecretDoesNotPrintItself(t *testing.T) {
	const word = "hunter2"
	s := NewSecret(word)
	hidden := struct{ s Secret }{s}
	type shown struct{ S Secret }
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
		for _, value := range []any{s, &s, hidden, &hidden, shown{s}, []Secret{s}, map[string]Secret{"k": s}} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
	}
	text, err := json.Marshal(map[string]any{"s": s, "p": &s, "h": hidden, "c": Config{Admin: observe.Admin{Token: s}}})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	logger := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(&out), zap.DebugLevel))
	logger.Info("m", zap.Any("a", s), zap.Stringer("b", s), zap.Any("c", shown{s}), zap.Reflect("d", hidden))
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "a", s, "b", shown{s})
	if strings.Contains(out.String(), word) || strings.Contains(out.String(), fmt.Sprintf("%x", word)) {
		t.Errorf("the secret is printed:\n%s", out.String())
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(verb, s); got != "REDACTED" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
	if s.Reveal() != word {
		t.Errorf("reveals %q", s.Reveal())
	}
	if got := fmt.Sprint(Secret{}); got != "" {
		t.Errorf("no secret prints %q", got)
	}
}
