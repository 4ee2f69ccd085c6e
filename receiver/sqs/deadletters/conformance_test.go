package deadletters

import (
	"testing"

	"carrier/internal/deadletter/deadlettertest"
)

func TestStandardQueueThatSQSMovesKeepsThePromises(t *testing.T) {
	deadlettertest.Run(t, harness("", true))
}

func TestStandardQueueMovedLetterByLetterKeepsThePromises(t *testing.T) {
	deadlettertest.Run(t, harness("", false))
}

func TestFIFOQueueThatSQSMovesKeepsThePromises(t *testing.T) {
	deadlettertest.Run(t, harness(".fifo", true))
}

func TestFIFOQueueMovedLetterByLetterKeepsThePromises(t *testing.T) {
	deadlettertest.Run(t, harness(".fifo", false))
}
