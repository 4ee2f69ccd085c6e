package admin

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestAPIIsForThoseWhoHaveTheToken(t *testing.T) {
	var api API
	api.Handle("GET /v1/state", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "state") }))
	api.Handle("POST /v1/routes/{route}/pause", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.PathValue("route")) }))
	o := Options{API: &api, Token: "secret", Hosts: []string{"carrier.example"}}
	for name, tt := range map[string]struct {
		options      Options
		method, path string
		header, host string
		code         int
		body         string
	}{
		"the token":                  {o, "GET", "/v1/state", "Authorization:Bearer secret", "127.0.0.1", 200, "state"},
		"a name that is allowed":     {o, "GET", "/v1/state", "Authorization:Bearer secret", "Carrier.example:9010", 200, "state"},
		"a value in the path":        {o, "POST", "/v1/routes/mail/pause", "Authorization:Bearer secret", "localhost", 200, "mail"},
		"no token":                   {o, "GET", "/v1/state", "X:y", "127.0.0.1", 401, `"status":401`},
		"a wrong one":                {o, "GET", "/v1/state", "Authorization:Bearer other", "127.0.0.1", 401, `"status":401`},
		"a foreign name":             {o, "GET", "/v1/state", "Authorization:Bearer secret", "evil.example", 403, "CARRIER_ADMIN_HOSTS"},
		"a path that is not there":   {o, "GET", "/v1/other", "Authorization:Bearer secret", "127.0.0.1", 404, `"type":"about:blank"`},
		"such a path, and no token":  {o, "GET", "/v1/other", "X:y", "127.0.0.1", 401, `"status":401`},
		"another method":             {o, "PUT", "/v1/state", "Authorization:Bearer secret", "127.0.0.1", 405, `"status":405`},
		"no token is set":            {Options{API: &api}, "GET", "/v1/state", "Authorization:Bearer ", "127.0.0.1", 404, `"status":404`},
		"no API":                     {Options{Token: "secret"}, "GET", "/v1/state", "Authorization:Bearer secret", "127.0.0.1", 404, `"status":404`},
		"a probe has no such checks": {o, "GET", "/livez", "X:y", "evil.example", 200, "live"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := askHost(tt.options, tt.host, tt.method, tt.path, tt.header)
			if answer.Code != tt.code || !strings.Contains(answer.Body.String(), tt.body) {
				t.Errorf("status %d, %s", answer.Code, answer.Body)
			}
			if kind := answer.Header().Get("Content-Type"); tt.code >= 400 && kind != "application/problem+json" {
				t.Errorf("an error as %s", kind)
			}
			if tt.code == 405 && !strings.Contains(answer.Header().Get("Allow"), "GET") {
				t.Errorf("Allow %q", answer.Header().Get("Allow"))
			}
		})
	}
}
