package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"carrier/internal/batch"
	"carrier/receiver"
	"carrier/receiver/sqs/environment"
)

// A recordingServer keeps every request, and answers it.
type recordingServer struct {
	mu       sync.Mutex
	requests []*http.Request
	bodies   [][]byte
	answer   http.HandlerFunc
}

func (p *recordingServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	p.requests, p.bodies = append(p.requests, r), append(p.bodies, body)
	p.mu.Unlock()
	p.answer(w, r)
}

func (p *recordingServer) last() (*http.Request, []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests[len(p.requests)-1], p.bodies[len(p.bodies)-1]
}

// connected returns a client of a server that answers as said.
func connected(t *testing.T, answer http.HandlerFunc) (*Client, *recordingServer) {
	t.Helper()
	p := &recordingServer{answer: answer}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	return connect(t, Options{Options: environment.Options{Endpoint: s.URL}, UserAgent: "carrier/1.2.3"}), p
}

// connect returns a client that ends with the test.
func connect(t *testing.T, o Options) *Client {
	t.Helper()
	if o.Observer == nil {
		o.Observer = receiver.NoObserver{}
	}
	c, _, err := Connect(t.Context(), o)
	must(t, err)
	t.Cleanup(c.Close)
	return c
}

// receive makes a call and forgets the answer.
func (c *Client) receive(ctx context.Context) error {
	return c.Receive(ctx, ReceiveRequest("u", 3, 20, 30), nil, func([]ReceivedMessage, time.Time) {})
}

func TestOpenCallHoldsNoMoreThanItsRequest(t *testing.T) {
	c, _ := connected(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 4<<20)) })
	exchange := c.exchange
	c.exchange = func(ctx context.Context, request []byte, use func(*http.Response) error) error {
		if cap(request) > 1<<20 {
			t.Errorf("a request of %d bytes holds %d", len(request), cap(request))
		}
		return exchange(ctx, request, use)
	}
	for range 10 { // buffers are not sure to be used again
		must(t, c.call(t.Context(), action{name: "ReceiveMessage", request: newRequest([]byte("{}")), read: func(answer) error { return nil }}))
	}
}

func TestRequestIsAsTheSDKMakesIt(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_SESSION_TOKEN", "token")
	t.Setenv("AWS_REGION", "eu-central-1")
	t.Setenv("AWS_SDK_UA_APP_ID", "shop")
	c, office := connected(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })
	must(t, c.receive(t.Context()))
	_, err := c.sdk.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: aws.String("u")}, func(o *awssqs.Options) {
		o.Retryer, o.Credentials = aws.NopRetryer{}, c.credentials // or the user agent tells of the SDK's own
	})
	must(t, err)
	own, sdks := office.requests[0], office.requests[1]
	for _, name := range slices.Sorted(maps.Keys(sdks.Header)) {
		switch name {
		case "Authorization", "X-Amz-Date", "Content-Length", "Amz-Sdk-Invocation-Id", "Amz-Sdk-Request":
			sdks.Header.Del(name) // differs from call to call
		case "Accept-Encoding":
			sdks.Header.Del(name) // net/http's own, which SQS has no use for
		}
	}
	for name, values := range sdks.Header {
		if !slices.Equal(own.Header[name], values) {
			t.Errorf("%s: %q, the SDK sends %q", name, own.Header[name], values)
		}
	}
	if own.Method != sdks.Method || own.Host != sdks.Host || own.RequestURI != sdks.RequestURI {
		t.Errorf("%s %s %s, the SDK sends %s %s %s", own.Method, own.Host, own.RequestURI, sdks.Method, sdks.Host, sdks.RequestURI)
	}
}

func TestWhatIsSentIsWhatWasSigned(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_SESSION_TOKEN", "token")
	c, office := connected(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })
	_ = c.DeleteBatch(t.Context(), "u", []*batch.Entry{{ID: "h"}})
	sent, body := office.last()
	at, err := time.Parse("20060102T150405Z", sent.Header.Get("X-Amz-Date"))
	must(t, err)
	again := sent.Clone(t.Context())
	again.URL.Host = sent.Host
	again.Header.Del("Authorization")
	again.Header.Del("Accept-Encoding") // net/http's, after signing
	sum := sha256.Sum256(body)
	must(t, v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: "AKIDTEST", SecretAccessKey: "secret", SessionToken: "token"},
		again, hex.EncodeToString(sum[:]), "sqs", "us-east-1", at))
	if got, want := sent.Header.Get("Authorization"), again.Header.Get("Authorization"); got != want || sent.Header.Get("X-Amz-Security-Token") != "token" {
		t.Errorf("signed %s, want %s", got, want)
	}
}

