// Package delay reads how long a worker says that something is to take.
package delay

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Longest is the most a worker can ask for. It is far more than any source allows,
// and still a time.Duration that can be added to a date.
const Longest = 100 * 365 * 24 * time.Hour

var (
	errRetryAfter  = errors.New("Retry-After is neither a count of seconds nor a date")
	errRetryAfters = errors.New("Retry-After comes with two different values")
)

// RetryAfter reads the values of Retry-After headers (RFC 9110, section 10.2.3): a count of seconds
// or a date in one of the three forms of section 5.6.7. A value that is repeated counts once. Zero, or
// a date that has passed, names no delay.
func RetryAfter(values []string, now time.Time) (time.Duration, error) {
	value := strings.Trim(values[0], " \t")
	for _, other := range values[1:] {
		if strings.Trim(other, " \t") != value {
			return 0, errRetryAfters
		}
	}
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil {
		return delayOf(seconds), nil
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0, errRetryAfter
	}
	return min(max(date.Sub(now), 0), Longest), nil
}

func delayOf(seconds uint64) time.Duration {
	if seconds > uint64(Longest/time.Second) {
		return Longest
	}
	return time.Duration(seconds) * time.Second
}
