package deadletters

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"carrier/internal/deadletter"
	"carrier/internal/testkit/sqstest"
)

func TestWithoutThePermissionEachLetterIsMovedAndOneLineSaysSo(t *testing.T) {
	for call, line := range map[string]string{
		"StartMessageMoveTask": "StartMessageMoveTask", "ListMessageMoveTasks": "ListMessageMoveTasks", "ListDeadLetterSourceQueues": "ListDeadLetterSourceQueues",
	} {
		t.Run(call, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := over(t, "", true)
				b.server.Always(call, sqstest.Fault{Error: sqstest.AccessDenied(call)})
				b.open(t)
				b.put(t, 25)
				var h heard
				p, err := b.Redrive(t.Context(), deadletter.Request{Note: h.note})
				if err != nil || p.Moved != 25 || b.queue.Counts().All() != 25 || b.dead.Counts().All() != 0 {
					t.Errorf("%+v, %v; %+v there", p, err, b.queue.Counts())
				}
				if strings.Count(h.text, "\n") != 1 || !strings.Contains(h.text, line) || !strings.Contains(h.text, "AccessDenied") {
					t.Errorf("it says %q", h.text)
				}
			})
		})
	}
}

func TestServerWithoutMoveTasksHasEachLetterMoved(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := over(t, "", true)
		for _, call := range []string{"StartMessageMoveTask", "ListMessageMoveTasks", "ListDeadLetterSourceQueues"} {
			b.server.Always(call, sqstest.Fault{Error: sqstest.UnknownOperation(call)})
		}
		b.open(t)
		b.put(t, 12)
		if p, err := b.Redrive(t.Context(), deadletter.Request{}); err != nil || p.Moved != 12 || b.queue.Counts().All() != 12 {
			t.Errorf("%+v, %v", p, err)
		}
	})
}

func TestLettersOfOtherQueuesAreLeftUnlessTheyAreNamed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := over(t, "", true)
		other, err := b.server.CreateQueue("other", map[string]string{"RedrivePolicy": policyOf(b.dead)})
		must(t, err)
		b.open(t)
		for _, q := range []*sqstest.Queue{b.queue, other} { // two receives, and the third moves it
			_, err := q.Send(sqstest.Message{Body: "of " + q.Name()})
			must(t, err)
			for range 3 {
				_, err := receiveOnce(t, b, q)
				must(t, err)
			}
		}
		ids := b.put(t, 1)
		var h heard
		p, err := b.Redrive(t.Context(), deadletter.Request{Note: h.note})
		if err != nil || p != (deadletter.Progress{Moved: 1}) || b.dead.Counts().All() != 2 || !strings.Contains(h.text, "2 letters are left") {
			t.Errorf("%+v, %v; %d left; %q", p, err, b.dead.Counts().All(), h.text)
		}
		if back := b.queue.Peek(); len(back) != 1 || back[0].Body != "of q" {
			t.Errorf("%+v came back", back)
		}
		if p, err := b.Redrive(t.Context(), deadletter.Request{IDs: ids}); err != nil || p.Moved != 1 {
			t.Errorf("by its name: %+v, %v", p, err)
		}
	})
}

// receiveOnce receives from q and lets the lease lapse.
func receiveOnce(t *testing.T, b bench, q *sqstest.Queue) (int, error) {
	t.Helper()
	o := b.options
	o.QueueName = q.Name()
	s, _, err := Open(t.Context(), o)
	if err != nil {
		return 0, err
	}
	defer func() { must(t, s.Close()) }()
	s.place.DeadURL = s.place.URL
	letters, err := s.receive(t.Context(), 1, 1)
	time.Sleep(2 * time.Second)
	return len(letters), err
}

func TestLetterThatIsRejectedAgainMeanwhileIsLeft(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := over(t, "", false)
		b.put(t, 30)
		var h heard
		rejected := 0
		p, err := b.Redrive(t.Context(), deadletter.Request{Rate: 10, Note: h.note, Report: func(deadletter.Progress) {
			for _, m := range b.queue.Peek()[rejected:] { // the worker's word on all that come is no
				_, err := b.dead.Send(sqstest.Message{Body: m.Body, Attributes: m.Attributes})
				must(t, err)
				rejected++
			}
		}})
		if err != nil || p.Moved != 30 || b.dead.Counts().All() != 30 || !strings.Contains(h.text, "30 that were moved are dead letters again") {
			t.Errorf("%+v, %v; %d left; %q", p, err, b.dead.Counts().All(), h.text)
		}
	})
}

