package trail

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestAttemptsAreToldToWhoAsks(t *testing.T) {
	trail := open(t, Options{})
	defer trail.Close(0)
	at := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for i, outcome := range []string{"failed", "failed", "delivered"} {
		trail.Attempt(Attempt{Time: at.Add(time.Duration(i) * time.Minute), Route: "mail", MessageID: "a", Outcome: outcome})
	}
	trail.Settlement(Settlement{Time: at.Add(time.Hour), Route: "mail", MessageID: "a", Outcome: "delivered", OK: true})
	trail.Attempt(Attempt{Time: at.Add(2 * time.Hour), Route: "orders", MessageID: "b", Outcome: "failed"})
	for name, c := range map[string]struct {
		query                 string
		code                  int
		attempts, settlements int
		newest                string
	}{
		"all":                {"", 200, 4, 0, "b"},
		"of a message":       {"?message_id=a", 200, 3, 0, "a"},
		"of a route":         {"?route=orders", 200, 1, 0, "b"},
		"of an outcome":      {"?outcome=failed&limit=2", 200, 2, 0, "b"},
		"since a time":       {"?since=2026-11-28T12:01:00Z", 200, 3, 0, "b"},
		"settlements too":    {"?message_id=a&settlements=true", 200, 3, 1, "a"},
		"none":               {"?message_id=x", 200, 0, 0, ""},
		"no outcome":         {"?outcome=ok", 400, 0, 0, ""},
		"a limit of nothing": {"?limit=0", 400, 0, 0, ""},
		"no limit at all":    {"?limit=x", 400, 0, 0, ""},
		"no time":            {"?since=1h", 400, 0, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			trail.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/attempts"+c.query, nil))
			var got Records
			if err := json.Unmarshal(w.Body.Bytes(), &got); w.Code != c.code || err != nil && c.code == 200 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			if len(got.Attempts) != c.attempts || len(got.Settlements) != c.settlements || c.attempts > 0 && got.Attempts[0].MessageID != c.newest {
				t.Errorf("%s", w.Body)
			}
			if c.code == 200 && !strings.HasPrefix(w.Body.String(), `{"attempts":[`) {
				t.Errorf("no list: %s", w.Body)
			}
		})
	}
}

func TestRecordsAreinOrder(t *testing.T) {
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	r := Records{
		Attempts:    []Attempt{{Time: at(5), Reason: "e"}, {Time: at(2), Reason: "b"}, {Time: at(1), Reason: "a"}},
		Settlements: []Settlement{{Time: at(5), Outcome: "f"}, {Time: at(4), Outcome: "d"}, {Time: at(3), Outcome: "c"}},
	}
	order := ""
	for _, record := range r.inOrder() {
		switch record := record.(type) {
		case *Attempt:
			order += record.Reason
		case *Settlement:
			order += record.Outcome
		}
	}
	if order != "abcdef" {
		t.Error(order)
	}
}
