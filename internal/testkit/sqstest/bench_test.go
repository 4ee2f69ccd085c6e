package sqstest_test

import (
	"errors"
	"flag"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"carrier/internal/testkit/bufferedbody"
	"carrier/internal/testkit/sqstest"
	"carrier/internal/testkit/sqstest/fauxqs"
)

// gaps are what fauxqs is known not to do as the service does. A rule works around
// one by asserting what is left of the rule, never by leaving the server out.
type gaps struct {
	noTraceHeader      bool // it has no AWSTraceHeader
	noSourceARN        bool // it has no DeadLetterQueueSourceArn
	oneOfAGroup        bool // it hands out one message of a FIFO group in one receive
	bogusDeletes       bool // it deletes nothing and says yes, for a handle that is none
	lapsedFIFODeletes  bool // the same, for a lapsed handle of a FIFO queue
	noTwelveHours      bool // it lets a message be held for more than 12 hours
	oneWordForLeases   bool // it has one error code for all that is wrong with a lease
	everyAttribute     bool // it returns every attribute where none is asked for
	fifoNameIsEnough   bool // it takes .fifo for FifoQueue, and makes no rule of names
	noGroupsOnStandard bool // it drops a group on a standard queue
	noSurrogates       bool // it refuses characters beyond U+FFFF
}

// A bench is one server under the rules, and a queue of its own for each rule.
type bench struct {
	*testing.T
	c    *sqs.Client
	gaps gaps
	url  string
}

// connect returns an SDK client that makes every call once.
func connect(endpoint string, with ...func(*sqs.Options)) *sqs.Client {
	return sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDTEST", "secret", ""),
		HTTPClient:  bufferedbody.Client{HTTP: http.DefaultClient},
	}, with...)
}

// TestMain lets many tests run at once on a machine of few cores: most of their time
// they wait for a visibility timeout.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "32"); err != nil {
		panic(err)
	}
	m.Run()
}

// queueName makes a queue's name of a rule's sentence.
func queueName(sentence string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '-'
	}, sentence)[:min(len(sentence), 60)]
}

func TestTheFakeAndFauxqsKeepTheSameRules(t *testing.T) {
	_, fake := sqstest.Start(t, sqstest.Options{})
	servers := map[string]struct {
		endpoint string
		gaps     gaps
	}{
		"sqstest": {endpoint: fake},
		"fauxqs": {endpoint: fauxqs.Start(t), gaps: gaps{
			noTraceHeader: true, noSourceARN: true, oneOfAGroup: true, bogusDeletes: true,
			lapsedFIFODeletes: true, noTwelveHours: true, oneWordForLeases: true,
			everyAttribute: true, fifoNameIsEnough: true, noGroupsOnStandard: true, noSurrogates: true,
		}},
	}
	for name, server := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for sentence, rule := range rules() {
				t.Run(sentence, func(t *testing.T) {
					t.Parallel()
					b := &bench{T: t, c: connect(server.endpoint), gaps: server.gaps}
					b.url = b.create(queueName(sentence), nil)
					rule(b)
				})
			}
		})
	}
}

// rules is every rule that the service keeps, from its sentence to the proof.
func rules() map[string]func(*bench) {
	all := map[string]func(*bench){}
	for _, part := range []map[string]func(*bench){messageRules(), visibilityRules(), batchRules(), fifoRules(), queueRules()} {
		maps.Copy(all, part)
	}
	return all
}

// fifo makes the bench's queue a FIFO one.
// group sends into a FIFO group; the body is the deduplication id.
// receive asks once, for all there is, and waits for nothing.
// one waits for a single message.
// await receives until n messages have come.
// attributes returns the queue's attributes of these names, or all.
// counts checks the three approximate numbers, once they are as wanted or time is up.
func (b *bench) counts(visible, hidden, delayed string) {
	b.Helper()
	want := []string{visible, hidden, delayed}
	var got []string
	for range 100 {
		a := b.attributes()
		got = []string{a["ApproximateNumberOfMessages"], a["ApproximateNumberOfMessagesNotVisible"], a["ApproximateNumberOfMessagesDelayed"]}
		if slices.Equal(got, want) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	b.Errorf("visible, in flight and delayed are %v, want %v", got, want)
}

// refuses checks that err is one of the service's with one of these codes, whether or
// not the older protocol's prefix is before it.
func (b *bench) refuses(err error, codes ...string) {
	b.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) {
		b.Errorf("got %v, want an error %v", err, codes)
		return
	}
	if code := bare(api.ErrorCode()); !slices.Contains(codes, code) {
		b.Errorf("got %v, want an error %v", err, codes)
	}
}

func bare(code string) string {
	code = strings.TrimPrefix(code, "AWS.SimpleQueueService.")
	if code == "NonExistentQueue" {
		return "QueueDoesNotExist"
	}
	if code == "QueueAlreadyExists" {
		return "QueueNameExists"
	}
	return code
}

func bodies(messages []types.Message) []string {
	var out []string
	for _, m := range messages {
		out = append(out, aws.ToString(m.Body))
	}
	return out
}

func (b *bench) sees(messages []types.Message, want ...string) {
	b.Helper()
	if got := bodies(messages); !slices.Equal(got, want) {
		b.Errorf("received %v, want %v", got, want)
	}
}
