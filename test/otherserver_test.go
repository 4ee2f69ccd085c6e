package test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"carrier/internal/testkit/issuertest"
	"carrier/internal/testkit/sqstest"
)

// SQS servers that are not Amazon's, and what stands in front of Amazon's.

// onServer is prepare on a queue of a server with these options.
func onServer(t *testing.T, o sqstest.Options, queue string, w *worker, e env) *bench {
	t.Helper()
	s := &sqsSource{t: t}
	s.server, s.endpoint = sqstest.Start(t, o)
	var err error
	s.queue, err = s.server.CreateQueue(queue, nil)
	must(t, err)
	return prepareOn(t, s, w, e)
}

func receiveCounts(posts []request) []int {
	var counts []int
	for _, r := range posts {
		counts = append(counts, r.receiveCount())
	}
	return counts
}

func TestReceiveCountIsReadHoweverTheServerTellsIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options sqstest.Options
		edit    func(map[string]any)
	}{
		"by the old name of the attributes only": {sqstest.Options{OldAttributeNames: true}, func(map[string]any) {}},
		"as a JSON number":                       {sqstest.Options{}, sqstest.CountsAsNumbers},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorker(t, always(says(500)))
			b := onServer(t, c.options, "orders", w, env{
				"CARRIER_RETRY_MAX_ATTEMPTS": "3", "CARRIER_REJECT_ACTION": "drop", "CARRIER_SQS_WAIT_TIME": "1s",
			})
			b.onSQS().server.Always("ReceiveMessage", sqstest.Fault{Edit: sqstest.EachMessage(c.edit)})
			b.start()
			b.awaitReady()
			b.put(testMessage{Body: "a"})
			b.awaitEmpty()
			b.stop()
			if got := receiveCounts(w.got()); !slices.Equal(got, []int{1, 2, 3}) {
				t.Errorf("posted with the receive counts %v, want 1, 2 and 3", got)
			}
		})
	}
}

func TestServerThatTellsNoReceiveCountIsWarnedAboutOnce(t *testing.T) {
	t.Parallel()
	w := newWorker(t, first(says(500), says(500)))
	b := onServer(t, sqstest.Options{}, "orders", w, env{"CARRIER_SQS_WAIT_TIME": "1s"})
	b.onSQS().server.Always("ReceiveMessage", sqstest.Fault{Edit: sqstest.EachMessage(sqstest.WithoutAttributes("ApproximateReceiveCount"))})
	b.start()
	b.awaitReady()
	b.putAll("a", "b", "c")
	b.awaitEmpty()
	b.stop()
	if n := len(b.warnings("ApproximateReceiveCount")); n != 1 {
		t.Errorf("%d warnings of the receive count, want 1", n)
	}
}

// warnings are the warnings in whose text words are.
func (b *bench) warnings(words string) []line {
	b.t.Helper()
	return slices.DeleteFunc(b.logged(words), func(l line) bool { return l.text("level") != "warn" })
}

func TestOrderIsKeptOnServersThatKnowTheOldAttributeNamesOnly(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(after(20*time.Millisecond, says(200))))
	b := onServer(t, sqstest.Options{OldAttributeNames: true}, "orders.fifo", w, env{"CARRIER_SQS_WAIT_TIME": "1s"})
	b.start()
	b.awaitReady()
	b.putGroups(4, "A", "B")
	b.awaitEmpty()
	b.stop()
	inOrder(t, w.got(), 4, "A", "B")
}

// TestMessagesOfAFIFOQueueWithoutAGroupAreOneLane has a server that does not tell the groups.
func TestMessagesOfAFIFOQueueWithoutAGroupAreOneLane(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(after(20*time.Millisecond, says(200))))
	b := onServer(t, sqstest.Options{}, "orders.fifo", w, env{"CARRIER_SQS_WAIT_TIME": "1s"})
	b.onSQS().server.Always("ReceiveMessage", sqstest.Fault{Edit: sqstest.EachMessage(sqstest.WithoutAttributes("MessageGroupId"))})
	b.start()
	b.awaitReady()
	b.putGroups(4, "A", "B")
	b.awaitEmpty()
	b.stop()
	var bodies []string
	for _, r := range w.got() {
		if strings.HasPrefix(r.Body, "A") {
			bodies = append(bodies, r.Body)
		}
	}
	if want := []string{"A0", "A1", "A2", "A3"}; !slices.Equal(bodies, want) {
		t.Errorf("one group came as %q, want %q", bodies, want)
	}
	if w.most() != 1 {
		t.Errorf("%d posts in flight, want 1", w.most())
	}
	if n := len(b.warnings("MessageGroupId")); n != 1 {
		t.Errorf("%d warnings of the group, want 1", n)
	}
}

