package audit

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
)

func TestTextsOfALineAreShortAndHarmless(t *testing.T) {
	const at = "https://u:hunter2@host/?hunter2"
	u, _ := url.Parse(at)
	long := strings.Repeat("ä", 1000)
	var out bytes.Buffer
	NewLogger(&out, "debug", false).With(zap.String("with", at)).Warn("going to "+at,
		zap.String("text", at+" "+long), zap.Error(fmt.Errorf("get %q: %w", at, errors.New(long))), zap.Stringer("stringer", u), zap.NamedError("none", nil))
	lines := parsed(t, &out)
	if len(lines) != 1 || strings.Contains(fmt.Sprint(lines), "hunter2") {
		t.Fatalf("lines %v", lines)
	}
	for key, prefix := range map[string]string{
		"msg": "going to https://REDACTED@host/?REDACTED", "text": "https://REDACTED@host/?REDACTED ", "with": "https://REDACTED",
		"error": `get "https://REDACTED@host/?REDACTED": `, "stringer": "https://REDACTED",
	} {
		text := fmt.Sprint(lines[0][key])
		if !strings.HasPrefix(text, prefix) || len(text) > 1024 {
			t.Errorf("%s has %d bytes: %.80s", key, len(text), text)
		}
	}
	if text := fmt.Sprint(lines[0]["text"]); !strings.HasSuffix(text, "ä...") || len(text) < 1022 {
		t.Errorf("cut to %d bytes, %q", len(text), text[len(text)-8:])
	}
}

func TestDurationsAreNumbersOfSeconds(t *testing.T) {
	var out bytes.Buffer
	NewLogger(&out, "info", false).Info("a", zap.Duration("took", 1500*time.Millisecond))
	if got := parsed(t, &out)[0]["took"]; got != 1.5 {
		t.Errorf("took %v", got)
	}
}
