package sqstest_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"carrier/internal/testkit/sqstest"
)

// isAnswer reports whether err came from the service, and not from the connection.
func isAnswer(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api)
}

func TestDroppedConnectionDoesWhatItSays(t *testing.T) {
	for name, c := range map[string]struct {
		fault sqstest.Fault
		done  int
	}{
		"before the work":          {sqstest.Fault{Drop: sqstest.BeforeWork}, 0},
		"after the work":           {sqstest.Fault{Drop: sqstest.AfterWork}, 1},
		"in the middle of the say": {sqstest.Fault{Drop: sqstest.MidAnswer}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inside(t, sqstest.Options{}, "q", func(b *bench, s *sqstest.Server, q *sqstest.Queue) {
				s.Inject("SendMessage", c.fault)
				if _, err := b.trySend("m"); err == nil || isAnswer(err) {
					b.Errorf("got %v, want a broken connection", err)
				}
				if got := q.Counts().All(); got != c.done {
					b.Errorf("%d messages are in the queue, want %d", got, c.done)
				}
				b.send("the next call is well")
			})
		})
	}
}

func TestEntriesFailAsInjected(t *testing.T) {
	inside(t, sqstest.Options{}, "q", func(b *bench, s *sqstest.Server, q *sqstest.Queue) {
		for _, body := range []string{"0", "1", "2"} {
			put(b, q, sqstest.Message{Body: body})
		}
		got := b.receive()
		s.Inject("DeleteMessageBatch", sqstest.Fault{Entry: func(i int, _ string) *sqstest.EntryFault {
			return []*sqstest.EntryFault{nil, {Code: "InternalError"}, {Code: "InternalError", Done: true, SenderFault: true}}[i]
		}})
		entries := deletions([]string{"a"}, got[0].ReceiptHandle)
		entries = append(entries, deletions([]string{"b"}, got[1].ReceiptHandle)...)
		entries = append(entries, deletions([]string{"c"}, got[2].ReceiptHandle)...)
		out, err := b.c.DeleteMessageBatch(b.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: &b.url, Entries: entries})
		b.must(err)
		if len(out.Successful) != 1 || len(out.Failed) != 2 || out.Failed[0].SenderFault || !out.Failed[1].SenderFault {
			b.Errorf("successful %v, failed %v", out.Successful, out.Failed)
		}
		if p := q.Peek(); len(p) != 1 || p[0].Body != "1" {
			b.Errorf("left are %v", p)
		}
	})
}

func TestFaultsAreUsedUpInOrderAndHealed(t *testing.T) {
	inside(t, sqstest.Options{}, "q", func(b *bench, s *sqstest.Server, _ *sqstest.Queue) {
		fails := func(want bool) {
			b.Helper()
			if _, err := b.trySend("m"); (err != nil) != want {
				b.Errorf("got %v, want a failure: %v", err, want)
			}
		}
		broken := sqstest.Fault{Error: sqstest.InternalError()}
		s.Inject("SendMessage", broken, sqstest.Fault{}, broken)
		fails(true)
		fails(false)
		fails(true)
		fails(false)
		s.Always("", broken)
		s.Always("SendMessage", sqstest.Fault{})
		fails(false)
		if _, err := b.tryReceive(b.Context()); err == nil {
			b.Error("a fault of every operation spares the receive")
		}
		s.Heal()
		b.receive()
		var seen []sqstest.Call
		s.OnCall(func(c sqstest.Call) sqstest.Fault {
			seen = append(seen, c)
			return broken
		})
		fails(true)
		if len(seen) != 1 || seen[0].Op != "SendMessage" || seen[0].N != 6 {
			b.Errorf("the hook saw %v", seen)
		}
	})
}

