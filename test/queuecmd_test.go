package test

import (
	"os"
	"strings"
	"testing"
)

// Section 1: the commands about messages that wait in the ingest queue.

func TestWhatWaitsIsListedShownAndDropped(t *testing.T) {
	t.Parallel()
	b := onlyStored(t, env{"CARRIER_ADMIN_TOKEN": "admin-token"})
	ids := b.putAll("one", "two", "three")
	wants := func(code int, want string, args ...string) {
		t.Helper()
		p := run(t, b.env, append([]string{"queue"}, args...)...)
		if said := p.stdout.String() + p.stderr.String(); p.code != code || !strings.Contains(said, want) || strings.Contains(said, "two\n") != (want == "two\n") {
			t.Errorf("%v: exit code %d, want %d and %q:\n%s", args, p.code, code, want, said)
		}
	}
	for range 2 { // asked on its admin port, and then read from the file
		wants(0, ids[1], "list", "--route", "default", "--state", "ready", "--limit", "2")
		wants(0, "two\n", "show", ids[1], "--body")
		b.stop()
	}
	wants(0, "dropped", "drop", ids[2])
	b.start()
	b.awaitLog("source reached")
	wants(0, "dropped", "drop", ids[1])
	wants(1, "no such message", "show", ids[1])
	if p := run(t, b.env, "queue", "list"); strings.Count(p.stdout.String(), "\n") != 2 || !strings.Contains(p.stdout.String(), ids[0]) {
		t.Errorf("left: %s%s", p.stdout.String(), p.stderr.String())
	}
	b.stop()
}

func TestQueueCommandsSayWhatIsMissing(t *testing.T) {
	t.Parallel()
	b := onlyStored(t, nil)
	for name, c := range map[string]struct {
		env  env
		args string
		code int
		want string
	}{
		"no token":      {nil, "list", 1, "CARRIER_ADMIN_TOKEN"},
		"no admin port": {env{"CARRIER_ADMIN_ADDRESS": "", "CARRIER_ADMIN_TOKEN": "t"}, "list", 1, "CARRIER_ADMIN_ADDRESS"},
		"no queue":      {env{"CARRIER_INGEST_DATA_DIR": os.TempDir() + "/nowhere"}, "list", 1, "CARRIER_INGEST_DATA_DIR"},
	} {
		args := append([]string{"queue"}, strings.Fields(c.args)...)
		if p := run(t, b.env.with(c.env), args...); p.code != c.code || !strings.Contains(p.stderr.String(), c.want) {
			t.Errorf("%s: exit code %d, want %d and %q: %s", name, p.code, c.code, c.want, p.stderr.String())
		}
	}
	b.stop()
}

// TestCommandsSayThatAnotherReceiverKeepsNoQueueHere: what waits is at SQS.
func TestCommandsSayThatAnotherReceiverKeepsNoQueueHere(t *testing.T) {
	t.Parallel()
	e := env{"CARRIER_SQS_QUEUE_NAME": "q", "CARRIER_INGEST_DATA_DIR": t.TempDir()}
	for _, args := range [][]string{{"queue", "list"}, {"queue", "drop", "m"}, {"subscriptions"}, {"subscriptions", "drop", "mail"}, {"dead-letters", "drop"}} {
		if p := run(t, e, args...); p.code != 1 || !strings.Contains(p.stderr.String(), "carrier keeps no queue here: its receiver is sqs") || p.stdout.String() != "" {
			t.Errorf("%v: exit code %d: %s", args, p.code, said(p))
		}
	}
}
