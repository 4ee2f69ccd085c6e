package workerapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"carrier/internal/httpapi"
	"carrier/message"
	"carrier/transmitter/handoff"
	"carrier/transmitter/handoff/runtimeapi"
)

const nextPath = runtimeapi.Base + "invocation/next"

// functions is a bench where functions take up to ten messages at once, for 30 seconds.
func functions(o Options) *bench {
	b := newBench(o)
	b.o.Routes[0].Records, b.o.Routes[0].Lease = 10, 30*time.Second
	b.Server = newServer(b.o)
	return b
}

// An event is what a function gets.
type event struct {
	Records []struct {
		MessageID string `json:"messageId"`
		Body      string `json:"body"`
		Source    string `json:"eventSource"`
	}
}

// invoke has a function take the messages a, b and c, and returns the path of the invocation.
func (b *bench) invoke(t *testing.T) (path string) {
	t.Helper()
	go func() {
		time.Sleep(time.Hour) // a runtime waits without a limit
		for _, id := range []string{"a", "b", "c"} {
			go b.offer(t.Context(), id, "body of "+id)
			synctest.Wait()
		}
	}()
	w := b.do(t, "GET", nextPath, "")
	var got event
	if err := json.Unmarshal(w.Body.Bytes(), &got); w.Code != 200 || err != nil || len(got.Records) != 3 {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	for i, id := range []string{"a", "b", "c"} {
		if r := got.Records[i]; r.MessageID != id || r.Body != "body of "+id || r.Source != "aws:sqs" {
			t.Errorf("record %+v", r)
		}
	}
	return runtimeapi.Base + "invocation/" + w.Header().Get("Lambda-Runtime-Aws-Request-Id")
}

// ends are the outcomes of n messages.
func (b *bench) ends(n int) (delivered int, reasons []string) {
	for range n {
		if o := <-b.outcomes; o.Verdict == message.Delivered {
			delivered++
		} else {
			reasons = append(reasons, fmt.Sprint(o.Cause, ": ", o.Reason))
		}
	}
	slices.Sort(reasons)
	return delivered, reasons
}

func TestFunctionsAnswerDecidesOverEachRecord(t *testing.T) {
	const isJSON, isText = "application/json", "application/x-www-form-urlencoded"
	failed := func(ids ...string) string {
		var list []string
		for _, id := range ids {
			list = append(list, `{"itemIdentifier":`+strconv.Quote(id)+`}`)
		}
		return `{"batchItemFailures":[` + strings.Join(list, ",") + `]}`
	}
	for name, c := range map[string]struct {
		word, contentType, body string
		status, delivered       int
		says                    string
	}{
		"nothing":                           {"response", isJSON, "", 202, 3, ""},
		"null":                              {"response", isJSON, "null", 202, 3, ""},
		"any JSON":                          {"response", isJSON, `["done"]`, 202, 3, ""},
		"an object without failures":        {"response", isJSON, `{"statusCode":500}`, 202, 3, ""},
		"no failures":                       {"response", isJSON, failed(), 202, 3, ""},
		"a text":                            {"response", isText, "done", 202, 3, ""},
		"one failure":                       {"response", isJSON, failed("b"), 202, 2, "batchItemFailures"},
		"one failure, not said to be JSON":  {"response", isText, " " + failed("b"), 202, 2, "batchItemFailures"},
		"all have failed":                   {"response", isJSON, failed("c", "a", "b"), 202, 0, "batchItemFailures"},
		"a failure of no record":            {"response", isJSON, failed("b", "z"), 202, 0, "batchItemFailures"},
		"a failure without a name":          {"response", isJSON, failed(""), 202, 0, "batchItemFailures"},
		"failures that are no list":         {"response", isJSON, `{"batchItemFailures":"b"}`, 202, 0, "batchItemFailures"},
		"JSON cut off":                      {"response", isJSON, `{"batchItemFailures":[`, 202, 0, "batchItemFailures"},
		"JSON cut off, not said to be JSON": {"response", isText, `{"batchItemFailures":[`, 202, 0, "batchItemFailures"},
		"a response too large":              {"response", isJSON, `"` + strings.Repeat("x", 6<<20) + `"`, 413, 0, "6 MiB"},
		"an error":                          {"error", isJSON, `{"errorType":"Oops","errorMessage":"no luck","stackTrace":["x"]}`, 202, 0, "Oops: no luck"},
		"an error without a type":           {"error", isJSON, `{"errorMessage":"no luck"}`, 202, 0, "no luck"},
		"an error that says nothing":        {"error", isText, "oops", 202, 0, "without saying why"},
		"an error that is too large":        {"error", isJSON, strings.Repeat("x", 1<<21), 202, 0, "without saying why"},
		"a long error":                      {"error", isJSON, `{"errorMessage":"` + strings.Repeat("x", 100_000) + `"}`, 202, 0, "xxx"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := functions(Options{})
				path := b.invoke(t)
				if w := b.do(t, "POST", path+"/"+c.word, c.body, "Content-Type", c.contentType); w.Code != c.status {
					t.Errorf("answered %d %s", w.Code, w.Body)
				}
				delivered, reasons := b.ends(3)
				if delivered != c.delivered {
					t.Errorf("%d are delivered, want %d: %q", delivered, c.delivered, reasons)
				}
				for _, r := range reasons {
					if !strings.HasPrefix(r, fmt.Sprint(message.Failed)) || !strings.Contains(r, c.says) || len(r) > 2000 {
						t.Errorf("failed as %q", r)
					}
				}
				if w := b.do(t, "POST", path+"/response", ""); w.Code != 404 || !strings.Contains(w.Body.String(), "urn:carrier:unknown") {
					t.Errorf("answered twice: %d %s", w.Code, w.Body)
				}
			})
		})
	}
}