// TestDamagedMessageDoesNotStarveTheOthers has one slot, and one message whose checksum is wrong.
func TestDamagedMessageDoesNotStarveTheOthers(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := onServer(t, sqstest.Options{}, "orders", w, env{
		"CARRIER_CONCURRENCY": "1", "CARRIER_SQS_WAIT_TIME": "1s",
	})
	b.onSQS().server.Always("ReceiveMessage", sqstest.Fault{Edit: sqstest.EachMessage(sqstest.WrongDigest("bad"))})
	bad := b.put(testMessage{Body: "bad"})
	b.start()
	b.awaitReady()
	good := b.putAll("a", "b", "c")
	w.await(3)
	until(t, "only the damaged one is left", func() bool { return b.onSQS().queue.Counts().All() == 1 })
	b.stop()
	onePostEach(t, w, good)
	told := 0
	for _, l := range b.log() {
		if l.text("level") == "warn" && l.text("message_id") == bad {
			told++
		}
	}
	if told != 1 {
		t.Errorf("%d warnings of the damaged message, want 1", told)
	}
	for _, c := range changesOf(b.onSQS().queue, bad) {
		if c.Seconds == 0 {
			t.Error("the damaged message was given back without a wait")
		}
	}
}

func TestChecksumsOfOtherServersAreNoDamage(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(map[string]any){"in capitals": sqstest.UpperCaseDigests, "empty": sqstest.EmptyDigests} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorker(t, always(says(200)))
			b := onServer(t, sqstest.Options{}, "orders", w, env{"CARRIER_SQS_WAIT_TIME": "1s"})
			b.onSQS().server.Always("ReceiveMessage", sqstest.Fault{Edit: sqstest.EachMessage(edit)})
			b.start()
			b.awaitReady()
			id := b.put(testMessage{Body: "a", Attributes: map[string]string{"Kind": "order"}})
			w.await(1)
			b.awaitEmpty()
			b.stop()
			onePostEach(t, w, []string{id})
		})
	}
}

func TestProxyInFrontOfTheSourceIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, page := range map[string]*sqstest.Page{
		"404 without a body": {Status: http.StatusNotFound},
		"404, HTML":          sqstest.HTMLPage(http.StatusNotFound),
		"403, HTML":          sqstest.HTMLPage(http.StatusForbidden),
		"400, text":          {Status: http.StatusBadRequest, ContentType: "text/plain", Body: "no route"},
		"404, other JSON":    {Status: http.StatusNotFound, ContentType: "application/json", Body: `{"error":"no healthy upstream"}`},
		"200, HTML":          sqstest.HTMLPage(http.StatusOK),
		"503, HTML":          sqstest.HTMLPage(http.StatusServiceUnavailable),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorker(t, always(says(200)))
			b := prepare(t, ofSQS, w, nil)
			server := b.onSQS().server
			server.Always("", sqstest.Fault{Page: page})
			b.start()
			until(t, "several tries", func() bool {
				select {
				case <-b.Ended():
					t.Fatalf("the program ended with %d", b.Wait())
				default:
				}
				return server.Calls("GetQueueUrl") >= 2
			})
			server.Heal()
			b.awaitReady()
			b.delivers()
		})
	}
}

func TestCheckDoesNotPassAServerWithoutAnOperation(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	for op, line := range map[string]string{
		"DeleteMessageBatch": "permission to delete", "ChangeMessageVisibilityBatch": "permission to change visibility",
	} {
		for name, refusal := range map[string]func(string) *sqstest.Error{
			"in the service's words": sqstest.UnknownOperation, "in others' words": sqstest.InvalidAction,
		} {
			b := prepare(t, ofSQS, w, nil)
			b.onSQS().server.Always(op, sqstest.Fault{Error: refusal(op)})
			p := run(t, b.env, "check")
			out := p.stdout.String()
			if p.code != 1 || !strings.Contains(out, "fail  "+line) || strings.Contains(out, "ok    "+line) {
				t.Errorf("%s, %s: exit code %d\n%s", op, name, p.code, out)
			}
		}
	}
}

