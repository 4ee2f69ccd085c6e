package test

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"carrier/internal/testkit/natstest"
	"carrier/internal/testkit/programtest"
	"carrier/internal/testkit/sqstest"
)

// Section 12: dead letters, from the command line.

// said is what p said on both outputs.
func said(p *program) string { return p.stdout.String() + p.stderr.String() }

// deadIDs lists the dead letters and returns their ids.
func deadIDs(t *testing.T, e env) (ids []string) {
	t.Helper()
	p := run(t, e, "dead-letters")
	if p.code != 0 {
		t.Fatalf("exit code %d: %s", p.code, said(p))
	}
	for _, line := range strings.Split(strings.TrimSpace(p.stdout.String()), "\n")[1:] {
		ids = append(ids, strings.Fields(line)[0])
	}
	return ids
}

// TestDeadLettersOfTheQueueFileComeBack looks at them and moves them through the carrier that runs, and
// in the file where none does.
func TestDeadLettersOfTheQueueFileComeBack(t *testing.T) {
	t.Parallel()
	for name, running := range map[string]bool{"a carrier runs": true, "none runs": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorker(t, func(n int, _ request) answer {
				if n <= 3 {
					return says(422)
				}
				return says(200)
			})
			b := newBench(t, ofIngest, w, env{"CARRIER_ADMIN_TOKEN": "t"})
			ids := b.putAll("a", "b", "c")
			until(t, "three dead letters", func() bool { return b.metric("carrier_dead_letters") == 3 })
			if !running {
				b.stop()
			}
			if got := deadIDs(t, b.env); len(got) != 3 {
				t.Fatalf("listed: %v", got)
			}
			p := run(t, b.env, "dead-letters", ids[1], "--body")
			if p.code != 0 || !strings.Contains(p.stdout.String(), "422") || !strings.HasSuffix(p.stdout.String(), "\n\nb\n") {
				t.Errorf("exit code %d: %s", p.code, said(p))
			}
			if p = run(t, b.env, "redrive", "--dry-run"); p.code != 0 || !strings.Contains(p.stdout.String(), "default: 3 dead letters would be") {
				t.Errorf("exit code %d: %s", p.code, said(p))
			}
			if p = run(t, b.env, "redrive", ids[1], "none"); p.code != 1 || !strings.Contains(said(p), "default: 1 dead letters moved back, 1 could not be") {
				t.Errorf("exit code %d: %s", p.code, said(p))
			}
			if p = run(t, b.env, "redrive", "--rate", "1000/s"); p.code != 0 || !strings.Contains(p.stdout.String(), "default: 2 dead letters moved back") {
				t.Errorf("exit code %d: %s", p.code, said(p))
			}
			if !running {
				b.start()
			}
			for _, id := range ids {
				until(t, "the letter at the worker", func() bool { return len(w.of(id)) == 2 })
				if got := w.of(id)[1].header("X-Carrier-Original-Message-Id"); got != id {
					t.Errorf("original id %q, want %q", got, id)
				}
			}
			b.awaitEmpty()
			b.stop()
		})
	}
}