func TestFunctionThatFailsWithinItsResponseHasFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := functions(Options{})
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1"+b.invoke(t)+"/response", strings.NewReader("{}"))
		said := base64.StdEncoding.EncodeToString([]byte(`{"errorType":"Oops","errorMessage":"in the middle"}`))
		r.Trailer = http.Header{"Lambda-Runtime-Function-Error-Type": {"Oops"}, "Lambda-Runtime-Function-Error-Body": {said}}
		w := httptest.NewRecorder()
		b.http.Handler.ServeHTTP(w, r)
		if delivered, reasons := b.ends(3); w.Code != 202 || delivered != 0 || !strings.Contains(reasons[0], "Oops: in the middle") {
			t.Errorf("%d, %d are delivered: %q", w.Code, delivered, reasons)
		}
	})
}

// A function that minds its deadline still is heard when it ends at that.
func TestInvocationEndsWithTheLease(t *testing.T) {
	for name, c := range map[string]struct {
		after             time.Duration
		status, delivered int
	}{
		"at the deadline":     {30 * time.Second, 202, 3},
		"after it":            {32 * time.Second, 410, 0},
		"when it is unknown":  {time.Hour, 404, 0},
		"before the deadline": {time.Second, 202, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := functions(Options{})
				path := b.invoke(t)
				time.Sleep(c.after)
				if w := b.do(t, "POST", path+"/response", "null"); w.Code != c.status {
					t.Errorf("answered %d %s", w.Code, w.Body)
				}
				if delivered, reasons := b.ends(3); delivered != c.delivered {
					t.Errorf("%d are delivered: %q", delivered, reasons)
				}
			})
		})
	}
}

func TestInvocationHasLambdasHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := functions(Options{})
		m := &message.Message{ID: "a", Trace: "Root=1-5759e988-bd862e3fe1be46a994272793"}
		go func() {
			time.Sleep(time.Second)
			b.table.Transmit(t.Context(), m)
		}()
		begun := time.Now()
		h := b.do(t, "GET", nextPath, "").Header()
		deadline := strconv.FormatInt(begun.Add(31*time.Second).UnixMilli(), 10) // 30 s from the hand-over
		for name, want := range map[string]string{
			"Content-Type": "application/json", "Lambda-Runtime-Deadline-Ms": deadline, "Lambda-Runtime-Trace-Id": m.Trace,
			"Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:::function:carrier",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s %q, want %q", name, got, want)
			}
		}
		if id := strings.Split(h.Get("Lambda-Runtime-Aws-Request-Id"), "-"); len(id) != 5 || len(id[0]) != 8 || len(id[4]) != 12 {
			t.Errorf("id %q", id)
		}
	})
}

// What does not fit into one event stays where it is, for the next invocation.
func TestEventIsNoLargerThanLambdas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := functions(Options{})
		go func() {
			time.Sleep(time.Second)
			for _, id := range []string{"a", "b", "c"} {
				go b.offer(t.Context(), id, strings.Repeat(id, 2_500_000))
				synctest.Wait()
			}
		}()
		w := b.do(t, "GET", nextPath, "")
		var got event
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got.Records) != 2 || w.Body.Len() > 6<<20 {
			t.Fatalf("%d records in %d bytes: %v", len(got.Records), w.Body.Len(), err)
		}
		if o := <-b.outcomes; o.Cause != message.Unreached {
			t.Errorf("left out: %+v", o)
		}
		b.do(t, "POST", runtimeapi.Base+"invocation/"+w.Header().Get("Lambda-Runtime-Aws-Request-Id")+"/response", "null")
		b.ends(2)
	})
}

func TestFunctionsAreToldWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		options        Options
		method, target string
		header         []string
		code           int
		says           string
	}{
		"HEAD":                  {Options{}, "HEAD", nextPath, nil, 405, ""},
		"POST of next":          {Options{}, "POST", nextPath, nil, 405, ""},
		"GET of a response":     {Options{}, "GET", runtimeapi.Base + "invocation/x/response", nil, 405, ""},
		"an unknown id":         {Options{}, "POST", runtimeapi.Base + "invocation/x/response", nil, 404, "urn:carrier:unknown"},
		"an error of no id":     {Options{}, "POST", runtimeapi.Base + "invocation/x/error", nil, 404, "urn:carrier:unknown"},
		"another version":       {Options{}, "GET", "/2020-01-01/runtime/invocation/next", nil, 404, ""},
		"the API of extensions": {Options{}, "POST", "/2020-01-01/extension/register", nil, 404, ""},
		"a token is needed":     {Options{Token: "secret"}, "GET", nextPath, nil, 401, "Lambda's runtimes send none"},
		"a browser":             {Options{}, "GET", nextPath, []string{"Origin", "http://127.0.0.1:9020"}, 403, "Origin"},
	} {
		w := functions(c.options).do(t, c.method, c.target, "", c.header...)
		if w.Code != c.code || w.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s: %d %v %s", name, w.Code, w.Header(), w.Body)
		}
	}
}

