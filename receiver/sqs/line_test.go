package sqs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"carrier/internal/batch"
	"carrier/receiver"
)

// A post office keeps every request, and answers it.
type postOffice struct {
	mu       sync.Mutex
	requests []*http.Request
	bodies   [][]byte
	answer   http.HandlerFunc
}

func (p *postOffice) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	p.requests, p.bodies = append(p.requests, r), append(p.bodies, body)
	p.mu.Unlock()
	p.answer(w, r)
}

func (p *postOffice) last() (*http.Request, []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests[len(p.requests)-1], p.bodies[len(p.bodies)-1]
}

// connected returns a client of a server that answers as said.
func connected(t *testing.T, answer http.HandlerFunc) (*client, *postOffice) {
	t.Helper()
	p := &postOffice{answer: answer}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	c, _, err := connect(t.Context(), Options{Endpoint: s.URL, UserAgent: "carrier/1.2.3"}.withDefaults())
	must(t, err)
	t.Cleanup(c.close)
	return c, p
}

// receive makes a call by the line, and one by the SDK.
func (c *client) receive(ctx context.Context) (byLine, bySDK error) {
	_, byLine = do(ctx, c, opReceive, func(ctx context.Context) (any, error) {
		return nil, c.line.call(ctx, "ReceiveMessage", receiveOf("u", 3, 20, 30), func(a answer) error {
			_, err := readMessages(a.body)
			return err
		})
	})
	_, bySDK = do(ctx, c, opReceive, func(ctx context.Context) (any, error) {
		return c.api.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{QueueUrl: aws.String("u")})
	})
	return byLine, bySDK
}

func TestOpenCallHoldsNoMoreThanItsRequest(t *testing.T) {
	c, _ := connected(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 4<<20)) })
	exchange := c.line.exchange
	c.line.exchange = func(ctx context.Context, request []byte, use func(*http.Response) error) error {
		if cap(request) > 1<<20 {
			t.Errorf("a request of %d bytes holds %d", len(request), cap(request))
		}
		return exchange(ctx, request, use)
	}
	for range 10 { // buffers are not sure to be used again
		must(t, c.line.call(t.Context(), "ReceiveMessage", receiveOf("u", 3, 20, 30), func(answer) error { return nil }))
	}
}

func TestRequestIsAsTheSDKMakesIt(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_SESSION_TOKEN", "token")
	t.Setenv("AWS_REGION", "eu-central-1")
	t.Setenv("AWS_SDK_UA_APP_ID", "shop")
	c, office := connected(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })
	byLine, bySDK := c.receive(t.Context())
	if byLine != nil || bySDK != nil {
		t.Fatalf("calls = %v, %v", byLine, bySDK)
	}
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
	_ = c.deleteBatch(t.Context(), "u", []*batch.Entry{{ID: "h"}})
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

