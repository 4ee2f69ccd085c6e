package handoff

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"carrier/internal/http1"
	"carrier/message"
	"carrier/transmitter"
	"carrier/transmitter/transmittertest"
)

const hold = 15 * time.Minute

var (
	laterAnswer = message.Outcome{Cause: message.Failed, Status: 202, Code: "2xx", Endpoint: "http://w/", Later: hold}
	goodAnswer  = message.Outcome{Verdict: message.Delivered, Status: 200, Code: "2xx", Endpoint: "http://w/"}
	badAnswer   = message.Outcome{Cause: message.Failed, Status: 500, Code: "5xx", Endpoint: "http://w/", Reason: "500"}
)

// A poster is a worker that is posted to with tokens: it answers each POST with answer after so long.
type poster struct {
	table  *Table
	answer message.Outcome
	after  time.Duration
	tokens chan string // of each POST
	late   *Late
	result chan message.Outcome
}

func newPoster(answer message.Outcome, after time.Duration) *poster {
	p := &poster{table: New(Options{Lease: lease}), answer: answer, after: after, tokens: make(chan string, 10), result: make(chan message.Outcome, 10)}
	p.late = p.table.Late(LateOptions{Post: p.post, Endpoint: "http://w/", Lease: lease, Ready: unlimited})
	return p
}

func (p *poster) post(ctx context.Context, _ *message.Message, token string, _ *http1.Extension) message.Outcome {
	p.tokens <- token
	select {
	case <-time.After(p.after):
		return p.answer
	case <-ctx.Done():
		return message.Outcome{Cause: message.Failed, Code: "error", Reason: "cut off"}
	}
}

// offer has a message posted, awaited and settled, as a route does.
func (p *poster) offer(ctx context.Context) {
	m := &message.Message{ID: "a"}
	o := p.table.Awaiting(p.late).Transmit(ctx, m)
	p.result <- o
	p.table.Settled(m, nil)
}

func TestWordThatComesLaterIsTheOutcome(t *testing.T) {
	for name, c := range map[string]struct {
		answer message.Outcome
		after  time.Duration // of the answer
		say    Verdict       // a minute after the POST began
		want   message.Outcome
	}{
		"later, then ack": {laterAnswer, 0, Verdict{Kind: Ack}, message.Outcome{Verdict: message.Delivered, Status: 202, TokenVerdict: message.AckByToken}},
		"later, then retry": {laterAnswer, 0, Verdict{Kind: Retry}, message.Outcome{
			Cause: message.Failed, Status: 202, TokenVerdict: message.RetryByToken, Reason: "worker asked for a retry",
		}},
		"later, then retry with a delay": {laterAnswer, 0, Verdict{Kind: Retry, Delay: 30 * time.Second}, message.Outcome{
			Cause: message.Deferred, Delay: 30 * time.Second, Status: 202, TokenVerdict: message.RetryByToken, Reason: "worker asked for a retry",
		}},
		"later, then dead-letter": {laterAnswer, 0, Verdict{Kind: DeadLetter, Reason: "torn"}, message.Outcome{
			Verdict: message.Rejected, Action: message.DeadLetter, Status: 202, TokenVerdict: message.DeadLetterByToken, Reason: "torn",
		}},
		"ack before a good answer": {goodAnswer, time.Hour, Verdict{Kind: Ack}, message.Outcome{Verdict: message.Delivered, TokenVerdict: message.AckByToken}},
		"ack before a failure":     {badAnswer, time.Hour, Verdict{Kind: Ack}, message.Outcome{Verdict: message.Delivered, TokenVerdict: message.AckByToken}},
		"retry before a good answer": {goodAnswer, time.Hour, Verdict{Kind: Retry}, message.Outcome{
			Cause: message.Failed, TokenVerdict: message.RetryByToken, Reason: "worker asked for a retry",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPoster(c.answer, c.after)
				ctx, cut := context.WithCancel(t.Context())
				go p.offer(ctx)
				token, begun := <-p.tokens, time.Now()
				time.Sleep(time.Minute)
				if err := settle(t, p.table, token, c.say); err != nil {
					t.Fatalf("settled: %v", err)
				}
				o := <-p.result
				c.want.Endpoint, c.want.Code, c.want.Attempted, c.want.Held = "http://w/", "2xx", begun, time.Minute
				if o.Took = 0; o != c.want {
					t.Errorf("outcome %+v, want %+v", o, c.want)
				}
				if err := settle(t, p.table, token, c.say); err != nil {
					t.Errorf("the same again: %v", err)
				}
				cut()
				p.late.Wait()
				if n := len(p.table.held) + len(p.table.late) + len(p.table.deciding); n != 0 {
					t.Errorf("%d are kept", n)
				}
			})
		})
	}
}

