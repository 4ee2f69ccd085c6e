package ingest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"carrier/receiver/ingest/listed"
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
	if code := call(t, New(Options{DataDir: t.TempDir()}).API(), "GET", "/v1/subscriptions", &p); code != 503 {
		t.Errorf("before the start: %d %+v", code, p)
	}
}