// signers are who signed the calls, each once.
func signers(s *sqstest.Server) []string {
	var all []string
	for _, c := range s.CallLog() {
		key, _, _ := strings.Cut(c.Credential, "/")
		if !slices.Contains(all, key) {
			all = append(all, key)
		}
	}
	return all
}

// TestInstanceRoleSignsForEveryNameThatIsNotLocal reaches the fake through an HTTP proxy, which the
// fake is too: it looks at the path alone.
func TestInstanceRoleSignsForEveryNameThatIsNotLocal(t *testing.T) {
	t.Parallel()
	for host, signer := range map[string]string{
		"sqs.us-iso-east-1.c2s.ic.gov":            "AKIDTEST",
		"sqs.us-isob-east-1.sc2s.sgov.gov":        "AKIDTEST",
		"sqs.eusc-de-east-1.amazonaws.eu":         "AKIDTEST",
		"sqs.us-gov-west-1.amazonaws.com":         "AKIDTEST",
		"sqs.cn-north-1.amazonaws.com.cn":         "AKIDTEST",
		"gateway.sqs.example.com":                 "AKIDTEST",
		"devsqs":                                  "carrier",
		"10.1.2.3":                                "carrier",
		"vpce-1.sqs.us-east-1.vpce.amazonaws.com": "AKIDTEST",
	} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			w := newWorker(t, always(says(200)))
			b := credentialed(t, w, host, issuertest.Start(t).Env(issuertest.Metadata, ""))
			p := run(t, b.env, "check")
			if got := signers(b.onSQS().server); !slices.Equal(got, []string{signer}) {
				t.Errorf("signed by %q, want %s\n%s", got, signer, p.stdout.String())
			}
		})
	}
}

func TestCredentialsThatAreNotThereYetAreWaitedFor(t *testing.T) {
	t.Parallel()
	token := filepath.Join(t.TempDir(), "token")
	must(t, os.WriteFile(token, []byte("token"), 0o600))
	for _, kind := range []issuertest.Kind{issuertest.Agent, issuertest.WebIdentity, issuertest.Metadata} {
		for _, status := range []int{http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable} {
			t.Run(fmt.Sprint(kind, " ", status), func(t *testing.T) {
				t.Parallel()
				w := newWorker(t, always(says(200)))
				i := issuertest.Start(t)
				i.Fail(status, "Throttling")
				b := credentialed(t, w, "sqs.us-east-1.amazonaws.com", i.Env(kind, token))
				b.start()
				b.awaitLog("the source cannot be opened or received from")
				i.Heal()
				b.awaitReady()
				b.put(testMessage{Body: "a"})
				b.awaitEmpty()
				b.stop()
				if got := signers(b.onSQS().server); !slices.Equal(got, []string{"AKIDTEST"}) {
					t.Errorf("signed by %q", got)
				}
			})
		}
	}
}

// credentialed is a bench whose source is reached by the name host, through a proxy that is the
// fake.
func credentialed(t *testing.T, w *worker, host string, e env) *bench {
	t.Helper()
	b := prepare(t, ofSQS, w, e)
	for _, name := range []string{"CARRIER_SQS_QUEUE_NAME", "CARRIER_SQS_ENDPOINT"} {
		delete(b.env, name)
	}
	b.env["CARRIER_SQS_QUEUE_URL"] = b.onSQS().queue.URL("http://" + host)
	b.env["HTTP_PROXY"] = b.onSQS().endpoint
	return b
}

func TestCredentialsThatAreRefusedEndTheStart(t *testing.T) {
	t.Parallel()
	token := filepath.Join(t.TempDir(), "token")
	must(t, os.WriteFile(token, []byte("token"), 0o600))
	for kind, status := range map[issuertest.Kind]int{issuertest.Agent: http.StatusForbidden, issuertest.WebIdentity: http.StatusForbidden} {
		w := newWorker(t, always(says(200)))
		i := issuertest.Start(t)
		i.Fail(status, "AccessDenied")
		if p := run(t, credentialed(t, w, "sqs.us-east-1.amazonaws.com", i.Env(kind, token)).env); p.code != 1 {
			t.Errorf("%s: exit code %d, want 1", kind, p.code)
		}
	}
}
