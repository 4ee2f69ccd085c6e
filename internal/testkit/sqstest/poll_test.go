package sqstest_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"carrier/internal/testkit/sqstest"
)

func TestPollWakesWhenAMessageShowsItself(t *testing.T) {
	inside(t, sqstest.Options{}, "q", func(b *bench, _ *sqstest.Server, q *sqstest.Queue) {
		put(b, q, sqstest.Message{Body: "delayed", Delay: 7 * time.Second})
		begin := time.Now()
		b.sees(b.receive(waiting(20), hiddenFor(9)), "delayed")
		if took := time.Since(begin); took != 7*time.Second {
			b.Errorf("the delayed message took %v", took)
		}
		b.sees(b.receive(waiting(20)), "delayed")
		if took := time.Since(begin); took != 16*time.Second {
			b.Errorf("the lapsed message took %v", took)
		}
		b.sees(b.receive(waiting(13)))
		if took := time.Since(begin); took != 29*time.Second {
			b.Errorf("the empty poll took %v", took)
		}
	})
}

func TestOpenPollIsWokenAtOnce(t *testing.T) {
	for name, shows := range map[string]func(b *bench, q *sqstest.Queue, inFlight types.Message){
		"by a message that is sent": func(b *bench, q *sqstest.Queue, _ types.Message) {
			put(b, q, sqstest.Message{Body: "other group", Group: "h", Dedup: "x"})
		},
		"by a message that is given back": func(b *bench, _ *sqstest.Queue, m types.Message) { b.hide(m, 0) },
		"by the end of its group's head":  func(b *bench, _ *sqstest.Queue, m types.Message) { b.delete(m) },
	} {
		t.Run(name, func(t *testing.T) {
			inside(t, sqstest.Options{}, "q.fifo", func(b *bench, _ *sqstest.Server, q *sqstest.Queue) {
				put(b, q, sqstest.Message{Body: "head", Group: "g", Dedup: "1"})
				head := b.one(hiddenFor(600))
				put(b, q, sqstest.Message{Body: "tail", Group: "g", Dedup: "2"})
				begin, got := time.Now(), make(chan []types.Message)
				go func() { got <- b.receive(waiting(20)) }()
				synctest.Wait()
				shows(b, q, head)
				if messages := <-got; len(messages) == 0 || time.Since(begin) != 0 {
					b.Errorf("received %v after %v", bodies(messages), time.Since(begin))
				}
			})
		})
	}
}

func TestPollerThatWentAwayGetsNothingUnlessItIsDeaf(t *testing.T) {
	for _, deaf := range []bool{true, false} {
		s := sqstest.New(sqstest.Options{})
		q, err := s.CreateQueue("q", nil)
		if err != nil {
			t.Fatal(err)
		}
		put(&bench{T: t}, q, sqstest.Message{Body: "m"})
		s.Inject("ReceiveMessage", sqstest.Fault{Deaf: deaf})
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		r := httptest.NewRequestWithContext(gone, http.MethodPost, "/", strings.NewReader(`{"QueueUrl":"http://x/000000000000/q","WaitTimeSeconds":20}`))
		r.Header.Set("X-Amz-Target", "AmazonSQS.ReceiveMessage")
		s.ServeHTTP(httptest.NewRecorder(), r)
		if c := q.Counts(); (c.InFlight == 1) != deaf {
			t.Errorf("deaf %v: the message is at %+v", deaf, c)
		}
	}
}

func TestServerNoticesThatAPollerWentAway(t *testing.T) {
	s, endpoint := sqstest.Start(t, sqstest.Options{})
	q, err := s.CreateQueue("q", nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, c: connect(endpoint), url: q.URL(endpoint)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := b.tryReceive(ctx, waiting(20))
		done <- err
	}()
	eventually(t, func() bool { return s.Open("ReceiveMessage") == 1 })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the poll ended with %v", err)
	}
	eventually(t, func() bool { return s.Open("ReceiveMessage") == 0 })
	put(b, q, sqstest.Message{Body: "m"})
	if c := q.Counts(); c.Visible != 1 {
		t.Errorf("the message is at %+v", c)
	}
}

func eventually(t *testing.T, is func() bool) {
	t.Helper()
	for range 3000 {
		if is() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("it never was so")
}
