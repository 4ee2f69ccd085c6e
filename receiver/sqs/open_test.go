package sqs

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"carrier/internal/testkit/sqstest"
	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/sqs/api"
)

func TestQueueIsFoundByNameOrURL(t *testing.T) {
	for name, o := range map[string]Options{
		"by name":           {QueueName: "q"},
		"by name and owner": {QueueName: "q", QueueOwner: "000000000000"},
		"by URL":            {QueueURL: "http://sqs.test/000000000000/q"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, o, func(t *testing.T, b bench) {
				b.send(t, 1, "")
				if m := b.take(t, 1)[0]; m.Source != "q" || m.ARN != "arn:aws:sqs:us-east-1:000000000000:q" {
					t.Errorf("source = %q, of ARN %q, want q", m.Source, m.ARN)
				}
			})
		})
	}
}

func TestARNIsMadeOfTheURLWhereTheQueueDoesNotSay(t *testing.T) {
	for name, c := range map[string]struct{ address, region, want string }{
		"AWS":                {"https://sqs.eu-west-1.amazonaws.com/123456789012/q", "eu-west-1", "arn:aws:sqs:eu-west-1:123456789012:q"},
		"China":              {"https://sqs.cn-north-1.amazonaws.com.cn/123456789012/q", "cn-north-1", "arn:aws-cn:sqs:cn-north-1:123456789012:q"},
		"GovCloud":           {"https://sqs.us-gov-west-1.amazonaws.com/1/q", "us-gov-west-1", "arn:aws-us-gov:sqs:us-gov-west-1:1:q"},
		"European Sovereign": {"https://sqs.eusc-de-east-1.amazonaws.eu/1/q", "eusc-de-east-1", "arn:aws-eusc:sqs:eusc-de-east-1:1:q"},
		"a secret region":    {"https://sqs.us-isob-east-1.sc2s.sgov.gov/1/q", "us-isob-east-1", "arn:aws-iso-b:sqs:us-isob-east-1:1:q"},
		"no account in it":   {"http://localhost:9324/queue/q", "us-east-1", "arn:aws:sqs:us-east-1::q"},
		"no path before it":  {"http://localhost:9324/q", "us-east-1", "arn:aws:sqs:us-east-1::q"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := arnOf(c.address, c.region); got != c.want {
				t.Errorf("arnOf(%s) = %s, want %s", c.address, got, c.want)
			}
		})
	}
}

func TestUnusableQueueEndsTheStartWithItsClass(t *testing.T) {
	answer := func(e *sqstest.Error) sqstest.Fault { return sqstest.Fault{Error: e} }
	for name, c := range map[string]struct {
		fault sqstest.Fault
		class receiver.Class
	}{
		"queue does not exist":      {answer(sqstest.QueueDoesNotExist()), receiver.NotFound},
		"may not be read":           {answer(sqstest.AccessDenied("GetQueueUrl")), receiver.Denied},
		"credentials are over":      {answer(sqstest.ExpiredToken()), receiver.Credentials},
		"access key is not known":   {answer(sqstest.InvalidClientToken()), receiver.Credentials},
		"secret key is wrong":       {answer(sqstest.SignatureDoesNotMatch()), receiver.Credentials},
		"throttled by the service":  {answer(sqstest.RequestThrottled()), receiver.Throttled},
		"throttled by the front":    {answer(sqstest.ThrottlingException()), receiver.Throttled},
		"service has failed":        {answer(sqstest.InternalError()), receiver.Network},
		"service is away":           {answer(sqstest.ServiceUnavailable()), receiver.Network},
		"connection cut":            {sqstest.Fault{Drop: sqstest.BeforeWork}, receiver.Network},
		"connection cut mid-answer": {sqstest.Fault{Drop: sqstest.MidAnswer}, receiver.Network},
		"no answer in time":         {sqstest.Fault{Delay: time.Minute}, receiver.Network},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := sqstest.New(sqstest.Options{})
				mustCreate(t, s, "q")
				r, seen := receiverOn(t, s, Options{})
				s.Inject("GetQueueUrl", c.fault)
				err := r.Open(t.Context())
				if err == nil || receiver.ClassOf(err) != c.class {
					t.Fatalf("Open = %v of class %s, want %s", err, receiver.ClassOf(err), c.class)
				}
				if n := s.Calls("GetQueueUrl"); n != 1 || seen.Of("call "+api.OpGetURL) != 1 {
					t.Errorf("%d calls, want one that is not repeated", n)
				}
				if seen.Of("error "+api.OpGetURL+" "+string(c.class)) != 1 {
					t.Errorf("failures = %v", seen.Counts("error"))
				}
				if err := r.Open(t.Context()); err != nil {
					t.Errorf("the next Open = %v", err)
				}
			})
		})
	}
}

