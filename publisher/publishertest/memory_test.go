package publishertest

import (
	"errors"
	"testing"
	"time"

	"carrier/message"
	"carrier/publisher"
)

type memoryQueue struct{ *Memory }

func (q memoryQueue) Stored(*testing.T) []*message.Message { return q.Messages() }

func TestMemoryKeepsThePromises(t *testing.T) {
	for name, limits := range map[string]publisher.Limits{
		"as it is":        {},
		"with more to it": {Binary: true, Delay: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			Run(t, Harness{
				Open: func(*testing.T) (publisher.Publisher, Queue) {
					m := NewMemory(limits)
					return m, memoryQueue{m}
				},
				Trace: true, Group: true,
				Bad:    map[string]message.Attribute{"no name": {Value: "v"}},
				Faults: memoryFaults(),
			})
		})
	}
}

func memoryFaults() map[Fault]func(*testing.T, Queue) {
	times := func(left int, match func(m *message.Message) bool, f Failure) func(*testing.T, Queue) {
		return func(_ *testing.T, q Queue) {
			left := left
			q.(memoryQueue).Fail(func(m *message.Message) Failure {
				if left == 0 || !match(m) {
					return Failure{}
				}
				left--
				return f
			})
		}
	}
	every := func(*message.Message) bool { return true }
	return map[Fault]func(*testing.T, Queue){
		AnswerLost:    times(1, every, Failure{Lost: errors.New("no answer")}),
		Throttled:     times(1, every, Failure{Refusal: errors.New("too many calls")}),
		Away:          times(2, every, Failure{Refusal: errors.New("away")}),
		PartlyRefused: times(1, func(m *message.Message) bool { return len(m.Body) == PartlyRefusedBody }, Failure{Refusal: errors.New("not this one")}),
	}
}