func TestDeadLettersOfAnSQSQueueComeBack(t *testing.T) {
	t.Parallel()
	s, endpoint := sqstest.Start(t, sqstest.Options{})
	dead, err := s.CreateQueue("dead", nil)
	must(t, err)
	q, err := s.CreateQueue("q", map[string]string{"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":3}`, dead.ARN())})
	must(t, err)
	for range 3 {
		_, err := dead.Send(sqstest.Message{Body: "m", Attributes: map[string]sqstest.Attribute{"Carrier.Reason": sqstest.Text("no")}})
		must(t, err)
	}
	e := env{"CARRIER_SQS_QUEUE_NAME": "q", "CARRIER_SQS_ENDPOINT": endpoint, "CARRIER_ADMIN_ADDRESS": programtest.FreeAddress(t)}
	ids := deadIDs(t, e)
	if p := run(t, e, "redrive", ids[0]); p.code != 0 || q.Counts().All() != 1 || dead.Counts().All() != 2 {
		t.Errorf("exit code %d: %s; %d there", p.code, said(p), q.Counts().All())
	}
	if p := run(t, e, "redrive"); p.code != 0 || q.Counts().All() != 3 || s.Calls("StartMessageMoveTask") != 1 {
		t.Errorf("exit code %d: %s; %d there", p.code, said(p), q.Counts().All())
	}
	if p := run(t, e, "redrive", "--route", "mail"); p.code != 1 || !strings.Contains(said(p), `"mail"`) {
		t.Errorf("a route that is not there: exit code %d: %s", p.code, said(p))
	}
}

func TestDeadLettersOfANATSConsumerComeBack(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t).Connect(t)
	server.Stream(t, "DEAD")
	w := newWorker(t, func(n int, _ request) answer {
		if n <= 3 {
			return says(422)
		}
		return says(200)
	})
	b := prepareOn(t, newNATSSource(t, server, "S"), w, env{"CARRIER_REJECT_ACTION": "dead-letter", "CARRIER_DEAD_LETTER_SUBJECT": "DEAD.s"})
	b.start()
	b.putAll("a", "b", "c")
	until(t, "three dead letters", func() bool { return server.Left(t, "DEAD") == 3 })
	ids := deadIDs(t, b.env)
	if len(ids) != 3 || !strings.HasPrefix(ids[0], "DEAD:1:") {
		t.Fatalf("listed: %v", ids)
	}
	if p := run(t, b.env, "dead-letters", ids[1], "--body"); p.code != 0 || !strings.Contains(p.stdout.String(), "422") {
		t.Errorf("exit code %d: %s", p.code, said(p))
	}
	if p := run(t, b.env, "redrive", ids[1]); p.code != 0 || !strings.Contains(p.stdout.String(), "default: 1 dead letters moved back") {
		t.Errorf("exit code %d: %s", p.code, said(p))
	}
	if p := run(t, b.env, "redrive"); p.code != 0 || !strings.Contains(p.stdout.String(), "default: 2 dead letters moved back") {
		t.Errorf("exit code %d: %s", p.code, said(p))
	}
	posts := w.await(6)
	for _, r := range posts[3:] {
		if !strings.HasPrefix(r.header("X-Carrier-Original-Message-Id"), "S:") || r.receiveCount() != 1 {
			t.Errorf("original id %q, receive count %d", r.header("X-Carrier-Original-Message-Id"), r.receiveCount())
		}
	}
	b.awaitEmpty()
	b.stop()
}

func TestRedriveThatIsStoppedSaysWhatIsLeft(t *testing.T) {
	t.Parallel()
	s, endpoint := sqstest.Start(t, sqstest.Options{})
	dead, err := s.CreateQueue("dead", nil)
	must(t, err)
	q, err := s.CreateQueue("q", nil)
	must(t, err)
	for range 20 {
		_, err := dead.Send(sqstest.Message{Body: "m"})
		must(t, err)
	}
	p := launch(t, env{"CARRIER_SQS_QUEUE_NAME": "q", "CARRIER_SQS_ENDPOINT": endpoint, "CARRIER_DEAD_LETTER_QUEUE_URL": dead.URL(endpoint)}, "redrive", "--rate", "1/m")
	until(t, "the first letter", func() bool { return q.Counts().All() == 1 })
	p.Signal(syscall.SIGINT)
	p.wait()
	if p.code != 1 || !strings.Contains(p.stderr.String(), "stopped: 1 dead letters moved back, 19 left") || dead.Counts().Visible != 19 {
		t.Errorf("exit code %d: %s; %+v", p.code, said(p), dead.Counts())
	}
}

func TestDeadLettersOfATopicSayWhatToDo(t *testing.T) {
	t.Parallel()
	for receiver, c := range map[string]struct {
		env  env
		says string
	}{
		"pubsub": {env{"CARRIER_PUBSUB_SUBSCRIPTION": "projects/project-1/subscriptions/sub", "CARRIER_DEAD_LETTER_TOPIC": "projects/project-1/topics/top"}, "make a subscription of CARRIER_DEAD_LETTER_TOPIC"},
	} {
		if p := run(t, c.env, "dead-letters"); p.code != 1 || !strings.Contains(p.stderr.String(), c.says) {
			t.Errorf("%s: exit code %d: %s", receiver, p.code, said(p))
		}
	}
}

func TestNoQueueFileHasNoDeadLetters(t *testing.T) {
	t.Parallel()
	p := run(t, env{"CARRIER_INGEST_DATA_DIR": filepath.Join(t.TempDir(), "none")}, "redrive")
	if p.code != 1 || !strings.Contains(p.stderr.String(), "CARRIER_INGEST_DATA_DIR") {
		t.Errorf("exit code %d: %s", p.code, said(p))
	}
}
