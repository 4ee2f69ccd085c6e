// Package figures keeps what was measured and sums it up: medians with the smallest and
// the greatest value beside them, never a mean, which one disturbed run could move.
package figures

import (
	"math"
	"slices"
)

// A Summary is what is printed of a figure that was measured several times.
type Summary struct {
	Median, Min, Max float64
	// N is how often it was measured; 0 means never.
	N int
}

// Summarize sums up values, which it does not change.
func Summarize(values []float64) Summary {
	if len(values) == 0 {
		return Summary{}
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return Summary{Median: (sorted[(n-1)/2] + sorted[n/2]) / 2, Min: sorted[0], Max: sorted[n-1], N: n}
}

// BetweenQuartiles is how far the middle half of values reaches; it does not change them.
func BetweenQuartiles(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	last := float64(len(sorted) - 1)
	return sorted[int(math.Round(last*0.75))] - sorted[int(math.Round(last*0.25))]
}

// A Sample is one repetition's figures by name.
type Sample map[string]float64

// A Series is all repetitions of one subject.
type Series struct {
	Subject string
	Samples []Sample
}

// Values returns one figure of all repetitions that have it.
func (s Series) Values(name string) []float64 {
	var values []float64
	for _, sample := range s.Samples {
		if v, ok := sample[name]; ok {
			values = append(values, v)
		}
	}
	return values
}

// Results is what one scenario found, its subjects in the order of their first sample.
type Results []Series

// Add appends one repetition of a subject.
func (r *Results) Add(subject string, s Sample) {
	for i := range *r {
		if (*r)[i].Subject == subject {
			(*r)[i].Samples = append((*r)[i].Samples, s)
			return
		}
	}
	*r = append(*r, Series{Subject: subject, Samples: []Sample{s}})
}

// Values returns one figure of one subject, in the order of the repetitions.
func (r Results) Values(subject, name string) []float64 {
	for _, s := range r {
		if s.Subject == subject {
			return s.Values(name)
		}
	}
	return nil
}
