package webhook

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// longestDelay is the most a worker can ask for. It is far more than any source allows,
// and still a time.Duration that can be added to a date.
const longestDelay = 100 * 365 * 24 * time.Hour

var errRetryAfter = errors.New("Retry-After is neither a count of seconds nor a date")

// parseRetryAfter reads the value of a Retry-After header (RFC 9110, section 10.2.3): a
// count of seconds or a date in one of the three forms of section 5.6.7. A date that
// has passed is no delay.
func parseRetryAfter(value string, now time.Time) (time.Duration, error) {
	value = strings.Trim(value, " \t")
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil {
		return delayOf(seconds), nil
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0, errRetryAfter
	}
	return min(max(date.Sub(now), 0), longestDelay), nil
}

func delayOf(seconds uint64) time.Duration {
	if seconds > uint64(longestDelay/time.Second) {
		return longestDelay
	}
	return time.Duration(seconds) * time.Second
}
