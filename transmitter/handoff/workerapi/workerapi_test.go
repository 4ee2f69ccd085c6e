package workerapi

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"carrier/message"
	"carrier/transmitter/handoff"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A bench is a server with one route, whose source agrees at once.
type bench struct {
	*Server
	table    *handoff.Table
	outcomes chan message.Outcome
}

func newBench(o Options) *bench {
	b := &bench{table: handoff.New(handoff.Options{Lease: 30 * time.Second}), outcomes: make(chan message.Outcome, 100)}
	o.Routes = []Route{{Table: b.table, Asked: true, Most: most, ContentType: "application/json", MaxHeaderBytes: 8 << 10}}
	b.Server = newServer(o)
	return b
}

// offer has a message transmitted, and settled.
func (b *bench) offer(ctx context.Context, id, body string) {
	m := &message.Message{ID: id, Body: []byte(body), ReceiveCount: 1, Source: "q", Attributes: []message.Attribute{{Name: "n", Value: "v"}}}
	o := b.table.Transmit(ctx, m)
	b.table.Settled(m, nil)
	b.outcomes <- o
}

func (b *bench) do(t *testing.T, method, target, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body)).WithContext(t.Context())
	r.Host = "127.0.0.1:9020"
	for i := 0; i < len(header); i += 2 {
		if r.Header.Set(header[i], header[i+1]); header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	w := httptest.NewRecorder()
	b.http.Handler.ServeHTTP(w, r)
	return w
}

func TestNextAnswersWithTheMessageAsItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(Options{})
		go func() {
			time.Sleep(time.Second)
			b.offer(t.Context(), "a", "the body")
		}()
		w := b.do(t, "GET", "/v1/next?wait=20s", "")
		h := w.Header()
		if w.Code != 200 || w.Body.String() != "the body" || h.Get("X-Carrier-Message-Id") != "a" || h.Get("X-Carrier-Attribute-n") != "" && h.Get("Content-Type") == "" {
			t.Fatalf("%d %q %v", w.Code, w.Body, h)
		}
		token := h.Get("X-Carrier-Token")
		for _, c := range []struct {
			verdict string
			code    int
		}{{"extend?for=1m", 204}, {"ack", 204}, {"ack", 204}, {"retry", 409}, {"extend", 409}, {"eat", 400}, {"retry?delay=13h", 400}} {
			if w := b.do(t, "POST", "/v1/messages/"+token+"/"+c.verdict, ""); w.Code != c.code {
				t.Errorf("%s: %d %s", c.verdict, w.Code, w.Body)
			}
		}
		if o := <-b.outcomes; o.Verdict != message.Delivered {
			t.Errorf("outcome %+v", o)
		}
		if w := b.do(t, "GET", "/v1/next?wait=1s", ""); w.Code != 204 {
			t.Errorf("nothing is there: %d", w.Code)
		}
	})
}

func TestPullAnswersWithWhatIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(Options{})
		go b.offer(t.Context(), "late", "") // nobody asks yet: not handed over
		<-b.outcomes
		for id, body := range map[string]string{"a": "text \"é\"", "b": "\xff", "c": ""} {
			go func() {
				time.Sleep(time.Second)
				b.offer(t.Context(), id, body)
			}()
		}
		w := b.do(t, "POST", "/v1/pull", `{"max":10,"wait":"20s","lease":"60s"}`)
		var got struct{ Messages []document }
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got.Messages) != 3 {
			t.Fatalf("%d %s: %v", w.Code, w.Body, err)
		}
		var settles []string
		for _, m := range got.Messages {
			body := string(m.BodyBase64)
			if m.Body != nil {
				body = *m.Body
			}
			if want := map[string]string{"a": "text \"é\"", "b": "\xff", "c": ""}[m.ID]; body != want || m.Attributes["n"] != "v" || m.Source != "q" || m.ReceiveCount != 1 {
				t.Errorf("%+v", m)
			}
			settles = append(settles, `{"token":"`+m.Token+`","verdict":"`+map[string]string{"a": "ack", "b": "retry", "c": "dead-letter"}[m.ID]+`"}`)
		}
		w = b.do(t, "POST", "/v1/settle", `{"messages":[`+strings.Join(settles, ",")+`,{"token":"other","verdict":"ack"}]}`)
		var settled struct{ Results []result }
		if err := json.Unmarshal(w.Body.Bytes(), &settled); err != nil || len(settled.Results) != 4 {
			t.Fatalf("%d %s: %v", w.Code, w.Body, err)
		}
		for i, r := range settled.Results {
			if r.OK != (i < 3) || i == 3 && r.Error != "unknown" {
				t.Errorf("%+v", r)
			}
		}
		if w := b.do(t, "POST", "/v1/pull", `{"wait":"1s"}`); strings.TrimSpace(w.Body.String()) != `{"messages":[]}` {
			t.Errorf("nothing is there: %d %s", w.Code, w.Body)
		}
	})
}

func TestBadRequestsAreToldWhatIsWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		guarded, open := Options{Token: "secret"}, Options{Hosts: []string{"carrier.example"}}
		for name, c := range map[string]struct {
			options              Options
			method, target, body string
			header               []string
			code                 int
			says                 string
		}{
			"no body to settle":               {open, "POST", "/v1/settle", "", nil, 400, "messages"},
			"a null lease, and junk":          {open, "POST", "/v1/pull", `{"lease":null}]`, nil, 400, "more after it"},
			"a wait that is none":             {open, "GET", "/v1/next?wait=20", "", nil, 400, "wait"},
			"a wait too long":                 {open, "GET", "/v1/next?wait=61s", "", nil, 400, "1m0s"},
			"HEAD":                            {open, "HEAD", "/v1/next", "", nil, 405, ""},
			"another method":                  {open, "POST", "/v1/next", "", nil, 405, ""},
			"max too small":                   {open, "POST", "/v1/pull", `{"max":0}`, nil, 400, "max"},
			"max too large":                   {open, "POST", "/v1/pull", `{"max":101}`, nil, 400, "max"},
			"a lease too short":               {open, "POST", "/v1/pull", `{"lease":"1ms"}`, nil, 400, "lease"},
			"a body too large":                {open, "POST", "/v1/settle", `{"messages":[{"reason":"` + strings.Repeat("x", maxBody) + `"}]}`, nil, 413, "1048576"},
			"a verdict nobody knows":          {open, "POST", "/v1/settle", `{"messages":[{"token":"t","verdict":"nack"}]}`, nil, 400, "messages[0]"},
			"an unknown token":                {open, "POST", "/v1/messages/t/ack", "", nil, 404, "urn:carrier:unknown"},
			"a path that is none":             {open, "GET", "/v2/next", "", nil, 404, ""},
			"a browser":                       {open, "GET", "/v1/next", "", []string{"Origin", "http://127.0.0.1:9020"}, 403, "Origin"},
			"a foreign name":                  {open, "GET", "/v1/next", "", []string{"Host", "evil.example"}, 403, "CARRIER_WORKER_HOSTS"},
			"a name that is allowed":          {open, "POST", "/v1/messages/t/ack", "", []string{"Host", "carrier.example:9020"}, 404, ""},
			"a name over a socket":            {Options{Address: "unix:///w.sock"}, "POST", "/v1/messages/t/ack", "", []string{"Host", "worker"}, 404, ""},
			"no token":                        {guarded, "GET", "/v1/next", "", nil, 401, "bearer"},
			"the token, and a Host":           {guarded, "POST", "/v1/messages/t/ack", "", []string{"Authorization", "Bearer secret"}, 404, ""},
			"a stream from a browser":         {open, "GET", "/v1/stream", "", []string{"Origin", "http://127.0.0.1:9020"}, 403, "Origin"},
			"a stream without a token":        {guarded, "GET", "/v1/stream", "", nil, 401, "bearer"},
			"a stream at a foreign name":      {open, "GET", "/v1/stream", "", []string{"Host", "evil.example"}, 403, "CARRIER_WORKER_HOSTS"},
			"a stream that is no WebSocket":   {open, "GET", "/v1/stream", "", nil, 426, "Upgrade"},
			"a stream by another method":      {open, "POST", "/v1/stream", "", nil, 405, ""},
			"HEAD of a stream":                {open, "HEAD", "/v1/stream", "", nil, 405, ""},
			"a stream without subprotocol":    {open, "GET", "/v1/stream", "", upgrade(), 400, "carrier.v1"},
			"a stream of another subprotocol": {open, "GET", "/v1/stream", "", upgrade("Sec-WebSocket-Protocol", "carrier.v2, mqtt"), 400, "carrier.v1"},
			"a stream of another version":     {open, "GET", "/v1/stream", "", upgrade("Sec-WebSocket-Protocol", "carrier.v1", "Sec-WebSocket-Version", "8"), 400, "version"},
			"a stream without a key":          {open, "GET", "/v1/stream", "", upgrade("Sec-WebSocket-Protocol", "carrier.v1", "Sec-WebSocket-Key", ""), 400, "Key"},
			"a route that is unknown":         {open, "GET", "/v1/routes/x/next", "", nil, 404, ""},
		} {
			w := newBench(c.options).do(t, c.method, c.target, c.body, c.header...)
			if w.Code != c.code || w.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(w.Body.String(), c.says) {
				t.Errorf("%s: %d %v %s", name, w.Code, w.Header(), w.Body)
			}
		}
	})
}

