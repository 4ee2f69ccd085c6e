package adminapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"carrier/internal/deadletter"
	"carrier/internal/deadletter/deadlettertest"
	"carrier/internal/httpapi"
	"carrier/message"
	"carrier/publisher"
	"carrier/receiver"
)

// over serves stores, each as the route of its name.
func over(t *testing.T, stores map[string]*deadlettertest.Memory, names ...string) *API {
	t.Helper()
	var routes []Route
	for _, name := range names {
		routes = append(routes, Route{Name: name, Open: func(context.Context) (deadletter.Store, error) {
			if s := stores[name]; s != nil {
				return s, nil
			}
			return nil, fmt.Errorf("%w: read a manual", deadletter.ErrUnsupported)
		}})
	}
	a := New(routes)
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// do makes a request and decodes its answer.
func do(t *testing.T, a *API, method, path, body string) (status int, answer map[string]any) {
	t.Helper()
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Errorf("%s %s: %q is no JSON", method, path, w.Body)
		}
	}
	return w.Code, answer
}

func filled(n int) *deadlettertest.Memory {
	s := new(deadlettertest.Memory)
	for i := range n {
		s.Add(&message.Message{ID: fmt.Sprint("first-", i), Body: fmt.Append(nil, i), Attributes: []message.Attribute{{Name: "Carrier.Reason", Value: "no"}}})
	}
	return s
}

// asking is an Ask of a.
func asking(a *API) Ask {
	return func(ctx context.Context, method, path string, in, out any) error {
		document, err := json.Marshal(in)
		if err != nil {
			return err
		}
		w := httptest.NewRecorder()
		a.ServeHTTP(w, httptest.NewRequestWithContext(ctx, method, path, bytes.NewReader(document)))
		switch w.Code {
		case http.StatusAccepted, http.StatusNoContent:
			return nil
		case http.StatusOK:
			return json.Unmarshal(w.Body.Bytes(), out)
		case http.StatusNotFound:
			return fmt.Errorf("%w: %s", deadletter.ErrNotFound, w.Body)
		}
		var p httpapi.Problem
		return errors.Join(errors.New(w.Body.String()), json.Unmarshal(w.Body.Bytes(), &p))
	}
}

func TestStoreOfTheCarrierThatRunsKeepsThePromises(t *testing.T) {
	deadlettertest.Run(t, deadlettertest.Harness{
		Open: func(t *testing.T) (deadletter.Store, deadlettertest.Place) {
			m := new(deadlettertest.Memory)
			return Remote{Route: "mail", Ask: asking(over(t, map[string]*deadlettertest.Memory{"mail": m}, "orders", "mail"))}, m
		},
		Places: true, Groups: true, Timed: true,
		Run: func(t *testing.T, promise func(*testing.T)) { synctest.Test(t, promise) },
	})
}

func TestLettersOfAllRoutesAreListed(t *testing.T) {
	a := over(t, map[string]*deadlettertest.Memory{"orders": filled(2), "mail": filled(3)}, "orders", "topic", "mail")
	var got []string
	for after, more := "", true; more; more = after != "" {
		status, page := do(t, a, "GET", "/v1/dead-letters?limit=2&after="+after, "")
		if status != http.StatusOK {
			t.Fatal(status, page)
		}
		for _, l := range page["dead_letters"].([]any) {
			l := l.(map[string]any)
			got = append(got, fmt.Sprint(l["route"], l["id"]))
			if l["reason"] != "no" || l["bytes"] != 1.0 || l["body"] != nil {
				t.Errorf("%v", l)
			}
		}
		after, _ = page["next"].(string)
	}
	if fmt.Sprint(got) != "[orders1 orders2 mail1 mail2 mail3]" {
		t.Errorf("%v", got)
	}
}