func TestCallIsHeldAndDelayed(t *testing.T) {
	inside(t, sqstest.Options{}, "q", func(b *bench, s *sqstest.Server, q *sqstest.Queue) {
		before, after := make(chan struct{}), make(chan struct{})
		s.Inject("SendMessage", sqstest.Fault{Hold: before, HoldAnswer: after, Delay: time.Minute})
		sent := make(chan error)
		go func() {
			_, err := b.trySend("m")
			sent <- err
		}()
		synctest.Wait()
		time.Sleep(time.Hour)
		if q.Counts().All() != 0 || s.Open("SendMessage") != 1 {
			b.Error("a held call did its work, or is not under way")
		}
		close(before)
		time.Sleep(time.Minute)
		synctest.Wait()
		if q.Counts().All() != 1 || s.Open("SendMessage") != 1 {
			b.Error("a released call did not do its work, or was answered")
		}
		close(after)
		b.must(<-sent)
	})
}

// headFirst makes a SendMessage on a connection that could be kept, sends its body only
// after the first bytes of an answer, and returns that answer.
func headFirst(t *testing.T, endpoint, body string) (answer string, err error) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "http://"))
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	head := "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: AmazonSQS.SendMessage\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n"
	if _, err := io.WriteString(conn, head); err != nil {
		return "", err
	}
	reader := bufio.NewReader(conn)
	if _, err := reader.Peek(len("HTTP/1.1 ")); err != nil {
		return "", err
	}
	_, _ = io.WriteString(conn, body)
	resp, err := http.ReadResponse(reader, nil)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	all, err := io.ReadAll(resp.Body)
	return string(all), err
}

func TestAnswerComesBeforeTheBodyIsRead(t *testing.T) {
	s, endpoint := sqstest.Start(t, sqstest.Options{})
	q, err := s.CreateQueue("q", nil)
	if err != nil {
		t.Fatal(err)
	}
	body := `{"QueueUrl":"` + q.URL(endpoint) + `","MessageBody":"m"}`
	for name, c := range map[string]struct {
		fault sqstest.Fault
		rest  string
	}{
		"whole":    {sqstest.Fault{Unread: true, Error: sqstest.RequestThrottled()}, "RequestThrottled"},
		"its head": {sqstest.Fault{EarlyHead: true}, "MD5OfMessageBody"},
	} {
		t.Run(name, func(t *testing.T) {
			s.Inject("SendMessage", c.fault)
			if answer, err := headFirst(t, endpoint, body); err != nil || !strings.Contains(answer, c.rest) {
				t.Errorf("got %q, %v", answer, err)
			}
		})
	}
}

func TestPlainHTTPIsEnough(t *testing.T) {
	s, endpoint := sqstest.Start(t, sqstest.Options{})
	q, err := s.CreateQueue("q", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		op, body, want, query string
		status                int
	}{
		"a message":        {"SendMessage", `{"QueueUrl":"` + q.URL(endpoint) + `","MessageBody":"m"}`, `"MessageId"`, "", 200},
		"no such queue":    {"SendMessage", `{"QueueUrl":"http://x/000000000000/none","MessageBody":"m"}`, `"__type":"com.amazonaws.sqs#QueueDoesNotExist"`, "AWS.SimpleQueueService.NonExistentQueue;Sender", 400},
		"no such call":     {"Fly", `{}`, "UnknownOperationException", "InvalidAction;Sender", 400},
		"no JSON":          {"SendMessage", `{`, "SerializationException", "SerializationException;Sender", 400},
		"no queue named":   {"SendMessage", `{}`, "MissingParameter", "MissingParameter;Sender", 400},
		"an empty message": {"SendMessage", `{"QueueUrl":"` + q.URL(endpoint) + `"}`, "MissingParameter", "MissingParameter;Sender", 400},
	} {
		t.Run(name, func(t *testing.T) {
			got := post(t, endpoint, c.op, c.body)
			if got.status != c.status || !strings.Contains(got.body, c.want) || got.header.Get("X-Amzn-Query-Error") != c.query {
				t.Errorf("got %+v", got)
			}
			if got := got.header.Get("Content-Type"); got != "application/x-amz-json-1.0" {
				t.Errorf("Content-Type is %s", got)
			}
		})
	}
}
