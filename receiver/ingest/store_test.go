package ingest

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"carrier/internal/standardwebhooks"
	"carrier/message"
	"carrier/publisher"
	"carrier/publisher/publishertest"
)

// A shop is a server whose messages go to a queue in memory.
type shop struct {
	single
	queue *publishertest.Memory

	mu   sync.Mutex
	kept []string // what OnKept was told
}

// openShop opens a server over a target; the test's end closes it.
func openShop(t *testing.T, o Options) *shop {
	t.Helper()
	s := &shop{queue: publishertest.NewMemory(publisher.Limits{Bytes: 1000})}
	o.Target = publisher.NewTarget(publisher.TargetOptions{Publisher: s.queue, Most: 10, Failures: 2})
	t.Cleanup(func() {
		if err := o.Target.Close(); err != nil {
			t.Error(err)
		}
	})
	if o.KeepFile {
		if err := o.Target.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	o.OnKept = func(word string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.kept = append(s.kept, word)
	}
	s.single = start(t, o)
	return s
}

// fail makes f the fate of every later message.
func (s *shop) fail(f publishertest.Failure) {
	s.queue.Fail(func(*message.Message) publishertest.Failure { return f })
}

// words are what OnKept was told so far.
func (s *shop) words() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.kept)
}

func TestProducerIsToldOfARepeatThatIsInTheFile(t *testing.T) {
	s := openShop(t, Options{KeepFile: true})
	s.fail(publishertest.Failure{Refusal: errors.New("away")})
	key := "Idempotency-Key: k"
	id := send(t, s.single, "POST", "/", "a", key).id(t)
	s.fail(publishertest.Failure{})
	again := send(t, s.single, "POST", "/", "a", key)
	if again.id(t) != id || again.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("answer %s, want a replay of %s", again.body, id)
	}
	send(t, s.single, "POST", "/", "b", key).problem(t, 422)
	if n := len(s.queue.Messages()); n != 0 || s.QueueMessages() != 1 {
		t.Errorf("%d messages are in the queue and %d in the file, want one in the file", n, s.QueueMessages())
	}
	if want := []string{InFile, InFile, Refused}; !slices.Equal(s.words(), want) {
		t.Errorf("OnKept was told %q, want %q", s.words(), want)
	}
}

func TestRepeatOfWhatTheQueueHasIsAnsweredWithoutIt(t *testing.T) {
	away := publishertest.Failure{Lost: errors.New("broken")}
	for _, keeps := range []bool{false, true} {
		for name, c := range map[string]struct {
			failure    publishertest.Failure
			path, body string
			status     int
			replayed   bool
		}{
			"while it is there":           {path: "/", body: "a", status: 200, replayed: true},
			"while it is away":            {away, "/", "a", 200, true},
			"with another body":           {path: "/", body: "b", status: 422},
			"with another body, and away": {away, "/", "b", 422, false},
			"on another path":             {path: "/b", body: "a", status: 200},
		} {
			t.Run(name+map[bool]string{true: ", with a file"}[keeps], func(t *testing.T) {
				s := openShop(t, Options{KeepFile: keeps})
				id := send(t, s.single, "POST", "/", "a", "Idempotency-Key: k").id(t)
				s.fail(c.failure)
				again := send(t, s.single, "POST", c.path, c.body, "Idempotency-Key: k")
				if again.StatusCode != c.status || (again.Header.Get("Idempotency-Replayed") == "true") != c.replayed {
					t.Errorf("answer %d %v, want %d", again.StatusCode, again.Header, c.status)
				}
				if c.replayed && (again.id(t) != id || !strings.Contains(again.body, `"stored":"queue"`)) {
					t.Errorf("answer %s, want that of %s", again.body, id)
				}
				want := 1
				if c.status == 200 && !c.replayed {
					want = 2
				}
				if n := len(s.queue.Messages()); n != want || keeps && s.QueueMessages() != 0 {
					t.Errorf("%d messages are in the queue, want %d, and none in the file", n, want)
				}
			})
		}
	}
}

// It would be answered with 200, and be rejected when the queue is there again.
func TestWhatTheQueueCanNeverHoldIsRefusedWhileItIsAwayToo(t *testing.T) {
	for name, c := range map[string]struct {
		body, header string
		status       int
	}{
		"too large":     {strings.Repeat("a", 1001), "X-Other: a", 413},
		"a delay":       {"a", "X-Carrier-Delay: 5", 400},
		"a timeout":     {"a", "X-Carrier-Message-Timeout: 5s", 400},
		"nothing amiss": {"a", "X-Other: a", 200},
	} {
		t.Run(name, func(t *testing.T) {
			s := openShop(t, Options{KeepFile: true})
			s.fail(publishertest.Failure{Refusal: errors.New("away")})
			for s.options.Target.IsUp() {
				send(t, s.single, "POST", "/", "b").id(t)
			}
			before := s.QueueMessages()
			if a := send(t, s.single, "POST", "/", c.body, c.header); a.StatusCode != c.status {
				t.Errorf("answer %d %s, want %d", a.StatusCode, a.body, c.status)
			}
			if stored := s.QueueMessages() - before; (stored == 1) != (c.status == 200) {
				t.Errorf("%d messages went into the file", stored)
			}
		})
	}
}

