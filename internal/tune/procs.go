package tune

import (
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const (
	// inFlightPerProcessor is how many messages in flight are worth a processor, at most.
	inFlightPerProcessor = 100
	// fitEvery is how often the processors are fitted to the work, at most.
	fitEvery = time.Second
	// Where Go code has used so much of the processors it runs on, in two looks in a row, another one
	// comes, and where it has used so much of one less, one goes.
	anotherAt, oneLessAt = 0.95, 0.75
	// The second goes where both have used so much of one: two cost a third more CPU for each message
	// than one, since threads are woken and steal from each other.
	oneAt = 1.15
)

// Processors fits the number of processors that run Go code to the work: one at first, one more where
// those are used up, and at most one for each begun hundred of the messages in flight or as many as
// there are. It is not for the ingest queue, whose syncs hold a processor. The zero Processors leaves them
// alone. It is safe for concurrent use.
type Processors struct {
	most int // zero: they are left alone

	mu   sync.Mutex
	at   time.Time     // of the last look
	used time.Duration // processor time of the process by then
	full bool          // they were used up then
}

// NewProcessors returns the Processors of a process with at most so many messages in flight. It leaves
// them alone where GOMAXPROCS is set.
func NewProcessors(inFlight int) *Processors {
	if _, set := os.LookupEnv("GOMAXPROCS"); set {
		return &Processors{}
	}
	p := &Processors{most: min(runtime.GOMAXPROCS(0), (inFlight+inFlightPerProcessor-1)/inFlightPerProcessor)}
	runtime.GOMAXPROCS(1)
	return p
}

// Adjust looks at the processor time once a second at most. It is called after each receive, with the
// number of messages that came; where it is called with none nothing happens.
func (p *Processors) Adjust(received int) {
	if p.most <= 1 || received == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	passed := now.Sub(p.at)
	if passed < fitEvery {
		return
	}
	used, there := processorTime(), runtime.GOMAXPROCS(0)
	share := float64(used-p.used) / float64(passed)
	full := share >= anotherAt*float64(there)
	if n := fit(there, p.most, share, full && p.full); n != there {
		runtime.GOMAXPROCS(n)
	}
	p.at, p.used, p.full = now, used, full
}

// fit is how many processors there should be, one more or one less than there are at most, where so many
// were used, and whether those that are there are used up.
func fit(there, most int, used float64, full bool) int {
	switch {
	case there < most && full:
		return there + 1
	case there > 2 && used < oneLessAt*float64(there-1), there == 2 && used < oneAt:
		return there - 1
	}
	return there
}

// processorTime is the user and system time of the process.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
