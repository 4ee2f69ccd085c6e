package tune

import (
	"os"
	"runtime"
)

// inFlightPerProcessor is how many messages in flight one processor serves.
const inFlightPerProcessor = 100

// Processors runs Go code on no more processors at once than the messages in flight are
// worth, unless GOMAXPROCS says otherwise: on more, most of what each does is to wake the
// // others and fall asleep. Not for the ingest queue: its syncs hold a processor.
func Processors(concurrency int) {
	if _, set := os.LookupEnv("GOMAXPROCS"); set {
		return
	}
	runtime.GOMAXPROCS(processorsFor(concurrency, runtime.GOMAXPROCS(0)))
}

// processorsFor is one for each begun hundred of the messages in flight, at most those that
// are there.
func processorsFor(concurrency, there int) int {
	return min(there, (concurrency+inFlightPerProcessor-1)/inFlightPerProcessor)
}
