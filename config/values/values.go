package values

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// Auto is the Prefetch that lets carrier choose.
const Auto Prefetch = -1

const maxPrefetch = 10000

// A Prefetch is a number of messages, or Auto.
type Prefetch int

// Decode reads "auto" or a number; envconfig calls it.
func (p *Prefetch) Decode(value string) error {
	if strings.EqualFold(value, "auto") {
		*p = Auto
		return nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > maxPrefetch {
		return errors.New("neither auto nor a number in range")
	}
	*p = Prefetch(n)
	return nil
}

// String is what Decode reads.
func (p Prefetch) String() string {
	if p == Auto {
		return "auto"
	}
	return strconv.Itoa(int(p))
}

// A List is what is written between commas, blanks around each item left out.
type List []string

// Decode takes the list apart; envconfig calls it. An item may be empty: the rules say what is wrong
// with it.
func (l *List) Decode(value string) error {
	*l = nil
	for item := range strings.SplitSeq(value, ",") {
		*l = append(*l, strings.TrimSpace(item))
	}
	return nil
}

// String is what Decode reads.
func (l List) String() string { return strings.Join(l, ",") }

// Durations are what is written between commas, blanks around each left out.
type Durations []time.Duration

// Decode reads them; envconfig calls it.
func (d *Durations) Decode(value string) error {
	*d = nil
	if value == "" {
		return nil
	}
	for item := range strings.SplitSeq(value, ",") {
		one, err := time.ParseDuration(strings.TrimSpace(item))
		if err != nil {
			return err
		}
		*d = append(*d, one)
	}
	return nil
}

// String is what Decode reads.
func (d Durations) String() string {
	var all []string
	for _, one := range d {
		all = append(all, Short(one))
	}
	return strings.Join(all, ",")
}

// A Size is a number of bytes.
type Size int64

// Decode reads a whole number with one of the units B, KiB, MiB, GiB, KB, MB, GB
// (the last three decimal), or without any for bytes; envconfig calls it.
func (s *Size) Decode(value string) error {
	digits := strings.TrimRight(value, "BGKMi")
	unit, known := bytesIn(strings.TrimPrefix(value, digits))
	if !known {
		return errors.New("unknown unit")
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		return err
	}
	if n > math.MaxInt64/uint64(unit) {
		return errors.New("out of range")
	}
	*s = Size(n) * unit
	return nil
}

func bytesIn(unit string) (Size, bool) {
	switch unit {
	case "", "B":
		return 1, true
	case "KiB":
		return 1 << 10, true
	case "MiB":
		return 1 << 20, true
	case "GiB":
		return 1 << 30, true
	case "KB":
		return 1e3, true
	case "MB":
		return 1e6, true
	case "GB":
		return 1e9, true
	}
	return 0, false
}

// String is the size in the largest binary unit that gives a whole number.
func (s Size) String() string {
	for _, unit := range []string{"GiB", "MiB", "KiB"} {
		if n, _ := bytesIn(unit); s != 0 && s%n == 0 {
			return strconv.FormatInt(int64(s/n), 10) + unit
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// Short is d without the zero seconds and minutes that its String ends in.
func Short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
