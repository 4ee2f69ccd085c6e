package receiver

import (
	"testing"
	"time"
)

func TestSecondsAreRoundedUpWithinTheirLimit(t *testing.T) {
	for d, want := range map[time.Duration]int32{
		0: 0, -time.Second: 0, 1: 1, time.Second: 1, 1500 * time.Millisecond: 2, time.Minute: 60, 2 * time.Minute: 60, 1<<63 - 1: 60,
	} {
		if got := WholeSeconds(d, time.Minute); got != want {
			t.Errorf("WholeSeconds(%v) = %d, want %d", d, got, want)
		}
	}
}
