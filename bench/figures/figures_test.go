package figures

import (
	"slices"
	"testing"
)

func TestSummaryIsMedianAndExtremes(t *testing.T) {
	for name, c := range map[string]struct {
		values []float64
		want   Summary
	}{
		"nothing":              {nil, Summary{}},
		"one":                  {[]float64{3}, Summary{3, 3, 3, 1}},
		"an odd number":        {[]float64{9, 1, 2}, Summary{2, 1, 9, 3}},
		"an even number":       {[]float64{4, 1, 3, 100}, Summary{3.5, 1, 100, 4}},
		"a disturbed one":      {[]float64{1, 1, 1, 1, 1000}, Summary{1, 1, 1000, 5}},
		"negatives and a zero": {[]float64{0, -2, 2}, Summary{0, -2, 2, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			before := slices.Clone(c.values)
			if got := Summarize(c.values); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			if !slices.Equal(before, c.values) {
				t.Error("the values were changed")
			}
		})
	}
}

func TestResultsKeepSubjectsAndRepetitionsInOrder(t *testing.T) {
	var r Results
	r.Add("a", Sample{"x": 1})
	r.Add("b", Sample{"x": 10})
	r.Add("a", Sample{"y": 5})
	r.Add("a", Sample{"x": 2})
	if len(r) != 2 || r[0].Subject != "a" || r[1].Subject != "b" {
		t.Fatalf("subjects: %+v", r)
	}
	if got := r.Values("a", "x"); !slices.Equal(got, []float64{1, 2}) {
		t.Errorf("a sample without the figure counts: %v", got)
	}
	if r.Values("c", "x") != nil {
		t.Error("an unknown subject has values")
	}
}

func TestMiddleHalfIsBetweenTheQuartiles(t *testing.T) {
	for name, c := range map[string]struct {
		values []float64
		want   float64
	}{
		"none":              {nil, 0},
		"one":               {[]float64{7}, 0},
		"one far off":       {[]float64{5, 1, 2, 4, 900}, 3},
		"two":               {[]float64{1, 2}, 1},
		"in no order, even": {[]float64{8, 1, 7, 2, 6, 3, 5, 4}, 3},
	} {
		if got := BetweenQuartiles(c.values); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