func TestEndpointIsWhatTheSDKResolves(t *testing.T) {
	for name, c := range map[string]struct {
		env  map[string]string
		want string
	}{
		"of AWS":     {nil, "https://sqs.eu-west-1.amazonaws.com/"},
		"FIPS":       {map[string]string{"AWS_USE_FIPS_ENDPOINT": "true"}, "https://sqs-fips.eu-west-1.amazonaws.com/"},
		"dual stack": {map[string]string{"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "https://sqs.eu-west-1.api.aws/"},
		"of China":   {map[string]string{"AWS_REGION": "cn-north-1"}, "https://sqs.cn-north-1.amazonaws.com.cn/"},
		"set by name": {map[string]string{"AWS_ENDPOINT_URL_SQS": "http://localhost:9324/base"},
			"http://localhost:9324/base"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("AWS_REGION", "eu-west-1")
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			client, _, err := connect(t.Context(), Options{}.withDefaults())
			must(t, err)
			defer client.close()
			m := client.line.model
			if got := m.request.URL.String(); got != c.want || m.signingRegion != os.Getenv("AWS_REGION") || m.signingName != "sqs" {
				t.Errorf("%s, signed for %s in %s; want %s", got, m.signingName, m.signingRegion, c.want)
			}
		})
	}
}

// What the SDK makes of an answer is the measure of what the line does.
func TestEveryAnswerIsOfTheClassThatItIsToTheSDK(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		header string
		body   string
		want   receiver.Class
	}{
		"a type with its namespace":   {400, "", `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no"}`, receiver.NotFound},
		"a type that no one models":   {400, "", `{"__type":"com.amazon.coral.service#UnrecognizedClientException","Message":"no"}`, receiver.Credentials},
		"a code in place of a type":   {400, "", `{"code":"RequestThrottled"}`, receiver.Throttled},
		"a code that is a number":     {400, "", `{"code":7}`, receiver.Invalid},
		"the query protocol's code":   {400, "X-Amzn-Query-Error: AWS.SimpleQueueService.NonExistentQueue;Sender", `{"__type":"x#Other"}`, receiver.NotFound},
		"a code and no body":          {400, "X-Amzn-Query-Error: AWS.SimpleQueueService.NonExistentQueue;Sender", "", receiver.NotFound},
		"the error type's header":     {400, "X-Amzn-Errortype: AccessDeniedException:http://x/", `{}`, receiver.Denied},
		"no body":                     {503, "", "", receiver.Network},
		"an empty object":             {429, "", "{}", receiver.Throttled},
		"a page":                      {403, "", "<html>", receiver.Denied},
		"a page, though all is well":  {200, "", "<html>", receiver.Network},
		"half an answer":              {200, "", `{"Messages":[`, receiver.Network},
		"a redirect":                  {307, "Location: http://127.0.0.1:1/", "", receiver.Network},
		"nothing, though all is well": {200, "", "", ""},
		"an unknown member":           {200, "", `{"a":{"b":[1]}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := connected(t, func(w http.ResponseWriter, _ *http.Request) {
				if field, value, ok := strings.Cut(c.header, ": "); ok {
					w.Header().Set(field, value)
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			byLine, bySDK := client.receive(t.Context())
			for who, err := range map[string]error{"the line": byLine, "the SDK": bySDK} {
				if (err == nil) != (c.want == "") || err != nil && receiver.ClassOf(err) != c.want {
					t.Errorf("%s: %v of class %q, want %q", who, err, receiver.ClassOf(err), c.want)
				}
			}
		})
	}
}

func TestSignaturesFollowTheClockOfTheService(t *testing.T) {
	for name, c := range map[string]struct {
		env, age string
		want     time.Duration
	}{
		"an hour ahead":         {want: time.Hour},
		"unless switched off":   {env: "true"},
		"unless it was a cache": {age: "3600"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("AWS_DISABLE_CLOCK_SKEW_CORRECTION", c.env)
			client, office := connected(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
				if c.age != "" {
					w.Header().Set("Age", c.age)
				}
				w.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(w, `{"__type":"RequestTimeTooSkewed"}`)
			})
			for range 2 {
				_ = client.deleteBatch(t.Context(), "u", []*batch.Entry{{ID: "h"}})
			}
			sent, _ := office.last()
			at, err := time.Parse("20060102T150405Z", sent.Header.Get("X-Amz-Date"))
			if off := time.Until(at) - c.want; err != nil || off.Abs() > 5*time.Minute {
				t.Errorf("the second request is signed for %v (%v), %v off", at, err, off)
			}
		})
	}
}

type credentialsFunc func() (aws.Credentials, error)

func (f credentialsFunc) Retrieve(context.Context) (aws.Credentials, error) { return f() }

func TestEveryCallAsksForTheCredentials(t *testing.T) {
	c, office := connected(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })
	for _, id := range []string{"AKIDONE", "AKIDTWO"} {
		c.line.credentials = credentialsFunc(func() (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: id, SecretAccessKey: "s"}, nil
		})
		_ = c.deleteBatch(t.Context(), "u", []*batch.Entry{{ID: "h"}})
		if sent, _ := office.last(); !strings.Contains(sent.Header.Get("Authorization"), "Credential="+id+"/") {
			t.Errorf("signed %s, want by %s", sent.Header.Get("Authorization"), id)
		}
	}
	c.line.credentials = namedCredentials{credentialsFunc(func() (aws.Credentials, error) { return aws.Credentials{}, errors.New("gone") })}
	err := c.deleteBatch(t.Context(), "u", []*batch.Entry{{ID: "h"}})[0]
	if receiver.ClassOf(err) != receiver.Credentials {
		t.Errorf("delete = %v of class %s", err, receiver.ClassOf(err))
	}
}

func TestLargeAnswersAreHeldAFewAtATime(t *testing.T) {
	c, _ := connected(t, func(w http.ResponseWriter, r *http.Request) {
		size := 2
		if strings.HasSuffix(r.Header.Get(targetHeader), "ReceiveMessage") {
			size = largeAnswer
		}
		w.Header().Set("Content-Length", strconv.Itoa(size))
		_, _ = io.WriteString(w, "{"+strings.Repeat(" ", size-2)+"}")
	})
	for range largeAtOnce {
		c.line.large <- struct{}{} // all rights are taken
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	receive := func(ctx context.Context) error {
		return c.line.call(ctx, "ReceiveMessage", receiveOf("u", 1, 0, 0), func(answer) error { return nil })
	}
	if err := receive(ctx); !errors.Is(err, context.DeadlineExceeded) || classOf(err) != receiver.Network {
		t.Errorf("large answer: %v of class %s, want it to wait to the end of the call", err, classOf(err))
	}
	err := c.line.call(t.Context(), "DeleteMessageBatch", deletions("u", nil), func(answer) error { return nil })
	must(t, err) // a small one waits for nobody
	<-c.line.large
	must(t, receive(t.Context()))
	if len(c.line.large) != largeAtOnce-1 {
		t.Errorf("%d rights are taken, want %d", len(c.line.large), largeAtOnce-1)
	}
}
