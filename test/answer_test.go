package test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"carrier/internal/testkit/sqstest"
)

// Section 4: what the worker answers.

// ends are the outcomes an answer can have.
type end struct {
	// Answer is what the worker says to the first post; to all others it says 200.
	Answer answer
	// Outcome is what is counted for the first post.
	Outcome string
	// Code is how the attempt is counted.
	Code string
	// Again says that the message is posted a second time.
	Again bool
}

func raw(wire string) answer { return answer{Wire: wire, Cut: true} }

func answers() map[string]end {
	again := func(a answer, outcome, code string) end { return end{a, outcome, code, true} }
	return map[string]end{
		"200":                           {says(200), "delivered", "2xx", false},
		"201 with a body":               {answer{Wire: "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok"}, "delivered", "2xx", false},
		"204":                           {answer{Wire: "HTTP/1.1 204 No Content\r\n\r\n"}, "delivered", "2xx", false},
		"200 after 103":                 {answer{Wire: "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}, "delivered", "2xx", false},
		"200 with a huge body":          {raw("HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n" + strings.Repeat("x", 1<<20)), "delivered", "2xx", false},
		"429 with Retry-After":          again(says(429, "Retry-After: 1"), "deferred", "4xx"),
		"503 with Retry-After":          again(says(503, "Retry-After: 1"), "deferred", "5xx"),
		"503 with a delay of zero":      again(says(503, "Retry-After: 0"), "failed", "5xx"),
		"503 with a date":               again(says(503, "Retry-After: "+time.Now().Add(2*time.Second).UTC().Format(http.TimeFormat)), "deferred", "5xx"),
		"503 with a date gone by":       again(says(503, "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT"), "failed", "5xx"),
		"503 with a negative time":      again(says(503, "Retry-After: -5"), "failed", "5xx"),
		"503 with no 64-bit integer":    again(says(503, "Retry-After: 99999999999999999999"), "failed", "5xx"),
		"503 with words for a time":     again(says(503, "Retry-After: soon"), "failed", "5xx"),
		"408":                           again(says(408), "failed", "4xx"),
		"425":                           again(says(425), "failed", "4xx"),
		"429":                           again(says(429), "failed", "4xx"),
		"500":                           again(says(500), "failed", "5xx"),
		"599":                           again(says(599), "failed", "5xx"),
		"closed without an answer":      again(raw(""), "failed", "error"),
		"a head cut short":              again(raw("HTTP/1.1 200 OK\r\nContent-Le"), "failed", "error"),
		"a 200 whose body is cut":       again(raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhal"), "failed", "error"),
		"a 200 whose chunks are cut":    again(raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"), "failed", "error"),
		"no HTTP at all":                again(raw("SSH-2.0-OpenSSH_9.6\r\n"), "failed", "error"),
		"200 but retry":                 again(says(200, "X-Carrier-Action: retry"), "failed", "2xx"),
		"400 but retry":                 again(says(400, "X-Carrier-Action: retry"), "failed", "4xx"),
		"500 but ack":                   {says(500, "X-Carrier-Action: ack"), "delivered", "5xx", false},
		"404 but ack, in capitals":      {says(404, "x-carrier-action: ACK"), "delivered", "4xx", false},
		"500 but ack twice":             {says(500, "X-Carrier-Action: ack", "X-Carrier-Action: ack"), "delivered", "5xx", false},
		"200 with an unknown action":    again(says(200, "X-Carrier-Action: explode"), "failed", "2xx"),
		"200 with two actions":          again(says(200, "X-Carrier-Action: ack", "X-Carrier-Action: retry"), "failed", "2xx"),
		"200 after many heartbeats":     {answer{Wire: strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 100) + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}, "delivered", "2xx", false},
		"204 with a body":               {answer{Wire: "HTTP/1.1 204 No Content\r\nContent-Length: 40\r\n\r\n"}, "delivered", "2xx", false},
		"101":                           {raw("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"), "rejected", "1xx", false},
		"301":                           {says(301, "Location: /elsewhere"), "rejected", "3xx", false},
		"307":                           {says(307, "Location: /elsewhere"), "rejected", "3xx", false},
		"304":                           {answer{Wire: "HTTP/1.1 304 Not Modified\r\n\r\n"}, "rejected", "3xx", false},
		"304 with a body":               {answer{Wire: "HTTP/1.1 304 Not Modified\r\nContent-Length: 40\r\n\r\n"}, "rejected", "3xx", false},
		"400":                           {says(400), "rejected", "4xx", false},
		"404":                           {says(404), "rejected", "4xx", false},
		"410 with Retry-After":          {says(410, "Retry-After: 1"), "rejected", "4xx", false},
		"500 but dead-letter":           {says(500, "X-Carrier-Action: dead-letter"), "rejected", "5xx", false},
		"200 but dead-letter":           {says(200, "X-Carrier-Action: dead-letter"), "rejected", "2xx", false},
		"timeout":                       again(answer{Hold: make(chan struct{})}, "failed", "timeout"),
		"a head that trickles for ever": again(answer{Wire: "HTTP/1.1 200 OK\r\nX: ", Hold: nil}, "failed", "timeout"),
	}
}

// TestEveryAnswerHasItsOutcome asks one program all the questions: each case is one
// message, known by its body. Permanent failures go to the dead letters.
func TestEveryAnswerHasItsOutcome(t *testing.T) {
	t.Parallel()
	onEverySource(t, func(t *testing.T, kind string) {
		cases := answers()
		w := newWorker(t, func(_ int, r request) answer {
			if r.receiveCount() > 1 {
				return says(200)
			}
			return answers()[r.Body].Answer // whose date is in the future now
		})
		b := prepare(t, kind, w, env{
			"CARRIER_REJECT_ACTION": "dead-letter", "CARRIER_WEBHOOK_REQUEST_TIMEOUT": "4s",
			"CARRIER_CONCURRENCY": "40", "CARRIER_SQS_WAIT_TIME": "1s", "CARRIER_DEFER_HOLD": "0s",
		})
		var dead *sqstest.Queue
		if kind == ofSQS {
			dead = b.onSQS().deadLetters(100)
		}
		b.start()
		b.awaitReady()
		ids := map[string]string{"200": b.put(testMessage{Body: "200"})}
		b.awaitEmpty() // before the first success a 404 is no rejection on ingest
		for name := range cases {
			if name != "200" {
				ids[name] = b.put(testMessage{Body: name})
			}
		}
		b.awaitEmpty()
		until(t, "every message settled", func() bool { return len(settledLines(b.program)) >= len(cases) })
		outcomes := settledLines(b.program)
		counted := map[string]int{}
		for name, want := range cases {
			posts := 1
			counted[want.Code]++
			if want.Again {
				posts++
				counted["2xx"]++
			}
			if got := len(w.of(ids[name])); got != posts {
				t.Errorf("%s: posted %d times, want %d", name, got, posts)
			}
			if got := outcomes[ids[name]]; got != want.Outcome {
				t.Errorf("%s: the outcome is %q, want %q", name, got, want.Outcome)
			}
		}
		for code, n := range counted {
			if got := b.metric("carrier_attempts_total", `code="`+code+`"`); int(got) != n {
				t.Errorf("%v attempts counted as %s, want %d", got, code, n)
			}
		}
		for _, r := range w.got() {
			if r.Target != "/" {
				t.Errorf("a redirect was followed to %s", r.Target)
			}
		}
		if kind == ofSQS {
			checkDeadLetters(t, dead, cases)
		}
		b.stop()
	})
}

// settledLines is the first outcome of each message, as the log has it.
func settledLines(p *program) map[string]string {
	first := map[string]string{}
	for _, l := range p.log() {
		outcome, found := strings.CutPrefix(l.text("msg"), "message ")
		if id := l.text("message_id"); found && id != "" && first[id] == "" {
			first[id] = outcome
		}
	}
	return first
}

func checkDeadLetters(t *testing.T, dead *sqstest.Queue, cases map[string]end) {
	t.Helper()
	buried := map[string]sqstest.Peek{}
	for _, m := range dead.Peek() {
		buried[m.Body] = m
	}
	for name, want := range cases {
		m, there := buried[name]
		if there != (want.Outcome == "rejected") {
			t.Errorf("%s: dead letter: %v", name, there)
		}
		if there && (m.Attributes["Carrier.Reason"].StringValue == "" || m.Attributes["Carrier.Attempts"].StringValue != "1" || m.Attributes["Carrier.Status"].StringValue == "") {
			t.Errorf("%s: the dead letter's attributes are %v", name, m.Attributes)
		}
	}
}
