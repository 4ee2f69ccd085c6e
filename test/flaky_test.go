package test

import (
	"math/rand/v2"
	"time"

	"carrier/internal/testkit/sqstest"
)

// flakyWorker is one answer of a worker that often fails or is slow.
func flakyWorker() answer {
	switch n := rand.IntN(100); {
	case n < 4:
		return says(500)
	case n < 6:
		return says(429, "Retry-After: 0")
	case n < 8:
		return raw("")
	case n < 9:
		return raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut")
	case n < 12:
		return after(300*time.Millisecond, says(200))
	default:
		return after(time.Duration(rand.IntN(8))*time.Millisecond, says(200))
	}
}

// flakySource is a fault of a source that often fails.
func flakySource(sqstest.Call) sqstest.Fault {
	switch n := rand.IntN(200); {
	case n < 3:
		return sqstest.Fault{Error: sqstest.RequestThrottled()}
	case n < 6:
		return sqstest.Fault{Error: sqstest.InternalError()}
	case n < 8:
		return sqstest.Fault{Drop: sqstest.BeforeWork}
	case n < 10:
		return sqstest.Fault{Drop: sqstest.AfterWork}
	case n < 11:
		return sqstest.Fault{Drop: sqstest.MidAnswer}
	case n < 16:
		return sqstest.Fault{Entry: func(int, string) *sqstest.EntryFault {
			if rand.IntN(3) > 0 {
				return nil
			}
			return &sqstest.EntryFault{Code: "InternalError", Message: "try again", Done: rand.IntN(2) == 0}
		}}
	default:
		return sqstest.Fault{}
	}
}
