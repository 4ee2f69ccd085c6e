package ingest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"carrier/receiver/ingest/listed"
	"carrier/receiver/ingest/queued"
)

// call makes a request of the API, and decodes its answer.
func call(t *testing.T, h http.Handler, method, path string, answer any) int {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	if err := json.Unmarshal(w.Body.Bytes(), answer); err != nil {
		t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return w.Code
}

func TestSubscriptionsAreListedAndDropped(t *testing.T) {
	o := Options{DataDir: t.TempDir(), Subscriptions: []Subscription{{Name: ""}, {Name: "mail", Topics: []string{"/mail/", "/m"}}}}
	s, r := startSeveral(t, o)
	d := single{s, r[0]}
	send(t, d, "POST", "/a", "12").id(t)
	send(t, d, "POST", "/m", "3").id(t)
	for _, r := range r {
		_ = r.Close()
	}
	o.Subscriptions = o.Subscriptions[:1]
	s, _ = startSeveral(t, o)
	var found struct{ Subscriptions []listed.Subscription }
	if code := call(t, s.API(), "GET", "/v1/subscriptions", &found); code != 200 || len(found.Subscriptions) != 2 {
		t.Fatalf("%d %+v", code, found)
	}
	first, mail := found.Subscriptions[0], found.Subscriptions[1]
	if first.Name != "default" || first.Pattern != "/" || first.State != "active" || first.Waiting != 2 || first.Bytes != 3 {
		t.Errorf("first = %+v", first)
	}
	if mail.Name != "mail" || mail.Pattern != "/mail/,/m" || mail.State != "removed" || mail.RemovedAt.IsZero() || mail.Waiting != 1 {
		t.Errorf("second = %+v", mail)
	}
	for path, want := range map[string]listed.Dropped{
		"/v1/subscriptions/mail/drop":    {Messages: 1, Ended: true},
		"/v1/subscriptions/default/drop": {Messages: 2},
	} {
		var got listed.Dropped
		if code := call(t, s.API(), "POST", path, &got); code != 200 || got != want {
			t.Errorf("%s: %d %+v, want %+v", path, code, got, want)
		}
	}
	var p struct{ Detail string }
	if code := call(t, s.API(), "POST", "/v1/subscriptions/none/drop", &p); code != 404 || !strings.Contains(p.Detail, "none") {
		t.Errorf("one that is not there: %d %+v", code, p)
	}
	for request, want := range map[string]int{
		"PUT /v1/subscriptions": 405, "GET /v1/subscriptions/mail/drop": 405, "POST /v1/subscriptions/mail/keep": 404,
		"POST /v1/queue": 405, "PUT /v1/queue/a": 405, "GET /v1/queue/a/keep": 404,
	} {
		method, path, _ := strings.Cut(request, " ")
		if code := call(t, s.API(), method, path, &p); code != want {
			t.Errorf("%s: %d, want %d", request, code, want)
		}
	}
	if code := call(t, New(Options{DataDir: t.TempDir()}).API(), "GET", "/v1/subscriptions", &p); code != 503 {
		t.Errorf("before the start: %d %+v", code, p)
	}
}

func TestWhatWaitsIsToldOverTheAPI(t *testing.T) {
	s, r := startSeveral(t, Options{DataDir: t.TempDir(), Subscriptions: []Subscription{{Name: ""}, {Name: "mail", Topics: []string{"/mail"}}}})
	d := single{s, r[0]}
	flies := send(t, d, "POST", "/", "flies").id(t)
	receive(t, d)
	shared := send(t, d, "POST", "/mail", "shared", "Content-Type: text/x", "X-Carrier-Attribute-Color: red").id(t)
	later := send(t, d, "POST", "/", "later", "X-Carrier-Delay: 1h").id(t)
	list := func(query string) (said []string, next string) {
		var p queued.Page
		if code := call(t, s.API(), "GET", "/v1/queue?"+query, &p); code != 200 {
			t.Fatalf("%s: %d", query, code)
		}
		for _, m := range p.Messages {
			said = append(said, fmt.Sprintf("%s%s%s%d%s", m.ID, m.Route, m.State, m.Bytes, m.Body))
		}
		return said, p.Next
	}
	all := []string{flies + "defaultin_flight5", shared + "defaultready6", shared + "mailready6", later + "defaultdelayed5"}
	for query, want := range map[string][]string{
		"":                                      all,
		"route=&state=&limit=100&after=":        all,
		"route=mail":                            all[2:3],
		"route=none":                            nil,
		"state=delayed":                         all[3:],
		"route=default&state=in_flight&limit=1": all[:1],
	} {
		if got, _ := list(query); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", query, got, want)
		}
	}
	_, next := list("limit=2")
	if rest, end := list("limit=2&after=" + next); !slices.Equal(rest, all[3:]) || end != "" {
		t.Errorf("the second page is %q and goes on at %q", rest, end)
	}
	var p queued.Page
	for query, body := range map[string]string{"": "", "&body=false": "", "&body=true": "shared"} {
		if code := call(t, s.API(), "GET", "/v1/queue/"+shared+"?route=mail"+query, &p); code != 200 || len(p.Messages) != 1 || string(p.Messages[0].Body) != body ||
			p.Messages[0].Path != "/mail" || p.Messages[0].ContentType != "text/x" || p.Messages[0].Attributes["Color"] != "red" {
			t.Errorf("%q: %d %+v", query, code, p)
		}
		p = queued.Page{}
	}
	for request, want := range map[string]struct {
		status int
		detail string
	}{
		"GET /v1/queue?state=lost":                     {400, "state has to be"},
		"GET /v1/queue?limit=0":                        {400, "limit has to be"},
		"GET /v1/queue?limit=1001":                     {400, "limit has to be"},
		"GET /v1/queue?after=x":                        {400, "after has to be"},
		"GET /v1/queue/none":                           {404, `no such message: "none"`},
		"GET /v1/queue/" + shared + "?body=1":          {400, "body has to be"},
		"POST /v1/queue/none/drop":                     {404, "none"},
		"POST /v1/queue/" + flies + "/drop":            {409, "in flight"},
		"POST /v1/queue/" + shared + "/drop":           {409, "default, mail: say which with route"},
		"POST /v1/queue/" + later + "/drop?route=mail": {404, "no such message"},
	} {
		var problem struct{ Detail string }
		method, path, _ := strings.Cut(request, " ")
		if code := call(t, s.API(), method, path, &problem); code != want.status || !strings.Contains(problem.Detail, want.detail) {
			t.Errorf("%s: %d %q, want %d %q", request, code, problem.Detail, want.status, want.detail)
		}
	}
	w := httptest.NewRecorder()
	s.API().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/queue/"+shared+"/drop?route=mail", nil))
	if left, _ := list(""); w.Code != 204 || len(left) != 3 || r[1].Counts().Messages != 0 {
		t.Errorf("drop: %d %s; left %q", w.Code, w.Body, left)
	}
}
