package harness

import (
	"testing"

	"carrier/bench/figures"
)

func TestDifferenceIsOfTheSameTurn(t *testing.T) {
	off := []figures.Sample{{"cpu": 50}, {"cpu": 90}, {"cpu": 70}, {"cpu": 60}, {"cpu": 20}}
	on := []figures.Sample{{"cpu": 52, "rate": 4}, {"cpu": 91, "rate": 2}, {"cpu": 74, "rate": 3}, {"cpu": 69, "rate": 1}, {"cpu": 19, "rate": 9}}
	got := sum(on, off)
	for name, want := range map[string]float64{"more": 2, "cpu": 69, "rate": 3, "more_quartiles": 3} {
		if got[name] != want {
			t.Errorf("%s: %v, want %v", name, got[name], want)
		}
	}
	if alone := sum(off, nil); len(alone) != 1 || alone["cpu"] != 60 {
		t.Errorf("of one side: %v", alone)
	}
}
