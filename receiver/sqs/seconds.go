package sqs

import (
	"time"

	"carrier/receiver"
)

// capMargin is how far leases stay from SQS's twelve hours: it counts from its own moment of the
// receive, and refuses a longer lease where it could shorten it.
const capMargin = time.Minute

// wholeSeconds rounds d up to the whole seconds that SQS takes, between none and twelve hours.
func wholeSeconds(d time.Duration) int32 { return receiver.WholeSeconds(d, maxVisibility) }

// within returns the visibility timeout of d, rounded up, that ends by limit; it is 0 where no
// whole second is left.
func within(d time.Duration, now, limit time.Time) int32 {
	left := max(limit.Sub(now), 0)
	return min(wholeSeconds(d), int32(min(left, maxVisibility)/time.Second))
}
