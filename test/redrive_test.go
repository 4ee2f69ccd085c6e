package test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"carrier/internal/testkit/natstest"
	"carrier/internal/testkit/programtest"
	"carrier/internal/testkit/pubsubtest"
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

// TestPermissionsOfThePageAreEnoughToMoveDeadLettersBack lets nothing in that docs/dead-letters.md does
// not name, and finds nothing named in vain.
func TestPermissionsOfThePageAreEnoughToMoveDeadLettersBack(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/dead-letters.md")
	must(t, err)
	var policy struct {
		Statement []struct{ Action []string }
	}
	must(t, json.Unmarshal([]byte(regexp.MustCompile("(?s)```json\n(.*?)```").FindStringSubmatch(string(page))[1]), &policy))
	var allowed []string
	for _, s := range policy.Statement {
		allowed = append(allowed, s.Action...)
	}
	s, endpoint := sqstest.Start(t, sqstest.Options{})
	dead, err := s.CreateQueue("dead", nil)
	must(t, err)
	_, err = s.CreateQueue("q", map[string]string{"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":3}`, dead.ARN())})
	must(t, err)
	for range 5 {
		_, err := dead.Send(sqstest.Message{Body: "m"})
		must(t, err)
	}
	actionOf := func(op string) string { return "sqs:" + strings.TrimSuffix(op, "Batch") }
	s.OnCall(func(c sqstest.Call) sqstest.Fault {
		if slices.Contains(allowed, actionOf(c.Op)) {
			return sqstest.Fault{}
		}
		t.Errorf("%s is called, and not among the permissions", c.Op)
		return sqstest.Fault{Error: sqstest.AccessDenied(c.Op)}
	})
	e := env{"CARRIER_SQS_QUEUE_NAME": "q", "CARRIER_SQS_ENDPOINT": endpoint}
	ids := deadIDs(t, e)
	for _, args := range [][]string{{"redrive", ids[0]}, {"redrive", "--rate", "1/m"}, {"redrive"}} {
		p := launch(t, e, args...)
		if len(args) == 3 { // it is stopped, so that SQS's task is cancelled
			until(t, "a task", func() bool { return s.Calls("ListMessageMoveTasks") > 1 || s.Calls("SendMessageBatch") > 1 })
			p.Signal(syscall.SIGINT)
		}
		p.wait()
	}
	used := map[string]bool{"sqs:CancelMessageMoveTask": true}
	for op := range s.CallCounts() {
		used[actionOf(op)] = true
	}
	for _, action := range allowed {
		if !used[action] {
			t.Errorf("%s is named, and nothing needs it", action)
		}
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
	e := env{"CARRIER_PUBSUB_SUBSCRIPTION": "projects/project-1/subscriptions/sub", "CARRIER_DEAD_LETTER_TOPIC": "projects/project-1/topics/top"}
	if p := run(t, e, "dead-letters"); p.code != 1 || !strings.Contains(p.stderr.String(), "make a subscription of CARRIER_DEAD_LETTER_TOPIC") || p.stdout.String() != "" {
		t.Errorf("exit code %d: %s", p.code, said(p))
	}
}

// recipe returns the variables of the carrier that docs/dead-letters.md starts to move the dead letters
// of a topic back.
func recipe(t *testing.T) env {
	t.Helper()
	page, err := os.ReadFile("../docs/dead-letters.md")
	must(t, err)
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		if !strings.Contains(block[1], "CARRIER_FORWARD_PUBSUB_TOPIC") {
			continue
		}
		e := env{}
		for _, pair := range regexp.MustCompile(`(CARRIER_\w+)=(\S+)`).FindAllStringSubmatch(block[1], -1) {
			e[pair[1]] = pair[2]
		}
		return e
	}
	t.Fatal("the page has no such command")
	return nil
}

func TestDeadLettersOfATopicComeBackByTheRecipe(t *testing.T) {
	t.Parallel()
	server := pubsubtest.NewFake(t)
	dead := server.Subscribe(t, "orders-dead", &pubsubpb.Subscription{EnableMessageOrdering: true})
	w := newWorker(t, func(n int, _ request) answer {
		if n <= 3 {
			return says(422)
		}
		return says(200)
	})
	source := newPubSubSource(t, server, "orders", &pubsubpb.Subscription{EnableMessageOrdering: true})
	b := onPubSub(t, source, w, env{"CARRIER_REJECT_ACTION": "dead-letter", "CARRIER_DEAD_LETTER_TOPIC": "orders-dead"})
	b.start()
	b.awaitReady()
	var ids []string
	for i := range 3 {
		ids = append(ids, b.put(testMessage{Body: fmt.Sprint(i), Group: "g", ContentType: "text/plain", Attributes: map[string]string{"Kind": "a"}}))
	}
	until(t, "three dead letters", func() bool { return b.settled("rejected") == 3 })
	e := recipe(t).with(env{
		"CARRIER_PUBSUB_PROJECT": pubsubtest.Project, "CARRIER_PUBSUB_ENDPOINT": server.Endpoint, "CARRIER_FORWARD_PUBSUB_ENDPOINT": server.Endpoint,
		"CARRIER_ADMIN_ADDRESS": programtest.FreeAddress(t), "CARRIER_EXIT_WHEN_IDLE": "2s",
	})
	if p := run(t, e); p.code != 0 {
		t.Fatalf("exit code %d: %s", p.code, said(p))
	}
	for i, r := range w.await(6)[3:] {
		if r.header("X-Carrier-Original-Message-Id") != ids[i] || r.Body != fmt.Sprint(i) || r.header("Content-Type") != "text/plain" || r.header("X-Carrier-Attribute-Kind") != "a" || r.receiveCount() != 1 {
			t.Errorf("letter %d came back as %+v, want the original id %s", i, r, ids[i])
		}
	}
	until(t, "settled", func() bool { return b.settled("delivered") == 3 })
	b.stop()
	if n := dead.Left(t, 0); n != 0 {
		t.Errorf("%d letters are left", n)
	}
}

func TestNoQueueFileHasNoDeadLetters(t *testing.T) {
	t.Parallel()
	p := run(t, env{"CARRIER_INGEST_DATA_DIR": filepath.Join(t.TempDir(), "none")}, "redrive")
	if p.code != 1 || !strings.Contains(p.stderr.String(), "CARRIER_INGEST_DATA_DIR") {
		t.Errorf("exit code %d: %s", p.code, said(p))
	}
}