func TestAnswerThatIsNotLaterEndsTheToken(t *testing.T) {
	for name, c := range map[string]struct {
		answer message.Outcome
		want   error
	}{
		"200":         {goodAnswer, ErrLeaseEnded},
		"500":         {badAnswer, ErrLeaseEnded},
		"not reached": {message.Outcome{Cause: message.Unreached, Code: "refused"}, ErrUnknown},
		"not posted":  {message.Outcome{}, ErrUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPoster(c.answer, time.Second)
				p.offer(t.Context())
				if o := <-p.result; o != c.answer {
					t.Errorf("outcome %+v, want %+v", o, c.answer)
				}
				if err := settle(t, p.table, <-p.tokens, Verdict{Kind: Ack}); !errors.Is(err, c.want) {
					t.Errorf("settled: %v, want %v", err, c.want)
				}
			})
		})
	}
}

func TestHoldThatEndsIsAFailedAttempt(t *testing.T) {
	for name, c := range map[string]struct {
		extend, after time.Duration // after the POST's begin
		lasts         time.Duration
	}{
		"as long as was asked for":       {0, 0, time.Second + hold},
		"extended":                       {time.Hour, hold, hold + time.Hour},
		"made shorter":                   {time.Minute, hold / 2, hold/2 + time.Minute},
		"extended before the answer":     {time.Hour, time.Second / 2, time.Second/2 + time.Hour},
		"a little, before the answer":    {time.Minute, time.Second / 2, time.Second + hold},
		"extended by the table's lease":  {0, time.Minute, time.Minute + lease},
		"extended as long as may be had": {100 * time.Hour, time.Minute, time.Minute + MaxLease},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPoster(laterAnswer, time.Second)
				begun := time.Now()
				go p.offer(t.Context())
				token := <-p.tokens
				if c.after > 0 {
					time.Sleep(c.after)
					if err := settle(t, p.table, token, Verdict{Kind: Extend, For: c.extend}); err != nil {
						t.Fatal(err)
					}
				}
				o := <-p.result
				if lasted := time.Since(begun); lasted != c.lasts || o.Held != lasted {
					t.Errorf("held for %v (%v), want %v", lasted, o.Held, c.lasts)
				}
				if o.Verdict != message.Retry || o.Cause != message.Failed || o.Code != "timeout" || o.Status != 202 || o.TokenVerdict != message.NoVerdict || o.Later != 0 || o.Took != time.Second {
					t.Errorf("outcome %+v", o)
				}
				if err := settle(t, p.table, token, Verdict{Kind: Ack}); !errors.Is(err, ErrLeaseEnded) {
					t.Errorf("settled: %v", err)
				}
			})
		})
	}
}

// TestDrainGivesBackWhatIsHeld ends the context as the end of the drain time does.
func TestDrainGivesBackWhatIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPoster(laterAnswer, 0)
		ctx, cut := context.WithTimeout(t.Context(), time.Minute)
		defer cut()
		p.offer(ctx)
		o := <-p.result
		if o.Verdict != message.Retry || o.Cause != message.Failed || o.Status == 0 || o.Held != time.Minute {
			t.Errorf("outcome %+v", o)
		}
		if err := settle(t, p.table, <-p.tokens, Verdict{Kind: Ack}); !errors.Is(err, ErrLeaseEnded) {
			t.Errorf("settled: %v", err)
		}
	})
}

