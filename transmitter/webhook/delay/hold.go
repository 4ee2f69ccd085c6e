package delay

import (
	"errors"
	"strings"
	"time"
)

// LongestHold is the most time that a worker may ask for to settle a message by its token.
const LongestHold = 12 * time.Hour

var errHold = errors.New("X-Carrier-Hold is no duration such as 15m")

// Hold reads the values of X-Carrier-Hold. One that is repeated counts once.
func Hold(values []string) (time.Duration, error) {
	value := strings.Trim(values[0], " \t")
	for _, other := range values[1:] {
		if strings.Trim(other, " \t") != value {
			return 0, errHold
		}
	}
	hold, err := time.ParseDuration(value)
	if err != nil || hold <= 0 {
		return 0, errHold
	}
	return hold, nil
}
