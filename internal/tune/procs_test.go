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
		used        time.Duration // in a second
		want        int
	}{
		"nothing to do":                       {1, 10, 0, 1},
		"one is enough":                       {1, 10, 900 * time.Millisecond, 1},
		"one is used up":                      {1, 10, 950 * time.Millisecond, 2},
		"threads in system calls come on top": {1, 10, 1100 * time.Millisecond, 2},
		"two are wanted":                      {2, 10, 1200 * time.Millisecond, 2},
		"two are used up":                     {2, 10, 1900 * time.Millisecond, 3},
		"no more than the messages are worth": {2, 2, 1990 * time.Millisecond, 2},
		"one would nearly be used up":         {2, 10, 750 * time.Millisecond, 2},
		"one would do":                        {2, 10, 740 * time.Millisecond, 1},
		"one goes at a time":                  {10, 10, 0, 9},
		"one more than are worth it goes too": {2, 1, 100 * time.Millisecond, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if n := fit(c.there, c.most, c.used, time.Second); n != c.want {
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

// What is used up is the processor time between two looks.
func TestProcessorsComeWhenWorkUsesThemUp(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	p := &Processors{most: 2}
	p.Adjust(1)
	if n := runtime.GOMAXPROCS(0); n != 1 {
		t.Fatalf("%d processors after the first look, which has nothing to compare with", n)
	}
	p.at, p.used = time.Now().Add(-2*time.Second), processorTime()-2*time.Second
	p.Adjust(0)
	if n := runtime.GOMAXPROCS(0); n != 1 {
		t.Errorf("%d processors although nothing came", n)
	}
	p.Adjust(1)
	if n := runtime.GOMAXPROCS(0); n != 2 {
		t.Errorf("%d processors, want 2 where one is used up", n)
	}
	p.used -= time.Hour
	p.Adjust(1) // within the same second
	if n := runtime.GOMAXPROCS(0); n != 2 {
		t.Errorf("%d processors", n)
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