func TestBodyThatIsNotTheJSONThatIsWantedIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(Options{})
		for path, bodies := range map[string]map[string]int{
			"/v1/pull": {
				``: 200, `{}`: 200, `{"max":null,"wait":null,"lease":null}`: 200,
				`null`: 400, `[]`: 400, `"x"`: 400, `10`: 400, `true`: 400, `max=1`: 400, `{"max":1`: 400, `{}{}`: 400, `{} null`: 400,
				`{"max":1,"max":100}`: 400, `{"max":1,"Max":100}`: 400, `{"mx":1}`: 400, `{"max":"1"}`: 400, `{"max":1.5}`: 400,
				`{"max":1e400}`: 400, `{"max":-1}`: 400, `{"max":18446744073709551617}`: 400, `{"wait":20}`: 400, `{"wait":""}`: 400,
				`{"wait":"9999999999h"}`: 400, `{"lease":{}}`: 400, `{"max":` + strings.Repeat("[", 100_000): 400,
			},
			"/v1/settle": {
				`{"messages":[]}`: 200, `{"messages":[{"token":"t","verdict":"ack","delay":null}]}`: 200,
				``: 400, `{}`: 400, `null`: 400, `[]`: 400, `"x"`: 400, `{"messages":null}`: 400, `{"messages":{}}`: 400, `{"messages":["t"]}`: 400,
				`{"messages":[null]}`: 400, `{"messages":[{}]}`: 400, `{"messages":[{"token":"t","verdict":"ack"}]}]`: 400,
				`{"messages":[{"token":"t","verdict":"ack","verdict":"retry"}]}`: 400, `{"messages":[],"messages":[]}`: 400,
				`{"messages":[{"token":"t","verdict":"Ack"}]}`: 400, `{"messages":[{"token":"t","verdict":"ack","dely":"1s"}]}`: 400,
				`{"messages":[{"token":"t","verdict":"retry","delay":1e9}]}`: 400, `{"messages":[{"token":1,"verdict":"ack"}]}`: 400,
				`{"messages":` + strings.Repeat("[", 100_000): 400,
			},
		} {
			for body, code := range bodies {
				w := b.do(t, "POST", path, body)
				problem := w.Header().Get("Content-Type") == "application/problem+json"
				if w.Code != code || problem != (code == 400) || w.Body.Len() > 500 {
					t.Errorf("%s %.80s: %d %.500s", path, body, w.Code, w.Body)
				}
			}
		}
		if n, err := b.table.Ready(ended(t), 0); n != 0 || err == nil {
			t.Errorf("%d messages are still asked for", n)
		}
	})
}

// ended is a context that has ended.
func ended(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// upgrade is the headers of a WebSocket's handshake, and more.
func upgrade(header ...string) []string {
	return append([]string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "MDEyMzQ1Njc4OWFiY2RlZg=="}, header...)
}

func TestOpenWaitsAreBounded(t *testing.T) {
	b := newBench(Options{})
	b.waits.Store(maxWaits)
	if w := b.do(t, "GET", "/v1/next", ""); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if n := b.waits.Load(); n != maxWaits {
		t.Errorf("%d waits are counted", n)
	}
}

func TestDrainEndsTheWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(Options{})
		go func() {
			time.Sleep(time.Second)
			b.Drain()
		}()
		begun := time.Now()
		for range 2 { // one that waits, and one that comes later
			if w := b.do(t, "GET", "/v1/next?wait=60s", ""); w.Code != 503 || w.Header().Get("Retry-After") == "" || time.Since(begun) != time.Second {
				t.Errorf("%d %v after %v", w.Code, w.Header(), time.Since(begun))
			}
		}
	})
}

// A gone is a client that cannot be written to.
type gone struct{ http.ResponseWriter }

func (gone) Write([]byte) (int, error) { return 0, http.ErrHandlerTimeout }

func TestWhatCouldNotBeWrittenWasNotHandedOver(t *testing.T) {
	for _, path := range []string{"GET /v1/next", "POST /v1/pull", "GET " + nextPath} {
		synctest.Test(t, func(t *testing.T) {
			b := functions(Options{})
			go func() {
				time.Sleep(time.Second)
				b.offer(t.Context(), "a", "x")
			}()
			method, target, _ := strings.Cut(path, " ")
			r := httptest.NewRequest(method, "http://127.0.0.1"+target, nil)
			b.http.Handler.ServeHTTP(gone{httptest.NewRecorder()}, r)
			if o := <-b.outcomes; o.Cause != message.Unreached {
				t.Errorf("%s: outcome %+v", path, o)
			}
		})
	}
}