func TestErrorOfTheStartNamesWhatToCheck(t *testing.T) {
	for name, c := range map[string]struct {
		fault *sqstest.Error
		want  string
	}{
		"no queue":       {sqstest.QueueDoesNotExist(), "CARRIER_SQS_QUEUE_NAME or CARRIER_SQS_QUEUE_URL, CARRIER_SQS_QUEUE_OWNER, and AWS_REGION (us-east-1)"},
		"no credentials": {sqstest.InvalidClientToken(), "check the AWS_ variables"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := sqstest.New(sqstest.Options{})
				r, _ := receiverOn(t, s, Options{})
				s.Inject("GetQueueUrl", sqstest.Fault{Error: c.fault})
				err := r.Open(t.Context())
				if err == nil || !strings.Contains(err.Error(), c.want) || receiver.CodeOf(err) == "" || strings.Count(err.Error(), receiver.CodeOf(err)) != 1 {
					t.Errorf("Open = %v (code %s), want it to say %q", err, receiver.CodeOf(err), c.want)
				}
			})
		})
	}
}

func TestQueueThatVanishedIsNotFound(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, b bench) {
		b.server.Remove(b.queue)
		_, err := b.Receive(t.Context(), 1)
		if receiver.ClassOf(err) != receiver.NotFound {
			t.Errorf("Receive = %v of class %s, want not_found", err, receiver.ClassOf(err))
		}
	})
}

func TestAncestorsPermissionsAreEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sqstest.New(sqstest.Options{})
		q := mustCreate(t, s, "q")
		r, seen := receiverOn(t, s, Options{})
		s.Always("GetQueueAttributes", sqstest.Fault{Error: sqstest.AccessDenied("GetQueueAttributes")})
		must(t, r.Open(t.Context()))
		b := bench{r, s, q, seen}
		b.send(t, 1, "")
		m := b.take(t, 1)[0]
		if got := q.Receives()[0].VisibilityTimeout; got != 30 || m.Lease != 30*time.Second {
			t.Errorf("asked for %d s, the lease is %v; want 30 s", got, m.Lease)
		}
		if !seen.Warned("attributes cannot be read") {
			t.Errorf("warnings = %q", seen.Warnings())
		}
		if err := r.Settle(t.Context(), m, message.Outcome{Verdict: message.Delivered}); err != nil {
			t.Error(err)
		}
	})
}

func TestLeaseIsAskedForAtEveryReceive(t *testing.T) {
	for name, c := range map[string]struct {
		own  string
		o    Options
		want int
		warn bool
	}{
		"the queue's own":                      {own: "77", want: 77},
		"configured":                           {own: "77", o: Options{VisibilityTimeout: 5 * time.Second}, want: 5},
		"configured, rounded up":               {own: "77", o: Options{VisibilityTimeout: 5*time.Second + 1}, want: 6},
		"configured beyond twelve hours":       {own: "77", o: Options{VisibilityTimeout: 13 * time.Hour}, want: 12 * 3600},
		"the queue's own is none":              {own: "0", want: 30, warn: true},
		"the queue's own is too short to keep": {own: "2", want: 30, warn: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := sqstest.New(sqstest.Options{})
				q := mustCreate(t, s, "q")
				must(t, q.Set(map[string]string{"VisibilityTimeout": c.own}))
				r, seen := receiverOn(t, s, c.o)
				must(t, r.Open(t.Context()))
				b := bench{r, s, q, seen}
				b.send(t, 1, "")
				m := b.take(t, 1)[0]
				lease := time.Duration(c.want) * time.Second
				if got := q.Receives()[0].VisibilityTimeout; got != c.want || m.Lease != lease {
					t.Errorf("asked for %d s, the lease is %v; want %v", got, m.Lease, lease)
				}
				if want := time.Now().Add(lease); !m.Expires().Equal(want) {
					t.Errorf("expires %v, want %v", m.Expires(), want)
				}
				if seen.Warned("too short") != c.warn {
					t.Errorf("warnings = %q", seen.Warnings())
				}
			})
		})
	}
}

