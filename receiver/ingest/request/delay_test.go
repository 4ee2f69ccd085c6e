package request

import (
	"net/http"
	"testing"
	"time"
)

func TestDelayIsSecondsOrADuration(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"0": 0, "30": 30 * time.Second, "86400": 24 * time.Hour, "1m30s": 90 * time.Second, "24h": 24 * time.Hour, "1.5s": 1500 * time.Millisecond,
	} {
		if got, p := duration(http.Header{"X-Carrier-Delay": {value}}, delayHeader, 0, MaxDelay); p != nil || got != want {
			t.Errorf("delay(%s) = %v, %+v; want %v", value, got, p, want)
		}
	}
}
