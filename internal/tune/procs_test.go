package tune

import (
	"os"
	"runtime"
	"testing"
)

func TestProcessorsFollowWhatIsInFlight(t *testing.T) {
	cases := map[string]struct{ concurrency, there, want int }{
		"one message":                 {1, 8, 1},
		"a hundred":                   {100, 8, 1},
		"a hundred and one":           {101, 8, 2},
		"a thousand":                  {1000, 64, 10},
		"never more than there are":   {1000, 2, 2},
		"a container of one of these": {1000, 1, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if n := processorsFor(c.concurrency, c.there); n != c.want {
				t.Errorf("processorsFor(%d, %d) = %d, want %d", c.concurrency, c.there, n, c.want)
			}
		})
	}
}

func TestProcessorsAreLeftAlone(t *testing.T) {
	cases := map[string]struct {
		environment string
		alone       bool
	}{
		"not by default":              {"", false},
		"where the operator has said": {"3", true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Setenv("GOMAXPROCS", c.environment) // and back at the end
			if c.environment == "" {
				_ = os.Unsetenv("GOMAXPROCS")
			}
			before := runtime.GOMAXPROCS(2)
			defer runtime.GOMAXPROCS(before)
			Processors(10)
			if alone := runtime.GOMAXPROCS(0) == 2; alone != c.alone {
				t.Errorf("runs on %d processors", runtime.GOMAXPROCS(0))
			}
		})
	}
}