func TestSenselessOptionsAreAnErrorAndNotAPanic(t *testing.T) {
	for name, o := range map[string]Options{
		"no queue":                 {Endpoint: "http://127.0.0.1:1"},
		"a queue URL without host": {Endpoint: "http://127.0.0.1:1", QueueURL: "q"},
		"a queue URL without path": {QueueURL: "http://127.0.0.1:1"},
		"a broken queue URL":       {Endpoint: "http://127.0.0.1:1", QueueURL: "http://[::1"},
		"an endpoint of no scheme": {Endpoint: "localhost:4566", Region: "eu-west-1", QueueName: "q"},
		"a broken endpoint":        {Endpoint: "http://[::1", Region: "eu-west-1", QueueName: "q"},
		"no region":                {QueueName: "q"},
	} {
		t.Run(name, func(t *testing.T) {
			r := New(o)
			err := r.Open(t.Context())
			if receiver.ClassOf(err) != receiver.Invalid {
				t.Errorf("Open = %v of class %s", err, receiver.ClassOf(err))
			}
			must(t, r.Close())
		})
	}
}

// A proxy in front of the service says what it likes; whether it is gone or in trouble, waiting
// helps.
func TestAnswerOfAProxyDoesNotEndTheStart(t *testing.T) {
	for status, want := range map[int]receiver.Class{
		http.StatusBadGateway: receiver.Network, http.StatusGatewayTimeout: receiver.Network, http.StatusRequestTimeout: receiver.Network,
		http.StatusTooManyRequests: receiver.Throttled, http.StatusForbidden: receiver.Network, http.StatusUnauthorized: receiver.Network,
		http.StatusNotFound: receiver.Network, http.StatusFound: receiver.Network, http.StatusProxyAuthRequired: receiver.Network,
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			_, _ = w.Write([]byte("<html>no</html>"))
		}))
		r := New(Options{Endpoint: s.URL, QueueName: "q"})
		if err := r.Open(t.Context()); receiver.ClassOf(err) != want {
			t.Errorf("%d: %v of class %s, want %s", status, err, receiver.ClassOf(err), want)
		}
		must(t, r.Close())
		s.Close()
	}
}

func TestCallsNameTheProgram(t *testing.T) {
	endpoint, calls := answering(t, map[string]string{"GetQueueAttributes": `{"Attributes":{}}`})
	r := New(Options{QueueURL: endpoint + "/1/q", UserAgent: "carrier/1.2.3"})
	must(t, r.Open(t.Context()))
	must(t, r.Close())
	if call := calls("GetQueueAttributes")[0]; !strings.Contains(call, " carrier/1.2.3\r\n") {
		t.Errorf("no carrier/1.2.3 in the user agent of\n%s", call)
	}
}

func TestUnreachableServerIsNetwork(t *testing.T) {
	r := New(Options{Endpoint: "http://127.0.0.1:1", QueueName: "q"})
	err := r.Open(t.Context())
	if receiver.ClassOf(err) != receiver.Network {
		t.Errorf("Open = %v of class %s, want network", err, receiver.ClassOf(err))
	}
	if err != nil && strings.Count(err.Error(), "GetQueueUrl") > 0 {
		t.Errorf("%q says the operation twice", err)
	}
	var known *receiver.Error
	if !errors.As(err, &known) || known.Operation != api.OpGetURL {
		t.Errorf("Open = %#v, want the operation named", err)
	}
}
