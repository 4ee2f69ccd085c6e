package receivertest

import (
	"testing"
	"testing/synctest"
	"time"

	"carrier/receiver"
)

type memorySource struct{ *Memory }

func (s memorySource) Put(_ *testing.T, p Put) { s.Add(p, "") }
func (s memorySource) Left(_ *testing.T) int   { return s.Memory.Left() }

func TestMemoryKeepsThePromises(t *testing.T) {
	Run(t, Harness{
		Open: func(*testing.T) (receiver.Receiver, Source) {
			m := NewMemory(2 * time.Second)
			return m, memorySource{m}
		},
		Lease:  2 * time.Second,
		Groups: true,
		Run:    func(t *testing.T, f func(*testing.T)) { synctest.Test(t, f) },
	})
}
