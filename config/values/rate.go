package values

import (
	"errors"
	"strconv"
	"strings"
)

// A Rate is a number of messages in a time. The zero Rate is no limit.
type Rate struct {
	count int
	unit  string
}

// Decode reads a whole number above zero, a slash and s, m or h; envconfig calls it.
func (r *Rate) Decode(value string) error {
	if value == "" {
		*r = Rate{}
		return nil
	}
	count, unit, _ := strings.Cut(value, "/")
	n, err := strconv.ParseUint(count, 10, 31)
	if err != nil || n == 0 || seconds(unit) == 0 {
		return errors.New("no rate")
	}
	*r = Rate{int(n), unit}
	return nil
}

// PerSecond is how many messages that is in a second; zero where there is no limit.
func (r Rate) PerSecond() float64 {
	if r.count == 0 {
		return 0
	}
	return float64(r.count) / seconds(r.unit)
}

func seconds(unit string) float64 {
	switch unit {
	case "s":
		return 1
	case "m":
		return 60
	case "h":
		return 3600
	}
	return 0
}

// String is what Decode reads.
func (r Rate) String() string {
	if r.count == 0 {
		return ""
	}
	return strconv.Itoa(r.count) + "/" + r.unit
}