// TestExtendingLengthensAPost looks at the deadline of a POST through a worker that never answers.
func TestExtendingLengthensAPost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := New(Options{Lease: lease})
		tokens := make(chan string, 1)
		late := table.Late(LateOptions{Lease: lease, Post: func(ctx context.Context, _ *message.Message, token string, x *http1.Extension) message.Outcome {
			tokens <- token
			_, err := silent().Do(ctx, http1.Request{Head: []byte("POST / HTTP/1.1\r\n\r\n"), Deadline: time.Now().Add(10 * time.Second), Extension: x})
			return message.Outcome{Cause: message.Failed, Code: "timeout", Reason: err.Error()}
		}})
		begun := time.Now()
		var transmitted sync.WaitGroup
		transmitted.Go(func() { late.Transmit(t.Context(), &message.Message{ID: "a"}) })
		token := <-tokens
		time.Sleep(5 * time.Second)
		for _, d := range []time.Duration{time.Hour, time.Second} { // the second one does not shorten it
			if err := settle(t, table, token, Verdict{Kind: Extend, For: d}); err != nil {
				t.Error(err)
			}
		}
		transmitted.Wait()
		if lasted := time.Since(begun); lasted != 5*time.Second+time.Hour {
			t.Errorf("the POST lasted %v", lasted)
		}
		go late.Transmit(t.Context(), &message.Message{ID: "b"})
		token, begun = <-tokens, time.Now()
		time.Sleep(5 * time.Second)
		_ = settle(t, table, token, Verdict{Kind: Extend, For: time.Hour})
		if _, err := table.Decide(token, Verdict{Kind: Ack}); err != nil {
			t.Error(err)
		}
		late.Wait()
		if lasted := time.Since(begun); lasted != 5*time.Second+afterVerdict {
			t.Errorf("the POST went on for %v although its message was settled after 5s", lasted)
		}
	})
}

func TestPosterThatPanicsFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := New(Options{Lease: lease})
		late := table.Late(LateOptions{Post: func(context.Context, *message.Message, string, *http1.Extension) message.Outcome { panic("boom") }})
		if o := late.Transmit(t.Context(), &message.Message{ID: "a"}); o.Verdict != message.Retry || o.Cause != message.Failed {
			t.Errorf("outcome %+v", o)
		}
	})
}

func TestLateKeepsThePromises(t *testing.T) {
	transmittertest.Run(t, func(t *testing.T, worker transmittertest.Worker) transmitter.Transmitter {
		table := New(Options{Lease: lease})
		var workers sync.WaitGroup
		late := table.Late(LateOptions{Ready: unlimited, Post: func(ctx context.Context, m *message.Message, _ string, _ *http1.Extension) message.Outcome {
			word := make(chan transmittertest.Word, 1)
			workers.Go(func() { word <- worker(m.ID, m.Body) })
			select {
			case w := <-word:
				return map[transmittertest.Word]message.Outcome{
					transmittertest.Done: goodAnswer, transmittertest.Fail: badAnswer,
					transmittertest.Later: {Cause: message.Deferred, Delay: transmittertest.DeferredFor, Status: 503, Code: "5xx", Reason: "503"},
					transmittertest.Never: {Verdict: message.Rejected, Status: 400, Code: "4xx", Reason: "400"},
				}[w]
			case <-ctx.Done():
				return message.Outcome{Cause: message.Failed, Code: "error", Reason: "cut off"}
			}
		}})
		t.Cleanup(func() {
			late.Wait()
			workers.Wait()
		})
		return table.Awaiting(late)
	})
}

func unlimited(ctx context.Context, promised int) (int, error) {
	if promised == transmitter.Unlimited {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return transmitter.Unlimited, nil
}

// silent returns a client of a server that reads everything and says nothing.
func silent() *http1.Client {
	return http1.New(http1.Options{Dial: func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, far) }()
		return near, nil
	}})
}

// TestVerdictAtTheMomentOfTheAnswerCounts has the answer met first although there is a verdict.
func TestVerdictAtTheMomentOfTheAnswerCounts(t *testing.T) {
	for _, answer := range []message.Outcome{goodAnswer, badAnswer, laterAnswer} {
		table := New(Options{Lease: lease})
		h := table.post(&message.Message{ID: "a"}, lease)
		if _, err := table.Decide(h.token, Verdict{Kind: DeadLetter}); err != nil {
			t.Fatal(err)
		}
		if o := table.answered(h, answer, time.Now()); o.Action != message.DeadLetter || o.TokenVerdict != message.DeadLetterByToken || o.Status != answer.Status || o.Later != 0 {
			t.Errorf("outcome %+v", o)
		}
	}
}