// Whoever has seen a signed request could send it again with another key beside it.
func TestRepeatOfASignedRequestIsKnownByWhatIsSigned(t *testing.T) {
	secret := standardwebhooks.NewSecret()
	s := openShop(t, Options{SigningKeys: secret})
	headers := signedBy(t, secret, "msg_1", "a", time.Now())
	for _, more := range []string{"Idempotency-Key: k", "Idempotency-Key: l"} {
		send(t, s.single, "POST", "/", "a", append(slices.Clone(headers), more)...).id(t)
	}
	if all := s.queue.Messages(); len(all) != 1 || all[0].Key != "msg_1" {
		t.Errorf("messages = %+v, want one of the key that is signed", all)
	}
}

func TestOwnerIsToldWhatBecomesOfEachMessage(t *testing.T) {
	broken := errors.New("broken")
	type want struct {
		status int
		word   string
	}
	for name, c := range map[string]struct {
		failure      publishertest.Failure
		body         string
		header       []string
		alone, aside want // without a file, and with one
	}{
		"confirmed":      {alone: want{200, InQueue}, aside: want{200, InQueue}},
		"refused":        {failure: publishertest.Failure{Refusal: broken}, alone: want{503, NotStored}, aside: want{200, InFile}},
		"not answered":   {failure: publishertest.Failure{Lost: broken}, alone: want{503, Unknown}, aside: want{200, InFile}},
		"never taken":    {failure: publishertest.Failure{Refusal: broken, Why: publisher.TooLarge}, alone: want{413, Refused}, aside: want{413, Refused}},
		"with a timeout": {header: []string{"X-Carrier-Message-Timeout: 5s"}, alone: want{400, Refused}, aside: want{400, Refused}},
	} {
		for keeps, want := range map[bool]want{false: c.alone, true: c.aside} {
			t.Run(name+map[bool]string{true: ", with a file"}[keeps], func(t *testing.T) {
				s := openShop(t, Options{KeepFile: keeps})
				s.fail(c.failure)
				if a := send(t, s.single, "POST", "/", "a", c.header...); a.StatusCode != want.status {
					t.Errorf("answer %d %s, want %d", a.StatusCode, a.body, want.status)
				}
				if words := s.words(); !slices.Equal(words, []string{want.word}) {
					t.Errorf("OnKept was told %q, want %q", words, want.word)
				}
			})
		}
	}
}

func TestMessageBehindOneOfItsGroupInTheFileGoesThereToo(t *testing.T) {
	s := openShop(t, Options{KeepFile: true})
	s.fail(publishertest.Failure{Lost: errors.New("broken")})
	send(t, s.single, "POST", "/", "a", "X-Carrier-Group-Id: g").id(t)
	s.fail(publishertest.Failure{})
	for _, header := range []string{"X-Carrier-Group-Id: g", "X-Carrier-Group-Id: h", "X-Other: g"} {
		send(t, s.single, "POST", "/", "b", header).id(t)
	}
	if want := []string{InFile, InFile, InQueue, InQueue}; !slices.Equal(s.words(), want) {
		t.Errorf("OnKept was told %q, want %q", s.words(), want)
	}
}

// A slow queue confirms after a while, unless its caller has gone.
type slow struct {
	*publishertest.Memory
	takes time.Duration
}

func (s slow) Publish(ctx context.Context, batch []*message.Message) []publisher.Result {
	select {
	case <-time.After(s.takes):
		return s.Memory.Publish(ctx, batch)
	case <-ctx.Done():
		return publisher.Repeat(publisher.Result{Err: ctx.Err()}, len(batch))
	}
}

// What a producer waits for may take as long as the queue may.
func TestRequestThatWaitsForTheQueueIsAnsweredWhenTheServerCloses(t *testing.T) {
	q := slow{publishertest.NewMemory(publisher.Limits{}), 4 * time.Second}
	var p pipes
	synctest.Test(t, func(t *testing.T) {
		target := publisher.NewTarget(publisher.TargetOptions{Publisher: q})
		p.conns = make(chan net.Conn)
		r := newSingle(Options{Target: target, StoreTimeout: 5 * time.Second})
		if err := errors.Join(target.Open(t.Context()), r.serve(t.Context(), &p)); err != nil {
			t.Fatal(err)
		}
		w := p.wire()
		w.say(t, oneByte)
		synctest.Wait()
		closed := make(chan error)
		go func() { closed <- r.Close() }()
		w.hear(t).id(t)
		if err := errors.Join(<-closed, target.Close()); err != nil {
			t.Error(err)
		}
	})
}
