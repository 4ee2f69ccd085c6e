package harness

import (
	"math"
	"testing"
	"time"

	"carrier/bench/figures"
)

func TestCostsAreDividedByWhatWasMoved(t *testing.T) {
	var before, after Moment
	before.At = time.Unix(100, 0)
	after.At = time.Unix(102, 0)
	before.Worker.Accepted, after.Worker.Accepted = 1000, 5000
	before.Worker.Busy, after.Worker.Busy = time.Second, 16*time.Second
	before.subjectCPU, after.subjectCPU = time.Second, 1400*time.Millisecond
	after.subjectUser, after.subjectSystemTime = 300*time.Millisecond, 100*time.Millisecond
	after.workerCPU = 200 * time.Millisecond
	after.Queue.Calls = map[string]int{"ReceiveMessage": 400, "DeleteMessageBatch": 600}
	got := Setup{InFlight: 10}.costs(before, after)
	want := figures.Sample{
		"rate": 2000, "cpu": 100, "worker_cpu": 50, "cores": 0.2, "calls": 0.25, "system": 25, "busy": 0.75,
	}
	for name, v := range want {
		if math.Abs(got[name]-v) > 1e-9 {
			t.Errorf("%s is %v, want %v", name, got[name], v)
		}
	}
}
