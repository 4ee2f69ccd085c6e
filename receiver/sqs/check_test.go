package sqs

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"carrier/internal/testkit/sqstest"
	"carrier/receiver/preflight"
)

func TestCheckSaysWhatIsWrong(t *testing.T) {
	missing := sqstest.Fault{Error: &sqstest.Error{Code: "InvalidAction", Message: "not valid for this endpoint", Status: 400}}
	badHandle := sqstest.Fault{Error: &sqstest.Error{Code: "ReceiptHandleIsInvalid", Message: "The input receipt handle is invalid.", Status: 404}}
	denied := func(op string) sqstest.Fault { return sqstest.Fault{Error: sqstest.AccessDenied(op)} }
	for name, c := range map[string]struct {
		faults map[string]sqstest.Fault
		o      Options
		want   []string // level and a part of the text
	}{
		"nothing but a missing policy": {want: []string{"ok region us-east-1", "ok queue http://", "ok permission to delete",
			"ok permission to change", "warn the queue has no redrive policy", "ok visibility timeout 30s", "ok permission to receive: not tried"}},
		"no queue":           {o: Options{QueueName: "none"}, want: []string{"fail the queue"}},
		"queue denied":       {faults: map[string]sqstest.Fault{"GetQueueUrl": denied("GetQueueUrl")}, want: []string{"fail the queue"}},
		"attributes denied":  {faults: map[string]sqstest.Fault{"GetQueueAttributes": denied("GetQueueAttributes")}, want: []string{"warn the queue's attributes", "warn whether the queue has a redrive policy"}},
		"deleting denied":    {faults: map[string]sqstest.Fault{"DeleteMessageBatch": denied("DeleteMessageBatch")}, want: []string{"fail permission to delete", "ok permission to change"}},
		"visibility denied":  {faults: map[string]sqstest.Fault{"ChangeMessageVisibilityBatch": denied("ChangeMessageVisibilityBatch")}, want: []string{"ok permission to delete", "fail permission to change"}},
		"messages that wait": {want: []string{"ok the queue: 1 messages waiting, 0 in flight, 0 delayed"}},
		"no such operation":  {faults: map[string]sqstest.Fault{"DeleteMessageBatch": missing, "ChangeMessageVisibilityBatch": missing}, want: []string{"fail permission to delete", "fail permission to change"}},
		"a handle that is refused by the whole call": {faults: map[string]sqstest.Fault{"DeleteMessageBatch": badHandle}, want: []string{"ok permission to delete", "ok permission to change"}},
		"no dead-letter queue where one is named":    {o: Options{DeadLetterQueueURL: "http://sqs.test/000000000000/none"}, want: []string{"fail the dead-letter queue http://"}},
		"a lease that is shorter than an attempt":    {o: Options{VisibilityTimeout: 5 * time.Second}, want: []string{"warn visibility timeout 5s is shorter"}},
		"dead letters without a policy":              {o: Options{DeadLetterQueueURL: "http://sqs.test/000000000000/dead"}, want: []string{"warn the queue has no redrive policy; only"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := sqstest.New(sqstest.Options{})
				q := mustCreate(t, s, "q")
				_, err := q.Send(sqstest.Message{Body: "b"})
				must(t, err)
				for op, f := range c.faults {
					s.Always(op, f)
				}
				r, _ := receiverOn(t, s, c.o)
				findings := r.Check(t.Context(), 20*time.Second)
				var lines []string
				for _, f := range findings {
					lines = append(lines, string(f.Level)+" "+f.Text)
				}
				report := strings.Join(lines, "\n")
				for _, want := range c.want {
					if !strings.Contains("\n"+report, "\n"+want) {
						t.Errorf("no line %q in\n%s", want, report)
					}
				}
				if len(q.Receives()) != 0 || q.Counts().Visible != 1 {
					t.Errorf("the check touched the queue: %+v", q.Counts())
				}
			})
		})
	}
}

func TestCheckNamesThePolicysQueue(t *testing.T) {
	withDeadLetters(t, "", nil, func(t *testing.T, b bench, _ *sqstest.Queue) {
		for _, f := range b.Check(t.Context(), time.Second) {
			if f.Level == preflight.OK && strings.Contains(f.Text, "dead letters after 5 receives: http://sqs.test/000000000000/dead") {
				return
			}
		}
		t.Error("no finding names the dead-letter queue")
	})
}