func TestFunctionThatCannotStartIsToldOf(t *testing.T) {
	var warned []string
	b := functions(Options{Warn: func(text string) { warned = append(warned, text) }})
	for body, want := range map[string]string{
		`{"errorType":"Oops","errorMessage":"no module"}`: "a function could not start: Oops: no module",
		"": "a function could not start: Runtime.Unknown",
	} {
		w := b.do(t, "POST", runtimeapi.Base+"init/error", body, "Lambda-Runtime-Function-Error-Type", "Runtime.Unknown")
		if w.Code != 202 || !slices.Contains(warned, want) {
			t.Errorf("%d, %q, want %q", w.Code, warned, want)
		}
	}
}

// Where routes have names the path of the route stands before the API's own, but runtimes may leave it
// out when they answer.
func TestFunctionsNameTheirRoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := functions(Options{})
		b.o.Routes[0].Name = "orders"
		b.Server = newServer(b.o)
		if w := b.do(t, "GET", nextPath, ""); w.Code != 404 || !strings.Contains(w.Body.String(), "AWS_LAMBDA_RUNTIME_API=HOST:PORT/v1/routes/{route}") {
			t.Errorf("without a route: %d %s", w.Code, w.Body)
		}
		for _, prefix := range []string{"", "/v1/routes/orders"} {
			go func() {
				time.Sleep(time.Second)
				b.offer(t.Context(), "a", "")
			}()
			h := b.do(t, "GET", "/v1/routes/orders"+nextPath, "").Header()
			if arn := h.Get("Lambda-Runtime-Invoked-Function-Arn"); arn != "arn:aws:lambda:::function:orders" {
				t.Errorf("arn %q", arn)
			}
			w := b.do(t, "POST", prefix+runtimeapi.Base+"invocation/"+h.Get("Lambda-Runtime-Aws-Request-Id")+"/response", "null")
			if delivered, reasons := b.ends(1); w.Code != 202 || delivered != 1 {
				t.Errorf("%q: %d %s, %q", prefix, w.Code, w.Body, reasons)
			}
			if w := b.do(t, "POST", prefix+runtimeapi.Base+"init/error", ""); w.Code != 202 {
				t.Errorf("%q: init/error %d", prefix, w.Code)
			}
		}
	})
}

// A closedListener is one that takes no connection.
type closedListener struct{ net.Listener }

func (closedListener) Close() error { return nil }

// A runtime ends with an error at any answer but an event, so it gets none before carrier ends.
func TestFunctionsWaitUntilTheServerCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := functions(Options{})
		b.listener = closedListener{}
		begun := time.Now()
		go func() {
			time.Sleep(time.Second)
			b.Drain()
			time.Sleep(time.Minute)
			if err := b.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}()
		for range 2 { // one that waits when the drain begins, and one that comes when it is over
			w := b.do(t, "GET", nextPath, "")
			if w.Code != 500 || !strings.Contains(w.Body.String(), "carrier has ended") || time.Since(begun) != 61*time.Second {
				t.Errorf("%d %s after %v", w.Code, w.Body, time.Since(begun))
			}
		}
		synctest.Wait()
	})
}

func TestFunctionThatLeavesWhileItWaitsGetsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, drains := range []bool{false, true} {
			b := functions(Options{})
			if drains {
				b.Drain()
			}
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			w := httptest.NewRecorder()
			b.http.Handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://127.0.0.1"+nextPath, nil).WithContext(ctx))
			if w.Body.Len() > 0 {
				t.Errorf("drains %v: %s", drains, w.Body)
			}
			if n, _ := b.table.Ready(ctx, 0); n != 0 {
				t.Errorf("drains %v: it still asks for %d", drains, n)
			}
		}
	})
}

func TestTooManyFunctionsThatWaitAreRefused(t *testing.T) {
	b := functions(Options{})
	b.waits.Store(maxWaits)
	if w := b.do(t, "GET", nextPath, ""); w.Code != 503 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestRoutesThatAreOnlySettledHaveNoFunctions(t *testing.T) {
	b := functions(Options{})
	b.o.Routes = append(b.o.Routes[:0:0], Route{Table: handoff.New(handoff.Options{Lease: time.Second})})
	b.Server = newServer(b.o)
	var p httpapi.Problem
	w := b.do(t, "GET", nextPath, "")
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != 404 {
		t.Errorf("%d %s: %v", w.Code, w.Body, err)
	}
}
