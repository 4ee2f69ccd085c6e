package transmittertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"carrier/message"
	"carrier/transmitter"
)

// waitTimeout is how long the suite waits for what should come at once.
const waitTimeout = 30 * time.Second

// A Word is what a worker says of a message.
type Word int

// The words that every kind of worker has.
const (
	// Done accepts the message.
	Done Word = iota
	// Fail says that this attempt failed.
	Fail
	// Later asks for the message again after DeferredFor.
	Later
	// Never says that trying again is of no use.
	Never
)

// DeferredFor is the delay that Later asks for.
const DeferredFor = 7 * time.Second

// A Worker is the far end: it is called once for each time a message is handed over, with what
// arrived. It may wait, and is safe for concurrent use.
type Worker func(id string, body []byte) Word

// A Harness starts a far end that answers as worker says, and returns the transmitter under test,
// connected to it. Both end with the test: the far end waits for the calls of worker to return.
type Harness func(t *testing.T, worker Worker) transmitter.Transmitter

// Run checks what every transmitter promises.
func Run(t *testing.T, harness Harness) {
	promises := map[string]func(*testing.T, Harness){
		"the worker's word becomes the outcome":       wordBecomesOutcome,
		"a message is handed over once, any outcome":  handedOverOnce,
		"the body arrives byte for byte":              bodyArrives,
		"messages at once get their own outcomes":     outcomesAreNotMixed,
		"the end of the context is a prompt retry":    endIsPromptRetry,
		"nothing is handed over after the end":        nothingAfterTheEnd,
		"ready allows at least one message":           readyAllowsOne,
		"ready waits while all it allows is promised": readyWaitsWhileAllIsPromised,
		"ready does not wait after the end":           readyAfterTheEnd,
	}
	for promise, check := range promises {
		t.Run(promise, func(t *testing.T) { check(t, harness) })
	}
}

func wordBecomesOutcome(t *testing.T, harness Harness) {
	cases := map[string]struct {
		word Word
		want message.Outcome
	}{
		"done":  {Done, message.Outcome{Verdict: message.Delivered}},
		"fail":  {Fail, message.Outcome{Verdict: message.Retry, Cause: message.Failed}},
		"later": {Later, message.Outcome{Verdict: message.Retry, Cause: message.Deferred, Delay: DeferredFor}},
		"never": {Never, message.Outcome{Verdict: message.Rejected}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			tr := harness(t, func(string, []byte) Word { return c.word })
			o := tr.Transmit(t.Context(), newMessage("a", nil))
			if o.Code == "" {
				t.Errorf("an attempt was made and has no code: %+v", o)
			}
			got := message.Outcome{Verdict: o.Verdict, Cause: o.Cause, Delay: o.Delay}
			if got != c.want {
				t.Errorf("outcome %+v, want %+v", o, c.want)
			}
			if (o.Reason == "") != (c.word == Done) {
				t.Errorf("reason is %q", o.Reason)
			}
		})
	}
}

func handedOverOnce(t *testing.T, harness Harness) {
	for _, word := range []Word{Done, Fail, Later, Never} {
		var mu sync.Mutex
		handed := make(map[string]int)
		tr := harness(t, func(id string, _ []byte) Word {
			mu.Lock()
			defer mu.Unlock()
			handed[id]++
			return word
		})
		for _, id := range []string{"a", "b", "c"} {
			tr.Transmit(t.Context(), newMessage(id, []byte("x")))
		}
		mu.Lock()
		for id, n := range handed {
			if n != 1 {
				t.Errorf("%s was handed over %d times for word %d", id, n, word)
			}
		}
		if len(handed) != 3 {
			t.Errorf("handed over %v, want a, b and c", handed)
		}
		mu.Unlock()
	}
}

func bodyArrives(t *testing.T, harness Harness) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	bodies := map[string][]byte{
		"empty":       {},
		"every byte":  every,
		"a mebibyte":  bytes.Repeat(every, 4096),
		"line breaks": []byte("\r\n\r\n0\r\n\r\n"),
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			arrived := make(chan []byte, 1)
			tr := harness(t, func(_ string, b []byte) Word {
				arrived <- bytes.Clone(b)
				return Done
			})
			if o := tr.Transmit(t.Context(), newMessage("a", body)); o.Verdict != message.Delivered {
				t.Fatalf("outcome %+v", o)
			}
			if got := <-arrived; !bytes.Equal(got, body) {
				t.Errorf("%d bytes arrived changed, as %d", len(body), len(got))
			}
		})
	}
}

