package queue

import (
	"math/rand/v2"
	"time"
)

// offer puts messages at random moments, rate a second on average, for as long as told.
// Arrivals that do not know of each other come in knots; evenly spaced ones would
// flatter every figure about waiting.
func (q *Queue) offer(rate float64, during time.Duration) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same in every run
	start := time.Now()
	next := time.Duration(0)
	for {
		next += time.Duration(random.ExpFloat64() / rate * float64(time.Second))
		if next > during {
			return
		}
		time.Sleep(time.Until(start.Add(next)))
		q.Put(1)
	}
}
