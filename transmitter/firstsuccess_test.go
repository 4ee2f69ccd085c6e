package transmitter_test

import (
	"context"
	"slices"
	"testing"

	"carrier/message"
	"carrier/transmitter"
	"carrier/transmitter/transmittertest"
)

func TestUntilTheFirstSuccessAWrongEndpointRejectsNothing(t *testing.T) {
	answer := func(status int) message.Outcome {
		if status/100 == 2 {
			return message.Outcome{Verdict: message.Delivered, Status: status}
		}
		return message.Outcome{Verdict: message.Rejected, Status: status}
	}
	askedFor := answer(404)
	askedFor.Action = message.DeadLetter
	refused := message.Outcome{Cause: message.Failed, Status: 200} // by its X-Carrier-Action
	cases := map[string]struct {
		answers  []message.Outcome
		verdicts []message.Verdict
		doubts   []int
	}{
		"each of the four is a failure": {
			[]message.Outcome{answer(401), answer(403), answer(404), answer(405)},
			[]message.Verdict{message.Retry, message.Retry, message.Retry, message.Retry}, []int{401},
		},
		"after a success they are what they are": {
			[]message.Outcome{answer(404), answer(204), answer(404)},
			[]message.Verdict{message.Retry, message.Delivered, message.Rejected}, []int{404},
		},
		"a 2xx that is refused is a success of the endpoint": {
			[]message.Outcome{refused, answer(404)}, []message.Verdict{message.Retry, message.Rejected}, nil,
		},
		"a word by token is one too": {
			[]message.Outcome{{Cause: message.Failed, TokenVerdict: message.RetryByToken}, answer(404)}, []message.Verdict{message.Retry, message.Rejected}, nil,
		},
		"other statuses speak of the message": {
			[]message.Outcome{answer(400), answer(410), answer(422), answer(302)},
			[]message.Verdict{message.Rejected, message.Rejected, message.Rejected, message.Rejected}, nil,
		},
		"a dead letter that the worker asks for is one": {
			[]message.Outcome{askedFor}, []message.Verdict{message.Rejected}, nil,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var doubts []int
			left := c.answers
			worker := transmittertest.NewMemory(func(context.Context, *message.Message) message.Outcome {
				o := left[0]
				left = left[1:]
				return o
			})
			tr := transmitter.Wrap(worker, transmitter.UntilFirstSuccess(func(status int) { doubts = append(doubts, status) }))
			for i, want := range c.verdicts {
				o := tr.Transmit(t.Context(), &message.Message{})
				if o.Verdict != want || want == message.Retry && o.Cause != message.Failed {
					t.Errorf("answer %d: outcome %+v, want verdict %d", i, o, want)
				}
			}
			if !slices.Equal(doubts, c.doubts) {
				t.Errorf("told of %v, want %v", doubts, c.doubts)
			}
		})
	}
}

func TestAWrongEndpointIsGivenUpInTheEnd(t *testing.T) {
	tr := transmitter.Wrap(says(message.Outcome{Verdict: message.Rejected, Status: 404}),
		transmitter.GiveUp(transmitter.GiveUpOptions{MaxAttempts: 20, Action: message.DeadLetter}),
		transmitter.UntilFirstSuccess(func(int) {}),
	)
	for count, want := range map[int]message.Verdict{1: message.Retry, 19: message.Retry, 20: message.Rejected} {
		if o := tr.Transmit(t.Context(), &message.Message{ReceiveCount: count}); o.Verdict != want {
			t.Errorf("receive %d: outcome %+v, want verdict %d", count, o, want)
		}
	}
}