func TestLetterThatCouldNotBeRemovedIsNotSentTwice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := over(t, "", false)
		b.put(t, 3)
		b.server.Inject("DeleteMessageBatch", sqstest.Fault{Drop: sqstest.BeforeWork}, sqstest.Fault{Error: sqstest.RequestThrottled()})
		p, err := b.Redrive(t.Context(), deadletter.Request{})
		if err != nil || p.Moved != 3 || b.queue.Counts().All() != 3 || b.dead.Counts().All() != 0 {
			t.Errorf("%+v, %v; %d there, %d left", p, err, b.queue.Counts().All(), b.dead.Counts().All())
		}
	})
}

func TestLostAnswerToASendOnAFIFOQueueMovesALetterOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := over(t, ".fifo", false)
		_, err := b.dead.Send(sqstest.Message{Body: "m", Group: "g", Dedup: "d"})
		must(t, err)
		b.server.Inject("SendMessageBatch", sqstest.Fault{Drop: sqstest.AfterWork})
		var h heard
		p, err := b.Redrive(t.Context(), deadletter.Request{Note: h.note})
		if err != nil || p.Failed != 1 || !strings.Contains(h.text, "may have been moved") {
			t.Errorf("the first time: %+v, %v, %q", p, err, h.text)
		}
		p, err = b.Redrive(t.Context(), deadletter.Request{})
		if err != nil || p.Moved != 1 || b.queue.Counts().All() != 1 || b.dead.Counts().All() != 0 {
			t.Errorf("the second time: %+v, %v; %d there", p, err, b.queue.Counts().All())
		}
	})
}

func TestLetterGoesBackWithoutWhatSaysThatItIsDead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := over(t, "", false)
		_, err := b.dead.Send(sqstest.Message{Body: "m", Trace: "Root=1-5759e988-bd862e3fe1be46a994272793", Attributes: map[string]sqstest.Attribute{
			"Carrier.MessageId": sqstest.Text("first"), "Carrier.Reason": sqstest.Text("no"), "Carrier.Status": {DataType: "Number", StringValue: "422"},
			"blob": {DataType: "Binary", BinaryValue: []byte{0, 1}}, "n": {DataType: "Number.int", StringValue: "7"},
		}})
		must(t, err)
		_, err = b.Redrive(t.Context(), deadletter.Request{})
		must(t, err)
		m := b.queue.Peek()[0]
		if len(m.Attributes) != 3 || m.Attributes["Carrier.MessageId"].StringValue != "first" || m.Attributes["n"].DataType != "Number.int" ||
			string(m.Attributes["blob"].BinaryValue) != "\x00\x01" {
			t.Errorf("%+v", m.Attributes)
		}
	})
}

func TestMoveTaskThatRunsIsFollowed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := over(t, "", true)
		b.put(t, 100)
		_, err := b.startTask(t.Context(), 10) // of a redrive that was killed
		must(t, err)
		var h heard
		p, err := b.Redrive(t.Context(), deadletter.Request{Note: h.note})
		if err != nil || p.Moved != 100 || b.queue.Counts().All() != 100 || !strings.Contains(h.text, "already") {
			t.Errorf("%+v, %v, %q", p, err, h.text)
		}
	})
}

func TestMoveTaskIsCancelledWhenTheRedriveIsStopped(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := over(t, "", true)
		b.put(t, 100)
		ctx, stop := context.WithTimeout(t.Context(), 3500*time.Millisecond)
		defer stop()
		p, err := b.Redrive(ctx, deadletter.Request{Rate: 10})
		if !errors.Is(err, context.DeadlineExceeded) || p != (deadletter.Progress{Moved: 35, Left: 65}) {
			t.Errorf("%+v, %v", p, err)
		}
		time.Sleep(time.Minute)
		if left := b.dead.Counts().All(); left != 65 {
			t.Errorf("%d are left, want 65: the task goes on", left)
		}
	})
}

func TestLookAtLettersGivesThemBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := over(t, "", true)
		b.put(t, 25)
		letters, _, err := b.List(t.Context(), "", 20)
		if err != nil || len(letters) != 20 || b.dead.Counts().Visible != 25 {
			t.Errorf("%d letters, %v; %+v", len(letters), err, b.dead.Counts())
		}
	})
}

func TestQueueWithoutDeadLettersSaysWhatToSet(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := over(t, "", true)
		must(t, b.queue.Set(map[string]string{"RedrivePolicy": ""}))
		if _, _, err := Open(t.Context(), b.options); err == nil || !strings.Contains(err.Error(), "CARRIER_DEAD_LETTER_QUEUE_URL") {
			t.Errorf("Open = %v", err)
		}
	})
}
