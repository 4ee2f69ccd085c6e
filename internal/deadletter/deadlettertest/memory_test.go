package deadlettertest_test

import (
	"testing"
	"testing/synctest"

	"carrier/internal/deadletter"
	"carrier/internal/deadletter/deadlettertest"
)

func TestMemoryKeepsThePromises(t *testing.T) {
	deadlettertest.Run(t, deadlettertest.Harness{
		Open: func(*testing.T) (deadletter.Store, deadlettertest.Place) {
			m := new(deadlettertest.Memory)
			return m, m
		},
		Places: true, Groups: true, Timed: true,
		Run: func(t *testing.T, promise func(*testing.T)) { synctest.Test(t, promise) },
	})
}
