package deadletters

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"carrier/internal/deadletter"
	"carrier/internal/deadletter/deadlettertest"
	"carrier/internal/testkit/sqstest"
	"carrier/message"
	publisher "carrier/publisher/sqs"
	"carrier/receiver/sqs"
)

// TestMain runs the tests in an environment without any AWS configuration.
func TestMain(m *testing.M) {
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "AWS_") {
			_ = os.Unsetenv(name)
		}
	}
	nowhere := filepath.Join(os.TempDir(), "carrier-no-aws-configuration")
	_ = os.Setenv("AWS_CONFIG_FILE", nowhere)
	_ = os.Setenv("AWS_SHARED_CREDENTIALS_FILE", nowhere)
	goleak.VerifyTestMain(m)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A bench is a store over the fake server, with a queue and its dead-letter queue.
type bench struct {
	*Store
	server     *sqstest.Server
	queue      *sqstest.Queue
	dead       *sqstest.Queue
	options    sqs.Options
	deadSender *publisher.Publisher
}

// over opens a store on a server of its own. suffix is .fifo or empty. policy says that the queue's
// redrive policy names the dead-letter queue; without it the configuration does.
func over(t *testing.T, suffix string, policy bool) bench {
	t.Helper()
	b := bench{server: sqstest.New(sqstest.Options{})}
	client, stop := b.server.Pipe()
	t.Cleanup(stop)
	var err error
	b.dead, err = b.server.CreateQueue("dead"+suffix, nil)
	must(t, err)
	b.queue, err = b.server.CreateQueue("q"+suffix, nil)
	must(t, err)
	b.options = sqs.Options{
		QueueName: "q" + suffix, Endpoint: "http://sqs.test", Transport: client.Transport.(*http.Transport), WaitTime: time.Second,
	}
	if policy {
		must(t, b.queue.Set(map[string]string{"RedrivePolicy": policyOf(b.dead)}))
	} else {
		b.options.DeadLetterQueueURL = b.dead.URL("http://sqs.test")
	}
	b.open(t)
	b.deadSender = publisher.Over(b.place.DeadClient, b.place.DeadURL)
	t.Cleanup(func() { must(t, b.Close()) })
	return b
}

func policyOf(dead *sqstest.Queue) string {
	return `{"deadLetterTargetArn":"` + dead.ARN() + `","maxReceiveCount":2}`
}

// open opens the store, anew where it is open.
func (b *bench) open(t *testing.T) {
	t.Helper()
	if b.Store != nil {
		must(t, b.Close())
	}
	s, _, err := Open(t.Context(), b.options)
	must(t, err)
	b.Store = s
}

// Put sends a dead letter, as carrier does.
func (b bench) Put(t *testing.T, m *message.Message) string {
	t.Helper()
	result := b.deadSender.Publish(t.Context(), []*message.Message{{
		Body: m.Body, ContentType: m.ContentType, Group: m.Group, Attributes: m.Attributes, Key: "dead-letter:" + m.ID,
	}})[0]
	must(t, result.Err)
	return result.ID
}

func (b bench) Left(*testing.T) int { return b.dead.Counts().All() }

func (b bench) Back(t *testing.T) (all []*message.Message) {
	t.Helper()
	r := sqs.New(b.options)
	must(t, r.Open(t.Context()))
	defer func() { must(t, r.Close()) }()
	for {
		batch, err := r.Receive(t.Context(), 10)
		must(t, err)
		if len(batch) == 0 {
			return all
		}
		for _, m := range batch {
			must(t, r.Settle(t.Context(), m, message.Outcome{Verdict: message.Delivered}))
		}
		all = append(all, batch...)
	}
}

func (b bench) put(t *testing.T, n int) (ids []string) {
	t.Helper()
	for i := range n {
		id, err := b.dead.Send(sqstest.Message{Body: string(rune('a' + i%26))})
		must(t, err)
		ids = append(ids, id)
	}
	return ids
}

func bubble(t *testing.T, promise func(*testing.T)) { synctest.Test(t, promise) }

func harness(suffix string, policy bool) deadlettertest.Harness {
	return deadlettertest.Harness{
		Open: func(t *testing.T) (deadletter.Store, deadlettertest.Place) {
			b := over(t, suffix, policy)
			return b.Store, b
		},
		Groups: suffix != "", Timed: true, Run: bubble,
	}
}