func TestEveryAnswerHasItsClassAndItsCode(t *testing.T) {
	const id = "X-Amzn-Requestid: 7"
	for name, c := range map[string]struct {
		status int
		header string
		body   string
		class  receiver.Class
		code   string
		text   string
	}{
		"a type with its namespace": {400, id, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no"}`, receiver.NotFound, "QueueDoesNotExist",
			"receive: QueueDoesNotExist: no (status 400, request 7)"},
		"a type that no one models": {400, "", `{"__type":"com.amazon.coral.service#UnrecognizedClientException","Message":"no"}`, receiver.Credentials, "UnrecognizedClientException", ""},
		"a code in place of a type": {400, "", `{"code":"RequestThrottled"}`, receiver.Throttled, "RequestThrottled", "receive: RequestThrottled (status 400)"},
		"the query protocol's code": {400, "X-Amzn-Query-Error: AWS.SimpleQueueService.NonExistentQueue;Sender", `{"__type":"x#Other"}`, receiver.NotFound, "NonExistentQueue", ""},
		"a code and no body":        {400, "X-Amzn-Query-Error: AWS.SimpleQueueService.NonExistentQueue;Sender", "", receiver.NotFound, "NonExistentQueue", ""},
		"the error type's header":   {400, "X-Amzn-Errortype: AccessDeniedException:http://x/", `{}`, receiver.Denied, "AccessDeniedException", ""},
		"the query protocol's XML": {403, "", `<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code><Message>no</Message></Error><RequestId>9</RequestId></ErrorResponse>`,
			receiver.Credentials, "InvalidClientTokenId", "receive: InvalidClientTokenId: no (status 403, request 9)"},
		"no code, but a request id":   {404, id, "<html>", receiver.Invalid, "404", "receive: no error code (status 404, request 7)"},
		"denied without a code":       {403, id, "", receiver.Denied, "403", ""},
		"a code that nobody knows":    {418, "", `{"__type":"Teapot"}`, receiver.Invalid, "Teapot", ""},
		"no body":                     {503, "", "", receiver.Network, "503", ""},
		"a proxy that throttles":      {429, "", "{}", receiver.Throttled, "429", ""},
		"a proxy's page":              {404, "", "<html>", receiver.Network, "404", "receive: status 404 without an error code or a request id: the answer of a proxy, not of the service"},
		"a proxy that denies":         {403, "", "<html>", receiver.Network, "403", ""},
		"a proxy's JSON":              {404, "", `{"message":"no Route matched with those values"}`, receiver.Network, "404", ""},
		"a code that is a number":     {400, "", `{"code":7}`, receiver.Network, "400", ""},
		"a proxy that wants a name":   {407, "", "", receiver.Network, "407", ""},
		"a redirect":                  {307, "Location: http://127.0.0.1:1/", "", receiver.Network, "307", ""},
		"a page, though all is well":  {200, "", "<html>", receiver.Network, "", "receive: the answer is not valid JSON"},
		"half an answer":              {200, "", `{"Messages":[`, receiver.Network, "", ""},
		"nothing, though all is well": {200, "", "", "", "", ""},
		"an unknown member":           {200, "", `{"a":{"b":[1]}}`, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := connected(t, func(w http.ResponseWriter, _ *http.Request) {
				if field, value, ok := strings.Cut(c.header, ": "); ok {
					w.Header().Set(field, value)
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			err := client.receive(t.Context())
			if (err == nil) != (c.class == "") || err != nil && receiver.ClassOf(err) != c.class || receiver.CodeOf(err) != c.code {
				t.Errorf("%v of class %q and code %q, want %q and %q", err, receiver.ClassOf(err), receiver.CodeOf(err), c.class, c.code)
			}
			if c.text != "" && err.Error() != c.text {
				t.Errorf("said: %v\nwant: %s", err, c.text)
			}
		})
	}
}

func TestSignaturesFollowTheClockOfTheService(t *testing.T) {
	for name, c := range map[string]struct {
		env, age  string
		status    int
		want      time.Duration // ahead, of the last request
		wantCalls int           // for two that are asked for
	}{
		"an hour ahead":                  {status: 403, want: time.Hour, wantCalls: 3}, // the first is sent once more
		"an hour ahead, but not refused": {status: 200, want: time.Hour, wantCalls: 2},
		"unless switched off":            {env: "true", status: 403, wantCalls: 2},
		"unless it was a cache":          {age: "3600", status: 403, wantCalls: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("AWS_DISABLE_CLOCK_SKEW_CORRECTION", c.env)
			client, office := connected(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
				if c.age != "" {
					w.Header().Set("Age", c.age)
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, `{"__type":"RequestTimeTooSkewed"}`)
			})
			for range 2 {
				_ = client.receive(t.Context())
			}
			sent, _ := office.last()
			at, err := time.Parse("20060102T150405Z", sent.Header.Get("X-Amz-Date"))
			if off := time.Until(at) - c.want; err != nil || off.Abs() > 5*time.Minute {
				t.Errorf("the last request is signed for %v (%v), %v off", at, err, off)
			}
			if n := len(office.requests); n != c.wantCalls {
				t.Errorf("%d requests, want %d", n, c.wantCalls)
			}
		})
	}
}

