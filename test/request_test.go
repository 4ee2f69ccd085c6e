package test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Section 3: what the worker gets.

// carriersOwn are the headers every request has, and none else of that prefix.
var carriersOwn = []string{
	"X-Carrier-Deadline", "X-Carrier-First-Receive-Time", "X-Carrier-Message-Id",
	"X-Carrier-Receive-Count", "X-Carrier-Sent-Time", "X-Carrier-Source",
}

func TestWorkerGetsOnePostWithExactlyTheDocumentedHeaders(t *testing.T) {
	t.Parallel()
	onEverySource(t, func(t *testing.T, kind string) {
		w := newWorker(t, always(says(200)))
		b := newBench(t, kind, w, env{"CARRIER_WEBHOOK_ENDPOINT": w.endpoint() + "/in?x=%2f", "CARRIER_WEBHOOK_REQUEST_TIMEOUT": "45s"})
		before := time.Now().Unix()
		id := b.put(testMessage{Body: `{"n":1}`})
		r := w.await(1)[0]
		b.awaitEmpty()
		after := time.Now().Unix()

		if got, want := r.Method+" "+r.Target+" "+r.Proto, "POST /in?x=%2f HTTP/1.1"; got != want {
			t.Errorf("request line %q, want %q", got, want)
		}
		want := append([]string{"Host", "User-Agent", "Content-Length", "Content-Type"}, carriersOwn...)
		if got := names(r); !slices.Equal(got, sorted(want)) {
			t.Errorf("headers %q, want %q", got, sorted(want))
		}
		for name, want := range map[string]string{
			"Host": w.address, "Content-Type": "application/json", "X-Carrier-Message-Id": id,
			"X-Carrier-Receive-Count": "1", "X-Carrier-Source": map[string]string{ofSQS: "orders", ofIngest: "ingest"}[kind],
		} {
			if got := r.header(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if !regexp.MustCompile(`^carrier/\S+$`).MatchString(r.header("User-Agent")) {
			t.Errorf("User-Agent is %q", r.header("User-Agent"))
		}
		for name, extra := range map[string]int64{"X-Carrier-First-Receive-Time": 0, "X-Carrier-Sent-Time": 0, "X-Carrier-Deadline": 45} {
			at, err := strconv.ParseInt(r.header(name), 10, 64)
			if err != nil || at < before+extra || at > after+extra {
				t.Errorf("%s is %q, want whole seconds between %d and %d", name, r.header(name), before+extra, after+extra)
			}
		}
		b.stop()
	})
}

func names(r request) []string {
	var all []string
	for _, f := range r.Fields {
		all = append(all, f.Name)
	}
	return sorted(all)
}

func sorted(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return s
}

func TestBodyArrivesByteForByte(t *testing.T) {
	t.Parallel()
	bodies := map[string]string{
		"text":             "héllo\r\n\tworld",
		"one byte":         "x",
		"looks like HTTP":  "0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
		"large":            strings.Repeat("0123456789abcdef", 40_000),
		"beyond the plane": "\U0001F600 end",
		"any bytes":        allBytes(),
		"nothing":          "",
	}
	onEverySource(t, func(t *testing.T, kind string) {
		w := newWorker(t, always(says(200)))
		b := newBench(t, kind, w, nil)
		want := map[string]string{}
		for name, body := range bodies {
			if kind == ofSQS && (name == "any bytes" || name == "nothing") {
				continue // SQS takes neither
			}
			want[b.put(testMessage{Body: body})] = name
		}
		w.await(len(want))
		b.awaitEmpty()
		for id, name := range want {
			posts := w.of(id)
			if len(posts) != 1 || posts[0].Body != bodies[name] {
				t.Errorf("%s: %d posts, the body is not what was sent", name, len(posts))
				continue
			}
			if got := posts[0].header("Content-Length"); got != strconv.Itoa(len(bodies[name])) {
				t.Errorf("%s: Content-Length %q", name, got)
			}
		}
		b.stop()
	})
}

func allBytes() string {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return string(b)
}

func TestContentTypeIsTheMessagesOwnOrElseTheDefault(t *testing.T) {
	t.Parallel()
	onEverySource(t, func(t *testing.T, kind string) {
		w := newWorker(t, always(says(200)))
		b := newBench(t, kind, w, env{"CARRIER_WEBHOOK_DEFAULT_CONTENT_TYPE": "text/csv; header=absent"})
		for sent, want := range map[string]string{"": "text/csv; header=absent", "application/vnd.x+xml;q=1": "application/vnd.x+xml;q=1"} {
			id := b.put(testMessage{Body: "a", ContentType: sent})
			until(t, "the post", func() bool { return len(w.of(id)) == 1 })
			r := w.of(id)[0]
			if got := r.header("Content-Type"); got != want {
				t.Errorf("sent %q: Content-Type %q, want %q", sent, got, want)
			}
			if r.has("X-Carrier-Attribute-Body.ContentType") && kind == ofIngest {
				t.Error("ingest has no such attribute")
			}
		}
		b.stop()
	})
}

func TestEveryDeliveryHasTheSameIdAndFirstReceiveTime(t *testing.T) {
	t.Parallel()
	onEverySourceAndWay(t, func(t *testing.T, kind string, by way) {
		w := by.newWorker(t, first(says(500), says(500)))
		b := newBench(t, kind, w, env{"CARRIER_SQS_WAIT_TIME": "1s"})
		b.put(testMessage{Body: "a"})
		posts := w.await(3)
		for i, r := range posts[:3] {
			if r.receiveCount() != i+1 {
				t.Errorf("delivery %d says receive count %d", i+1, r.receiveCount())
			}
			for _, name := range []string{"X-Carrier-Message-Id", "X-Carrier-First-Receive-Time", "X-Carrier-Sent-Time"} {
				if r.header(name) != posts[0].header(name) {
					t.Errorf("delivery %d: %s is %q, was %q", i+1, name, r.header(name), posts[0].header(name))
				}
			}
		}
		b.stop()
	})
}

func TestEveryHandOutIsPosted(t *testing.T) {
	t.Parallel()
	onEverySourceAndWay(t, func(t *testing.T, kind string, by way) {
		const failures = 6 // SQS knows whole seconds only
		w := by.newWorker(t, func(n int, _ request) answer {
			if n <= failures {
				return says(503)
			}
			return says(200)
		})
		b := newBench(t, kind, w, env{"CARRIER_RETRY_INITIAL_INTERVAL": "10ms", "CARRIER_RETRY_MAX_INTERVAL": "10ms"})
		b.put(testMessage{Body: "a"})
		for i, r := range w.await(failures + 1) {
			if r.receiveCount() != i+1 {
				t.Fatalf("post %d says receive count %d", i+1, r.receiveCount())
			}
		}
		b.awaitEmpty()
		b.stop()
	})
}

func TestGroupIsNamedToTheWorker(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{ofSQSFIFO, ofIngest} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorker(t, always(says(200)))
			b := newBench(t, kind, w, nil)
			b.put(testMessage{Body: "a", Group: "customer/7"})
			if got := w.await(1)[0].header("X-Carrier-Group-Id"); got != "customer/7" {
				t.Errorf("X-Carrier-Group-Id is %q", got)
			}
			b.stop()
		})
	}
}