func TestWhatIsWrongWithARequestIsSaid(t *testing.T) {
	a := over(t, map[string]*deadlettertest.Memory{"orders": filled(1), "mail": filled(1)}, "orders", "topic", "mail")
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		says               string
	}{
		"a method that is none of these":  {"PUT", "/v1/dead-letters", "", 405, ""},
		"a drop by GET":                   {"GET", "/v1/dead-letters/1/drop", "", 405, ""},
		"a word that is none of these":    {"POST", "/v1/dead-letters/1/keep", "", 404, ""},
		"a limit that is none":            {"GET", "/v1/dead-letters?limit=x", "", 400, "limit"},
		"a route that is not there":       {"GET", "/v1/dead-letters?route=x", "", 404, `"x"`},
		"a place that is none":            {"GET", "/v1/dead-letters?after=x", "", 400, "next"},
		"a source that cannot be read":    {"GET", "/v1/dead-letters?route=topic", "", 501, "read a manual"},
		"an id without its route":         {"POST", "/v1/dead-letters/1/drop", "", 400, "route"},
		"an id that is not there":         {"POST", "/v1/dead-letters/9/drop?route=mail", "", 404, "9"},
		"a redrive of none":               {"POST", "/v1/dead-letters/9/redrive?route=mail", "", 404, "9"},
		"a redrive of nothing":            {"POST", "/v1/dead-letters/redrive", `{"route":"mail"}`, 400, "ids or all"},
		"a redrive of some and of all":    {"POST", "/v1/dead-letters/redrive", `{"route":"mail","ids":["1"],"all":true}`, 400, "ids or all"},
		"a redrive at no rate":            {"POST", "/v1/dead-letters/redrive", `{"route":"mail","all":true,"rate":"fast"}`, 400, "100/s"},
		"a redrive of no route":           {"POST", "/v1/dead-letters/redrive", `{"all":true}`, 400, "route"},
		"a request that is no JSON":       {"POST", "/v1/dead-letters/redrive", `all`, 400, "JSON"},
		"a field that nobody knows":       {"POST", "/v1/dead-letters/redrive", `{"route":"mail","every":true}`, 400, "every"},
		"a request that is much too long": {"POST", "/v1/dead-letters/redrive", `{"ids":["` + strings.Repeat("x", maxRequest) + `"]}`, 413, "1048576"},
		"null":                            {"POST", "/v1/dead-letters/redrive", `null`, 400, "JSON"},
		"a list":                          {"POST", "/v1/dead-letters/redrive", `[]`, 400, "JSON"},
		"a second object":                 {"POST", "/v1/dead-letters/redrive", `{"route":"mail","all":true}{}`, 400, "more after it"},
		"a name twice":                    {"POST", "/v1/dead-letters/redrive", `{"route":"orders","all":true,"route":"mail"}`, 400, "twice"},
		"a number for a rate":             {"POST", "/v1/dead-letters/redrive", `{"route":"mail","all":true,"rate":1e400}`, 400, "rate"},
		"lists without end":               {"POST", "/v1/dead-letters/redrive", `{"ids":` + strings.Repeat("[", 100_000), 400, "JSON"},
		"nothing":                         {"POST", "/v1/dead-letters/redrive", ``, 400, "ids or all"},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := do(t, a, c.method, c.path, c.body)
			if status != c.status || answer["status"] != float64(status) || !strings.Contains(fmt.Sprint(answer["detail"]), c.says) {
				t.Errorf("%d %v, want %d and %q", status, answer, c.status, c.says)
			}
		})
	}
}

// stuck is a store whose letters cannot be moved, which stops the redrive or concerns the one letter.
type stuck struct {
	deadletter.Store
	failed, stopped error
}

func (s stuck) Redrive(_ context.Context, r deadletter.Request) (deadletter.Progress, error) {
	if s.failed != nil {
		r.Normal().Fail(s.failed)
	}
	return deadletter.Progress{}, s.stopped
}

func (s stuck) Close() error { return nil }

func TestLetterThatCannotBeMovedIsToldWithItsReason(t *testing.T) {
	for name, c := range map[string]struct {
		store  stuck
		status int
		says   string
	}{
		"it is not there":                {stuck{failed: fmt.Errorf("%w: 1", deadletter.ErrNotFound)}, 404, "no such dead letter: 1"},
		"its queue will never take it":   {stuck{failed: fmt.Errorf("1 could not be moved: %w", publisher.Refuse(publisher.TooLarge, errors.New("too large")).Err)}, 422, "1 could not be moved: too large"},
		"its queue does not take it now": {stuck{failed: fmt.Errorf("1 could not be moved: %w", publisher.Refuse(publisher.NotNow, errors.New("slow down")).Err)}, 503, "1 could not be moved: slow down"},
		"nobody knows":                   {stuck{failed: errors.New("1 is left: cut")}, 503, "1 is left: cut"},
		"the redrive was stopped":        {stuck{stopped: errors.New("the queue is full")}, 503, "the queue is full"},
		"nothing was said":               {stuck{}, 503, "1 was not moved"},
	} {
		t.Run(name, func(t *testing.T) {
			a := New([]Route{{Name: "mail", Open: func(context.Context) (deadletter.Store, error) { return c.store, nil }}})
			if status, answer := do(t, a, "POST", "/v1/dead-letters/1/redrive", ""); status != c.status || answer["detail"] != c.says {
				t.Errorf("%d %v, want %d %q", status, answer["detail"], c.status, c.says)
			}
		})
	}
}

