package receiver

import "time"

// WholeSeconds rounds d up to the whole seconds that sources count leases and delays in; it is at
// least 0 and at most most, which is itself a number of whole seconds.
func WholeSeconds(d, most time.Duration) int32 {
	d = min(max(d, 0), most)
	return int32((d + time.Second - 1) / time.Second) //nolint:gosec // no source knows a lease of 68 years
}
