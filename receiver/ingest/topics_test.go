package ingest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestPathSaysWhoGetsTheMessage maps a request's path to the subscriptions that get it, of one for
// each topic.
func TestPathSaysWhoGetsTheMessage(t *testing.T) {
	subscriptions := []Subscription{
		{Topics: []string{"/orders/"}}, {Topics: []string{"/orders"}}, {Topics: []string{"/mail/", "/orders/new"}}, {Topics: []string{"/%7euser/a%2fb"}},
		{Topics: []string{"/bücher/", `/a b"<>\^{|}` + "`"}},
	}
	tp := newTopics(subscriptions)
	for path, want := range map[string]string{
		"/orders/":       "0",
		"/orders":        "0 1",
		"/orders/7":      "0",
		"/orders/new":    "0 2",
		"/orders/new/":   "0",
		"/orders/a/b":    "0",
		"/mail":          "2",
		"/mail/x":        "2",
		"/%6Frders/7":    "0",
		"/~user/a%2Fb":   "3",
		"/orders//x":     "0",
		"/orders/a%2Fb":  "0",
		"/b%C3%BCcher/7": "4",
		"/b%c3%bccher":   "4",
		"/ordersx":       "404",

		"/a%20b%22%3C%3E%5C%5E%7B%7C%7D%60": "4",

		"/Orders/":        "404",
		"//orders/":       "404",
		"/orders%2F7":     "404",
		"/~user/a/b":      "404",
		"/":               "404",
		"/orders/../mail": "400",
		"/orders/%2e%2e/": "400",
		"/x/..%2Forders/": "400",
		"/orders/%00":     "400",
	} {
		to, p := tp.match(path)
		got := ""
		for i := range subscriptions {
			if to&(1<<i) != 0 {
				got = strings.TrimSpace(fmt.Sprint(got, " ", i))
			}
		}
		if p != nil {
			got = fmt.Sprint(p.Status)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestEveryPathIsStoredWhereNobodyMindsWhich(t *testing.T) {
	tp := newTopics([]Subscription{{Topics: []string{"/"}}, {Topics: []string{"/"}}})
	for _, path := range []string{"/", "/a", "//", "/a/../b", "/%2e%2e/", "/%zz"} {
		if to, p := tp.match(path); to != 3 || p != nil {
			t.Errorf("%s: to %b, %v; want both", path, to, p)
		}
	}
}

func TestReplayRefusesAClimbingPathForAllWhoGetIt(t *testing.T) {
	tp := newTopics([]Subscription{{Topics: []string{"/"}}, {Topics: []string{"/"}, Replay: true}})
	if _, p := tp.match("/a/../b"); p == nil || p.Status != http.StatusBadRequest {
		t.Errorf("problem = %+v, want 400", p)
	}
}
