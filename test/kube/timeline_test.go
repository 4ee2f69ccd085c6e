package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// log is what `kubectl logs --timestamps` prints, a line each second from noon.
func log(texts ...string) string {
	var out strings.Builder
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for i, text := range texts {
		_, _ = fmt.Fprintln(&out, noon.Add(time.Duration(i)*time.Second).Format(time.RFC3339Nano), text)
	}
	return out.String()
}

func TestMomentsAreReadInTheirOrder(t *testing.T) {
	d := departure{lines: append(
		parseLines("carrier", log(
			`{"level":"info","msg":"stopping, no message is received from here on"}`,
			`{"level":"debug","msg":"message delivered","message_id":"a"}`,
			`{"level":"debug","msg":"message delivered","message_id":"b"}`,
			`not of carrier`,
			`{"level":"info","msg":"stopping","signal":"SIGTERM"}`,
			`{"level":"info","msg":"stopped"}`)),
		parseLines("worker", log("worker: POST /", "  X-Carrier-Message-Id: a", "  stopped", "worker: stopped"))...)}
	for name, c := range map[string]struct {
		moments []moment
		want    string
	}{
		"as it was":                      {[]moment{drainBegins, settled, workerEnds, carrierTold, carrierEnds}, ""},
		"the first too early":            {[]moment{workerEnds, settled}, "came 1s before"},
		"before the last of several":     {[]moment{carrierTold, settled}, "came 2s before"},
		"between the first and the last": {[]moment{drainBegins, settled, workerEnds}, ""},
		"a moment that was never":        {[]moment{drainBegins, workerListens}, "never seen: worker: listens"},
		"the worker's lines are its own": {[]moment{worksOn, settled}, ""},
	} {
		err := d.inOrder(c.moments...)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEndThatWasNotSeenOrNotCleanIsNoEnd(t *testing.T) {
	const clean = `{"name":"worker","state":{"terminated":{"exitCode":0}}}`
	for name, c := range map[string]struct {
		worker, carrier string
		fine            bool
	}{
		"both with 0":       {clean, `{"name":"carrier","state":{"terminated":{"exitCode":0}}}`, true},
		"one was killed":    {clean, `{"name":"carrier","state":{"terminated":{"exitCode":137}}}`, false},
		"one still runs":    {clean, `{"name":"carrier","state":{"running":{}}}`, false},
		"one never was":     {clean, `{"name":"other"}`, false},
		"one was restarted": {clean, `{"name":"carrier","restartCount":1,"state":{"terminated":{"exitCode":0}}}`, false},
	} {
		var d departure
		if err := d.readStates(strings.NewReader(`{"status":{}}` + fmt.Sprintf(
			`{"status":{"initContainerStatuses":[%s],"containerStatuses":[%s]}}`, c.carrier, c.worker))); err != nil {
			t.Fatal(err)
		}
		if err := d.ended(); (err == nil) != c.fine {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLedgerCountsWhatWorkersPrint(t *testing.T) {
	for name, c := range map[string]struct {
		from string
		seen []string
		fine bool
	}{
		"each once":            {"worker", []string{"a", "b"}, true},
		"one twice":            {"worker", []string{"a", "b", "a"}, false},
		"one never":            {"worker", []string{"a"}, false},
		"one that nobody sent": {"worker", []string{"a", "b", "c"}, false},
		"carrier's own word":   {"carrier", []string{"a", "b"}, false},
	} {
		posted := ledger{}
		for _, id := range c.seen {
			posted.add(parseLines(c.from, log("worker: POST /", "  X-Carrier-Message-Id: "+id, "  X-Carrier-Receive-Count: 1")))
		}
		if err := posted.exactlyOnce([]string{"a", "b"}); (err == nil) != c.fine {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestScenariosAreChosenByName(t *testing.T) {
	for only, want := range map[string]int{"": len(scenarios()), "ingest": 1, "native,plain": 2, "other": -1, "native,other": -1} {
		chosen, err := choose(only)
		if want < 0 != (err != nil) || err == nil && len(chosen) != want {
			t.Errorf("%q: %d, %v", only, len(chosen), err)
		}
	}
}
