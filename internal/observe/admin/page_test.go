package admin

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestPageIsServedToWhoNamesThisHost(t *testing.T) {
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "page "+r.URL.Path) })
	with := Options{Page: page, Token: "secret", Hosts: []string{"carrier.example"}}
	for name, tt := range map[string]struct {
		options            Options
		method, path, host string
		code               int
		body               string
	}{
		"at the root":          {with, "GET", "/", "127.0.0.1:9010", 200, "page /"},
		"its files":            {with, "GET", "/page.js", "localhost:9010", 200, "page /page.js"},
		"by an allowed name":   {with, "GET", "/", "carrier.example", 200, "page /"},
		"by a foreign name":    {with, "GET", "/", "evil.example", 403, "CARRIER_ADMIN_HOSTS"},
		"another method":       {with, "POST", "/", "127.0.0.1", 405, `"status":405`},
		"a probe beside it":    {with, "GET", "/livez", "evil.example", 200, "live"},
		"where it is off":      {Options{Token: "secret"}, "GET", "/", "127.0.0.1", 404, `"status":404`},
		"draining needs a key": {with, "GET", "/drain", "127.0.0.1", 401, `"status":401`},
	} {
		t.Run(name, func(t *testing.T) {
			answer := askHost(tt.options, tt.host, tt.method, tt.path)
			if answer.Code != tt.code || !strings.Contains(answer.Body.String(), tt.body) {
				t.Errorf("status %d, %s", answer.Code, answer.Body)
			}
		})
	}
}