// TestRouteWithoutDeadLettersDoesNotHideThoseOfOthers: it may have no place for them.
func TestRouteWithoutDeadLettersDoesNotHideThoseOfOthers(t *testing.T) {
	a := New([]Route{
		{Name: "none", Open: func(context.Context) (deadletter.Store, error) {
			return nil, fmt.Errorf("queue q: %w", receiver.ErrNoDeadLetter)
		}},
		{Name: "mail", Open: func(context.Context) (deadletter.Store, error) { return filled(1), nil }},
	})
	if status, page := do(t, a, "GET", "/v1/dead-letters", ""); status != 200 || len(page["dead_letters"].([]any)) != 1 {
		t.Errorf("all: %d %v", status, page)
	}
	if status, answer := do(t, a, "GET", "/v1/dead-letters?route=none", ""); status != 501 {
		t.Errorf("its own: %d %v", status, answer)
	}
}

func TestALetterThatIsNotThereIsSaidOnce(t *testing.T) {
	a := over(t, map[string]*deadlettertest.Memory{"mail": filled(1)}, "mail")
	for _, verb := range []string{"redrive", "drop"} {
		if _, answer := do(t, a, "POST", "/v1/dead-letters/9/"+verb, ""); answer["detail"] != "no such dead letter: 9" {
			t.Errorf("%s: %v", verb, answer)
		}
	}
}

func TestOneRedriveRunsAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := filled(3)
		a := over(t, map[string]*deadlettertest.Memory{"mail": s}, "mail")
		order := `{"all":true,"rate":"1/h"}`
		if status, answer := do(t, a, "POST", "/v1/dead-letters/redrive", order); status != http.StatusAccepted {
			t.Fatal(status, answer)
		}
		synctest.Wait()
		if status, _ := do(t, a, "POST", "/v1/dead-letters/redrive", order); status != http.StatusConflict {
			t.Errorf("a second one: %d", status)
		}
		if _, state := do(t, a, "GET", "/v1/dead-letters/redrive", ""); state["running"] != true || state["moved"] != 1.0 || state["left"] != 2.0 {
			t.Errorf("while it runs: %v", state)
		}
		if status, _ := do(t, a, "DELETE", "/v1/dead-letters/redrive", ""); status != http.StatusNoContent {
			t.Errorf("its stop: %d", status)
		}
		if _, state := do(t, a, "GET", "/v1/dead-letters/redrive", ""); state["running"] != false || state["error"] != "it was stopped" || s.Left(t) != 2 {
			t.Errorf("after its stop: %v, %d left", state, s.Left(t))
		}
	})
}

func TestOneLetterIsMovedOrDropped(t *testing.T) {
	s := filled(3)
	a := over(t, map[string]*deadlettertest.Memory{"mail": s}, "mail")
	for path, method := range map[string]string{"/v1/dead-letters/1/redrive": "POST", "/v1/dead-letters/2/drop": "POST"} {
		if status, answer := do(t, a, method, path, ""); status != http.StatusNoContent {
			t.Errorf("%s: %d %v", path, status, answer)
		}
	}
	if back := s.Back(t); s.Left(t) != 1 || len(back) != 1 || string(back[0].Body) != "0" {
		t.Errorf("%d left, back %v", s.Left(t), back)
	}
	if _, l := do(t, a, "GET", "/v1/dead-letters/3", ""); l["body"] != nil || l["route"] != "mail" {
		t.Errorf("without its body: %v", l)
	}
	if _, l := do(t, a, "GET", "/v1/dead-letters/3?body=true", ""); l["body"] != "Mg==" {
		t.Errorf("with its body: %v", l)
	}
}
