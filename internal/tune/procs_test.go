package tune

import (
	"os"
	"runtime"
	"testing"
	"time"
)

func TestProcessorsFollowTheWork(t *testing.T) {
	cases := map[string]struct {
		there, most int
		used        float64
		full        bool
		want        int
	}{
		"nothing to do":                       {1, 10, 0, false, 1},
		"one is enough":                       {1, 10, 0.94, false, 1},
		"one is used up":                      {1, 10, 0.95, true, 2},
		"threads in system calls come on top": {1, 10, 1.1, true, 2},
		"two are wanted":                      {2, 10, 1.16, false, 2},
		"two do what one would":               {2, 10, 1.14, false, 1},
		"two are used up":                     {2, 10, 1.9, true, 3},
		"no more than the messages are worth": {2, 2, 1.99, true, 2},
		"two would nearly be used up":         {3, 10, 1.5, false, 3},
		"two would do":                        {3, 10, 1.49, false, 2},
		"one goes at a time":                  {10, 10, 0, false, 9},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if n := fit(c.there, c.most, c.used, c.full); n != c.want {
				t.Errorf("%d processors, want %d", n, c.want)
			}
		})
	}
}

func TestProcessorsAreBoundedByWhatIsInFlight(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	t.Setenv("GOMAXPROCS", "") // and back at the end
	_ = os.Unsetenv("GOMAXPROCS")
	for inFlight, want := range map[int]int{1: 1, 100: 1, 101: 2, 400: 4, 1000: 4} {
		runtime.GOMAXPROCS(4)
		p := NewProcessors(inFlight)
		if p.most != want || runtime.GOMAXPROCS(0) != 1 {
			t.Errorf("%d in flight: from %d to %d processors, want 1 to %d", inFlight, runtime.GOMAXPROCS(0), p.most, want)
		}
	}
}

// What is used up is the processor time between two looks; one such look may be the start's, or a burst's.
func TestProcessorsComeWhenWorkUsesThemUp(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	p := &Processors{most: 2}
	look := func(ago, used time.Duration, received int) int {
		p.at, p.used = time.Now().Add(-ago), processorTime()-used
		p.Adjust(received)
		return runtime.GOMAXPROCS(0)
	}
	for _, step := range []struct {
		what      string
		ago, used time.Duration
		received  int
		want      int
	}{
		{"used up once", 2 * time.Second, 2 * time.Second, 1, 1},
		{"where nothing came", 2 * time.Second, 2 * time.Second, 0, 1},
		{"within the same second", time.Second / 2, time.Second, 1, 1},
		{"used up twice", 2 * time.Second, 2 * time.Second, 1, 2},
		{"still wanted", 10 * time.Second, 15 * time.Second, 1, 2},
		{"not wanted any more", 10 * time.Second, 5 * time.Second, 1, 1},
		{"used up once more", 10 * time.Second, 10 * time.Second, 1, 1},
		{"and not again", 10 * time.Second, 5 * time.Second, 1, 1},
		{"used up, but not twice in a row", 10 * time.Second, 10 * time.Second, 1, 1},
	} {
		if n := look(step.ago, step.used, step.received); n != step.want {
			t.Errorf("%d processors %s, want %d", n, step.what, step.want)
		}
	}
}

func TestProcessorsAreLeftAlone(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	t.Setenv("GOMAXPROCS", "3")
	for name, p := range map[string]*Processors{"GOMAXPROCS is set": NewProcessors(1000), "the zero Processors": {}} {
		p.used = -time.Hour
		p.Adjust(1)
		if n := runtime.GOMAXPROCS(0); n != 2 {
			t.Errorf("%s: %d processors, want the 2 there were", name, n)
		}
	}
}