func TestEveryCallAsksForTheCredentials(t *testing.T) {
	c, office := connected(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })
	signAs := func(identity aws.Credentials, err error) {
		c.credentials = environment.NewChain(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return identity, err }), nil)
	}
	for _, id := range []string{"AKIDONE", "AKIDTWO"} {
		signAs(aws.Credentials{AccessKeyID: id, SecretAccessKey: "s"}, nil)
		must(t, c.receive(t.Context()))
		if sent, _ := office.last(); !strings.Contains(sent.Header.Get("Authorization"), "Credential="+id+"/") {
			t.Errorf("signed %s, want by %s", sent.Header.Get("Authorization"), id)
		}
	}
	signAs(aws.Credentials{}, errors.New("gone"))
	if err := c.receive(t.Context()); receiver.ClassOf(err) != receiver.Credentials || err.Error() != "receive: credentials: gone" {
		t.Errorf("receive = %v of class %s", err, receiver.ClassOf(err))
	}
}

func TestLargeAnswersAreReadAFewAtATime(t *testing.T) {
	c, _ := connected(t, func(w http.ResponseWriter, r *http.Request) {
		size := 2
		if strings.HasSuffix(r.Header.Get(targetHeader), "ReceiveMessage") {
			size = largeAnswer
		}
		w.Header().Set("Content-Length", strconv.Itoa(size))
		_, _ = io.WriteString(w, "{"+strings.Repeat(" ", size-2)+"}")
	})
	for range largeAtOnce {
		c.large <- struct{}{} // all are taken
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := c.call(ctx, action{name: "ReceiveMessage", request: newRequest(nil), read: func(answer) error { return nil }})
	if !errors.Is(err, context.DeadlineExceeded) || classOf(err) != receiver.Network {
		t.Errorf("large answer: %v of class %s, want it to wait to the end of the call", err, classOf(err))
	}
	_, err = c.QueueURL(t.Context(), "q", "")
	must(t, err) // a small one waits for nobody
	<-c.large
	must(t, c.receive(t.Context()))
	if len(c.large) != largeAtOnce-1 {
		t.Errorf("%d are taken, want %d", len(c.large), largeAtOnce-1)
	}
}

func TestHeadOfAnAnswerIsToldBeforeItsBody(t *testing.T) {
	for name, c := range map[string]struct {
		status, want int
	}{"of a success": {200, 1}, "not of a refusal": {400, 0}} {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			client, _ := connected(t, func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(c.status)
				_ = http.NewResponseController(w).Flush()
				if c.want > 0 {
					<-release
				}
				_, _ = io.WriteString(w, "{}")
			})
			told := 0
			_ = client.Receive(t.Context(), newRequest(nil), func() { told++; close(release) }, func([]ReceivedMessage, time.Time) {})
			if told != c.want {
				t.Errorf("told %d times, want %d", told, c.want)
			}
		})
	}
}

func TestCallWithoutAnAnswerSaysHowLongItWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connect(t, Options{Options: environment.Options{Endpoint: "http://sqs.test"}})
		c.exchange = func(ctx context.Context, _ []byte, _ func(*http.Response) error) error {
			<-ctx.Done()
			return ctx.Err()
		}
		_, err := c.QueueURL(t.Context(), "q", "")
		if receiver.ClassOf(err) != receiver.Network || err.Error() != "get_queue_url: no answer within 5s: context deadline exceeded" {
			t.Errorf("%v of class %s", err, receiver.ClassOf(err))
		}
	})
}
