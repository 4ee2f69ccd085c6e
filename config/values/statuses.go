package values

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Statuses are the HTTP statuses that mean that trying again is of no use. A range never means 408, 425
// and 429, which ask for another attempt; named alone they count.
type Statuses []span

// A span is the statuses from first to last.
type span struct{ first, last int }

// Decode reads numbers and ranges of 400 to 599, as 400-499,501; envconfig calls it.
func (s *Statuses) Decode(value string) error {
	*s = nil
	for word := range strings.SplitSeq(value, ",") {
		first, last, ranged := strings.Cut(strings.TrimSpace(word), "-")
		if !ranged {
			last = first
		}
		one := span{status(first), status(last)}
		if one.first == 0 || one.last == 0 || one.first > one.last {
			return errors.New("neither a status nor a range of them")
		}
		*s = append(*s, one)
	}
	return nil
}

// status reads a status; 0 where it is none.
func status(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 400 || n > 599 || len(s) != 3 {
		return 0
	}
	return n
}

// Contains reports whether status is one of them.
func (s Statuses) Contains(status int) bool {
	return slices.ContainsFunc(s, func(one span) bool {
		alone := one.first == one.last
		return one.first <= status && status <= one.last && (alone || !asksAgain(status))
	})
}

func asksAgain(status int) bool { return status == 408 || status == 425 || status == 429 }

// String is what Decode reads.
func (s Statuses) String() string {
	words := make([]string, len(s))
	for i, one := range s {
		words[i] = strconv.Itoa(one.first)
		if one.last != one.first {
			words[i] = fmt.Sprintf("%d-%d", one.first, one.last)
		}
	}
	return strings.Join(words, ",")
}
