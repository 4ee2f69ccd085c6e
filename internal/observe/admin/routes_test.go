package admin

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"carrier/dispatch"
)

// oneOf is a route whose source was reached or not and whose worker is up or not.
func oneOf(name string, counts, reached, up bool) Route {
	r := Route{Name: name, Counts: counts, Readiness: NewReadiness()}
	if reached {
		r.Observe(dispatch.Event{Kind: dispatch.SourceUp})
	}
	if !up {
		r.Set("worker", "offline")
	}
	return r
}

func TestReadinessOfSeveralRoutes(t *testing.T) {
	for name, tt := range map[string]struct {
		routes Routes
		query  string
		code   int
		body   string
	}{
		"all are up":                            {Routes{oneOf("a", true, true, true), oneOf("b", true, true, true)}, "", 200, "ready"},
		"one that counts is down":               {Routes{oneOf("a", true, true, true), oneOf("b", true, true, false)}, "", 503, `"reasons":{"b":"worker offline"}`},
		"one that does not count is down":       {Routes{oneOf("a", true, true, true), oneOf("b", false, true, false)}, "", 200, "ready"},
		"the source of one that does not count": {Routes{oneOf("a", true, true, true), oneOf("b", false, false, false)}, "", 503, `"reasons":{"b":"source not reached yet"}`},
		"two reasons for one":                   {Routes{oneOf("a", true, false, false)}, "", 503, `"reasons":{"a":"source not reached yet; worker offline"}`},
		"one is asked for":                      {Routes{oneOf("a", true, true, true), oneOf("b", true, false, true)}, "?route=a", 200, "ready"},
		"one that does not count, asked for":    {Routes{oneOf("a", true, true, true), oneOf("b", false, true, false)}, "?route=b", 503, `"reasons":{"b":"worker offline"}`},
		"an unknown one":                        {Routes{oneOf("a", true, true, true)}, "?route=x", 404, "no such route"},
		"no name":                               {Routes{oneOf("a", true, true, true)}, "?route=", 404, "no such route"},
		"default among named ones":              {Routes{oneOf("a", true, true, true)}, "?route=default", 404, "no such route"},
		"the one without a name":                {Routes{oneOf("", true, false, true)}, "", 503, `"reasons":{"source":"not reached yet"}`},
		"the one without a name, asked for":     {Routes{oneOf("", true, false, true)}, "?route=default", 503, `"reasons":{"source":"not reached yet"}`},
		"the one without a name, asked by none": {Routes{oneOf("", true, true, true)}, "?route=", 404, "no such route"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := ask(Options{Ready: tt.routes.Reasons, ReadyOf: tt.routes.Of}, http.MethodGet, "/readyz"+tt.query)
			if answer.Code != tt.code || !strings.Contains(answer.Body.String(), tt.body) {
				t.Errorf("status %d, %s", answer.Code, answer.Body)
			}
		})
	}
}

func TestDrainIsAReasonOfEachRoute(t *testing.T) {
	routes := Routes{oneOf("a", true, true, true), oneOf("b", false, true, true)}
	for _, r := range routes {
		r.Observe(dispatch.Event{Kind: dispatch.Stopping})
	}
	if got := fmt.Sprint(routes.Reasons()); got != "map[a:draining no more messages are taken b:draining no more messages are taken]" {
		t.Error(got)
	}
}

func TestHealthAsksForOneRoute(t *testing.T) {
	routes := Routes{oneOf("a", true, true, true), oneOf("b", true, false, true)}
	s := open(t, Options{Ready: routes.Reasons, ReadyOf: routes.Of})
	for route, want := range map[string]error{
		"":  errors.New("not ready: b source not reached yet"),
		"a": nil,
		"b": errors.New("not ready: b source not reached yet"),
		"x": errors.New(`the carrier that runs has no route "x"`),
	} {
		if err := Health(t.Context(), s.Addr().String(), route); fmt.Sprint(err) != fmt.Sprint(want) {
			t.Errorf("route %q: %v, want %v", route, err, want)
		}
	}
}