func outcomesAreNotMixed(t *testing.T, harness Harness) {
	words := map[string]Word{}
	for i := range 40 {
		words[fmt.Sprintf("m%d", i)] = Word(i % 4)
	}
	verdicts := map[Word]message.Verdict{
		Done: message.Delivered, Fail: message.Retry, Later: message.Retry, Never: message.Rejected,
	}
	tr := harness(t, func(id string, _ []byte) Word { return words[id] })
	var all sync.WaitGroup
	for id, word := range words {
		all.Go(func() {
			if o := tr.Transmit(t.Context(), newMessage(id, []byte(id))); o.Verdict != verdicts[word] {
				t.Errorf("%s: outcome %+v for word %d", id, o, word)
			}
		})
	}
	all.Wait()
}

func endIsPromptRetry(t *testing.T, harness Harness) {
	arrived, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	tr := harness(t, func(string, []byte) Word {
		close(arrived)
		<-release
		return Done
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	outcome := make(chan message.Outcome, 1)
	go func() { outcome <- tr.Transmit(ctx, newMessage("a", []byte("x"))) }()
	waitFor(t, arrived, "the message did not arrive")
	cancel()
	select {
	case o := <-outcome:
		if o.Verdict != message.Retry {
			t.Errorf("outcome %+v, want a retry", o)
		}
	case <-time.After(waitTimeout):
		t.Fatal("Transmit goes on after its context has ended")
	}
}

func nothingAfterTheEnd(t *testing.T, harness Harness) {
	arrived := make(chan string, 2)
	tr := harness(t, func(id string, _ []byte) Word {
		arrived <- id
		return Done
	})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if o := tr.Transmit(ended, newMessage("late", nil)); o.Verdict != message.Retry {
		t.Errorf("outcome %+v, want a retry", o)
	}
	tr.Transmit(t.Context(), newMessage("next", nil))
	if got := <-arrived; got != "next" {
		t.Errorf("%q was handed over after the end", got)
	}
}

func readyAllowsOne(t *testing.T, harness Harness) {
	tr := harness(t, func(string, []byte) Word { return Done })
	if n, err := tr.Ready(t.Context(), 0); n < 1 || err != nil {
		t.Errorf("Ready said %d, %v", n, err)
	}
}

func readyWaitsWhileAllIsPromised(t *testing.T, harness Harness) {
	tr := harness(t, func(string, []byte) Word { return Done })
	most, err := tr.Ready(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := tr.Ready(t.Context(), most-1); n != most || err != nil {
		t.Errorf("with %d of %d promised Ready said %d, %v", most-1, most, n, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if n, err := tr.Ready(ctx, most); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with all %d promised Ready said %d, %v, want to wait until %v", most, n, err, context.DeadlineExceeded)
	}
}

func readyAfterTheEnd(t *testing.T, harness Harness) {
	tr := harness(t, func(string, []byte) Word { return Done })
	most, err := tr.Ready(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 { // a choice between two that are ready is by chance
		if n, err := tr.Ready(ended, 0); n != most || err != nil {
			t.Fatalf("Ready said %d, %v, want what is known, %d", n, err, most)
		}
		if n, err := tr.Ready(ended, most); !errors.Is(err, context.Canceled) {
			t.Fatalf("with all promised Ready said %d, %v, want %v", n, err, context.Canceled)
		}
	}
}

func newMessage(id string, body []byte) *message.Message {
	return &message.Message{
		ID:            id,
		Body:          body,
		Source:        "suite",
		ReceiveCount:  1,
		FirstReceived: time.Now(),
		Sent:          time.Now(),
		Received:      time.Now(),
	}
}

func waitFor(t *testing.T, happened <-chan struct{}, otherwise string) {
	t.Helper()
	select {
	case <-happened:
	case <-time.After(waitTimeout):
		t.Fatal(otherwise)
	}
}
