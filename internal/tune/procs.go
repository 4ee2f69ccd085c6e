package tune

import (
	"os"
	"runtime"
)

// inFlightPerProcessor is how many messages in flight one processor serves.
const inFlightPerProcessor = 100

// Processors has Go code run on one processor for each hundred of concurrency, at most on those that
// there are, unless GOMAXPROCS is set: on more of them much of the time goes into waking threads. It
// is not for the ingest queue, whose syncs hold a processor.
func Processors(concurrency int) {
	if _, set := os.LookupEnv("GOMAXPROCS"); set {
		return
	}
	runtime.GOMAXPROCS(processorsFor(concurrency, runtime.GOMAXPROCS(0)))
}

// processorsFor is one for each hundred of concurrency, rounded up, at most those that are there.
func processorsFor(concurrency, there int) int {
	return min(there, (concurrency+inFlightPerProcessor-1)/inFlightPerProcessor)
}
