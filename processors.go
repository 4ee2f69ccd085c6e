package main

import (
	"os"
	"runtime"

	"carrier/config"
)

// handPerProcessor is how many messages in hand one processor serves.
const handPerProcessor = 100

// fitProcessors runs Go code on no more processors at once than the messages in hand are
// worth, unless GOMAXPROCS says otherwise: on more, most of what each does is to wake the
// others and fall asleep. The ingest queue is left alone, whose syncs hold a processor.
func fitProcessors(c config.Config) {
	if _, set := os.LookupEnv("GOMAXPROCS"); set || c.Receiver == config.Ingest {
		return
	}
	runtime.GOMAXPROCS(processorsFor(c.Concurrency, runtime.GOMAXPROCS(0)))
}

// processorsFor is one for each begun hundred of the messages in hand, at most those that
// are there.
func processorsFor(hand, there int) int {
	return min(there, (hand+handPerProcessor-1)/handPerProcessor)
}
