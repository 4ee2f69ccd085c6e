package test

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A way is how messages come to the worker and its answers back. Promises that are about the source
// and the answers alone hold whatever the way.
type way string

const (
	ofWebhook way = "webhook"
	ofPull    way = "pull"
)

// onEveryWay runs promise once with each way.
func onEveryWay(t *testing.T, promise func(t *testing.T, by way)) {
	t.Helper()
	for _, by := range []way{ofWebhook, ofPull} {
		t.Run(string(by), func(t *testing.T) {
			t.Parallel()
			promise(t, by)
		})
	}
}

// onEverySourceAndWay runs promise once with each way on each of the sources.
func onEverySourceAndWay(t *testing.T, promise func(t *testing.T, kind string, by way)) {
	t.Helper()
	onEverySource(t, func(t *testing.T, kind string) {
		onEveryWay(t, func(t *testing.T, by way) { promise(t, kind, by) })
	})
}

// newWorker returns a worker that answers to what comes by that way as s says.
func (by way) newWorker(t *testing.T, s script) *worker {
	t.Helper()
	if by == ofWebhook {
		return newWorker(t, s)
	}
	w := absentWorker(t, s)
	w.way = by
	return w
}

// reach is what the program has to know of w. Where w asks for messages it begins to, as often at
// once as the program of that environment takes.
func (w *worker) reach(e env) env {
	if w.way == ofWebhook {
		return env{"CARRIER_WEBHOOK_ENDPOINT": w.endpoint()}
	}
	n, err := strconv.Atoi(e["CARRIER_CONCURRENCY"])
	must(w.t, err)
	w.pullTimes(n)
	// Long enough for a test that holds a message; a consumer that goes shortens it.
	return env{"CARRIER_TRANSMITTER": string(w.way), "CARRIER_WORKER_ADDRESS": w.address, "CARRIER_PULL_LEASE": "5m"}
}

// A word is what a consumer says in place of an answer.
type word struct{ Verdict, Name, Duration string }

// word is a as a verdict. An answer that is cut off is a consumer that goes: its time ends soon.
func (a answer) word() word {
	gone := word{"extend", "for", "1s"}
	in := bufio.NewReader(strings.NewReader(a.Wire))
	for {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return gone
		}
		if resp.StatusCode/100 == 1 {
			continue
		}
		if _, err = io.Copy(io.Discard, resp.Body); errors.Join(err, resp.Body.Close()) != nil {
			return gone
		}
		return wordOf(resp)
	}
}

func wordOf(resp *http.Response) word {
	const longest = 12 * 60 * 60 // seconds
	action := resp.Header.Get("X-Carrier-Action")
	delay, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
	switch {
	case action != "":
		return word{Verdict: action}
	case resp.StatusCode/100 == 2:
		return word{Verdict: "ack"}
	case delay > 0:
		return word{"retry", "delay", (time.Duration(min(delay, longest)) * time.Second).String()}
	default:
		return word{Verdict: "retry"}
	}
}
