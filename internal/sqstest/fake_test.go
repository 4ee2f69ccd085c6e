package sqstest_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"carrier/internal/sqstest"
)

// inside runs test in a bubble in which time passes by itself, against a fake that
// is reached through a pipe, with one queue. Time in it is exact.
func inside(t *testing.T, o sqstest.Options, name string, test func(b *bench, s *sqstest.Server, q *sqstest.Queue)) {
	synctest.Test(t, func(t *testing.T) {
		s := sqstest.New(o)
		client, stop := s.Pipe()
		defer stop()
		q, err := s.CreateQueue(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		b := &bench{T: t, url: q.URL("http://sqs.test")}
		b.c = connect("http://sqs.test", func(o *sqs.Options) { o.HTTPClient = client })
		test(b, s, q)
	})
}

func put(b *bench, q *sqstest.Queue, letters ...sqstest.Letter) []string {
	b.Helper()
	var ids []string
	for _, l := range letters {
		id, err := q.Send(l)
		b.must(err)
		ids = append(ids, id)
	}
	return ids
}

func TestVisibilityIsExact(t *testing.T) {
	inside(t, sqstest.Options{}, "q", func(b *bench, _ *sqstest.Server, q *sqstest.Queue) {
		put(b, q, sqstest.Letter{Body: "m"})
		m := b.one(hiddenFor(30))
		time.Sleep(30*time.Second - time.Millisecond)
		if c := q.Counts(); c.InFlight != 1 {
			b.Errorf("just before the end: %+v", c)
		}
		time.Sleep(time.Millisecond)
		if c := q.Counts(); c.Visible != 1 {
			b.Errorf("at the end: %+v", c)
		}
		b.delete(m) // nobody received it since: a standard queue deletes it
		if c := q.Counts(); c.All() != 0 {
			b.Errorf("after the deletion: %+v", c)
		}
	})
}

func TestTwelveHoursAreTheMostFromTheReceive(t *testing.T) {
	inside(t, sqstest.Options{}, "q", func(b *bench, _ *sqstest.Server, q *sqstest.Queue) {
		put(b, q, sqstest.Letter{Body: "m"})
		m := b.one(hiddenFor(3600))
		time.Sleep(30 * time.Minute)
		b.refuses(b.tryHide(*m.ReceiptHandle, 43200-1799), "InvalidParameterValue")
		out, err := b.c.ChangeMessageVisibilityBatch(b.Context(), &sqs.ChangeMessageVisibilityBatchInput{
			QueueUrl: &b.url, Entries: changes([]string{"good", "bad"}, m.ReceiptHandle),
		})
		b.must(err)
		if len(out.Successful) != 2 {
			b.Errorf("30 s are refused: %v", out.Failed)
		}
		b.hide(m, 43200-1800)
		time.Sleep(43200*time.Second - 1800*time.Second - time.Second)
		if c := q.Counts(); c.InFlight != 1 {
			b.Errorf("a second before 12 hours: %+v", c)
		}
		b.refuses(b.tryHide(*m.ReceiptHandle, 2), "InvalidParameterValue")
	})
}

func TestPollWakesWhenAMessageShowsItself(t *testing.T) {
	inside(t, sqstest.Options{}, "q", func(b *bench, _ *sqstest.Server, q *sqstest.Queue) {
		put(b, q, sqstest.Letter{Body: "delayed", Delay: 7 * time.Second})
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

func TestAdvanceMovesTheServersClockOnly(t *testing.T) {
	inside(t, sqstest.Options{}, "q", func(b *bench, s *sqstest.Server, q *sqstest.Queue) {
		put(b, q, sqstest.Letter{Body: "m"})
		b.one(hiddenFor(600))
		begin := time.Now()
		got := make(chan []string)
		go func() { got <- bodies(b.receive(waiting(20))) }()
		synctest.Wait()
		s.Advance(599 * time.Second) // ends the poll, too
		if bodies := <-got; len(bodies) != 0 {
			b.Errorf("received %v a second early", bodies)
		}
		s.Advance(time.Second)
		b.sees(b.receive(), "m")
		if took := time.Since(begin); took != 0 {
			b.Errorf("it took %v of the process's time", took)
		}
	})
}

func TestDeduplicationLastsFiveMinutes(t *testing.T) {
	inside(t, sqstest.Options{}, "q.fifo", func(b *bench, s *sqstest.Server, q *sqstest.Queue) {
		l := sqstest.Letter{Body: "m", Group: "g", Dedup: "d"}
		first := put(b, q, l)
		s.Advance(5*time.Minute - time.Millisecond)
		if again := put(b, q, l); !slices.Equal(again, first) || q.Counts().All() != 1 {
			b.Errorf("within five minutes it was sent again: %v, %v", first, again)
		}
		s.Advance(time.Millisecond)
		if again := put(b, q, l); slices.Equal(again, first) || q.Counts().All() != 2 {
			b.Error("after five minutes it was not sent")
		}
	})
}

func TestGroupIsHeldByAnyMessageInFlight(t *testing.T) {
	inside(t, sqstest.Options{}, "q.fifo", func(b *bench, _ *sqstest.Server, q *sqstest.Queue) {
		for _, body := range []string{"1", "2", "3"} {
			put(b, q, sqstest.Letter{Body: body, Group: "g", Dedup: body})
		}
		got := b.receive()
		b.sees(got, "1", "2", "3")
		b.hide(got[0], 0) // the head goes back while the tail is out
		b.sees(b.receive())
		b.hide(got[1], 0)
		b.sees(b.receive())
		b.hide(got[2], 0)
		b.sees(b.receive(), "1", "2", "3")
	})
}

func TestRedriveKeepsAFIFOGroupGoing(t *testing.T) {
	inside(t, sqstest.Options{}, "q.fifo", func(b *bench, s *sqstest.Server, q *sqstest.Queue) {
		dead, err := s.CreateQueue("dead.fifo", nil)
		b.must(err)
		b.must(q.Set(map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + dead.ARN() + `","maxReceiveCount":1}`}))
		put(b, q, sqstest.Letter{Body: "1", Group: "g", Dedup: "1"}, sqstest.Letter{Body: "2", Group: "g", Dedup: "2"})
		one := func(in *sqs.ReceiveMessageInput) { in.MaxNumberOfMessages = 1 }
		b.hide(b.receive(one)[0], 0)
		b.sees(b.receive(), "2")
		b.url = dead.URL("http://sqs.test")
		if m := b.one(); *m.Body != "1" || m.Attributes["ApproximateReceiveCount"] != "2" {
			b.Errorf("the dead letter is %q, %v", *m.Body, m.Attributes)
		}
	})
}

func TestSilentOnExpiredSaysYesAndDoesNothing(t *testing.T) {
	inside(t, sqstest.Options{SilentOnExpired: true}, "q", func(b *bench, _ *sqstest.Server, q *sqstest.Queue) {
		put(b, q, sqstest.Letter{Body: "m"})
		m := b.one(hiddenFor(1))
		time.Sleep(time.Second)
		b.hide(m, 600)
		b.sees(b.receive(), "m")
	})
}

func TestQueueOfAnotherAccountIsNotFound(t *testing.T) {
	inside(t, sqstest.Options{Account: "123456789012"}, "q", func(b *bench, _ *sqstest.Server, q *sqstest.Queue) {
		for owner, found := range map[string]bool{"123456789012": true, "210987654321": false} {
			out, err := b.c.GetQueueUrl(b.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("q"), QueueOwnerAWSAccountId: &owner})
			if !found {
				b.refuses(err, "QueueDoesNotExist")
				continue
			}
			b.must(err)
			if *out.QueueUrl != q.URL("http://sqs.test") {
				b.Errorf("the queue is at %s", *out.QueueUrl)
			}
		}
		b.url = "http://sqs.test/000000000000/q"
		_, err := b.trySend("m")
		b.refuses(err, "QueueDoesNotExist")
	})
}

func TestOpenPollIsWokenAtOnce(t *testing.T) {
	for name, shows := range map[string]func(b *bench, q *sqstest.Queue, inHand types.Message){
		"by a message that is sent": func(b *bench, q *sqstest.Queue, _ types.Message) {
			put(b, q, sqstest.Letter{Body: "other group", Group: "h", Dedup: "x"})
		},
		"by a message that is given back": func(b *bench, _ *sqstest.Queue, m types.Message) { b.hide(m, 0) },
		"by the end of its group's head":  func(b *bench, _ *sqstest.Queue, m types.Message) { b.delete(m) },
	} {
		t.Run(name, func(t *testing.T) {
			inside(t, sqstest.Options{}, "q.fifo", func(b *bench, _ *sqstest.Server, q *sqstest.Queue) {
				put(b, q, sqstest.Letter{Body: "head", Group: "g", Dedup: "1"})
				head := b.one(hiddenFor(600))
				put(b, q, sqstest.Letter{Body: "tail", Group: "g", Dedup: "2"})
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

func TestFirstReceiveTimeStays(t *testing.T) {
	inside(t, sqstest.Options{}, "q", func(b *bench, _ *sqstest.Server, q *sqstest.Queue) {
		put(b, q, sqstest.Letter{Body: "m"})
		time.Sleep(time.Second)
		want := strconv.FormatInt(time.Now().UnixMilli(), 10)
		b.one(hiddenFor(1))
		time.Sleep(time.Second)
		if got := b.one().Attributes["ApproximateFirstReceiveTimestamp"]; got != want {
			b.Errorf("it is %s, was %s", got, want)
		}
	})
}

func TestPollerThatWentAwayGetsNothingUnlessItIsDeaf(t *testing.T) {
	for _, deaf := range []bool{true, false} {
		s := sqstest.New(sqstest.Options{})
		q, err := s.CreateQueue("q", nil)
		if err != nil {
			t.Fatal(err)
		}
		put(&bench{T: t}, q, sqstest.Letter{Body: "m"})
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
	put(b, q, sqstest.Letter{Body: "m"})
	if c := q.Counts(); c.Visible != 1 {
		t.Errorf("the message is at %+v", c)
	}
}

// eventually waits until it is true, for as long as a busy machine may need.
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

func TestErrorsHaveTheirNamesInBothProtocols(t *testing.T) {
	for want, e := range map[string]*sqstest.Error{
		"AWS.SimpleQueueService.NonExistentQueue": sqstest.QueueDoesNotExist(),
		"RequestThrottled":                        sqstest.RequestThrottled(),
		"ThrottlingException":                     sqstest.ThrottlingException(),
		"OverLimit":                               sqstest.OverLimit(),
		"InvalidClientTokenId":                    sqstest.InvalidClientToken(),
		"ExpiredToken":                            sqstest.ExpiredToken(),
		"SignatureDoesNotMatch":                   sqstest.SignatureDoesNotMatch(),
		"AccessDenied":                            sqstest.AccessDenied("SendMessage"),
		"InternalFailure":                         sqstest.InternalError(),
		"ServiceUnavailable":                      sqstest.ServiceUnavailable(),
	} {
		inside(t, sqstest.Options{}, "q", func(b *bench, s *sqstest.Server, q *sqstest.Queue) {
			s.Inject("SendMessage", sqstest.Fault{Error: e})
			_, err := b.trySend("m")
			var api smithy.APIError
			if !errors.As(err, &api) || api.ErrorCode() != want {
				t.Errorf("got %v, want %s", err, want)
			}
			if (api.ErrorFault() == smithy.FaultServer) != e.Receiver {
				t.Errorf("%s: fault %v", want, api.ErrorFault())
			}
			var answer interface{ HTTPStatusCode() int }
			if errors.As(err, &answer) && (answer.HTTPStatusCode() >= http.StatusInternalServerError) != e.Receiver {
				t.Errorf("%s: status %d", want, answer.HTTPStatusCode())
			}
			if q.Counts().All() != 0 {
				t.Errorf("%s: the work was done all the same", want)
			}
		})
	}
}
