// Package page is the page of the admin port: three static files over the port's JSON.
package page

import (
	_ "embed" // the files
	"io"
	"net/http"

	"carrier/internal/httpapi"
)

var (
	//go:embed static/page.html
	html string
	//go:embed static/page.js
	script string
	//go:embed static/page.css
	style string
)

// policy lets the page load its own script and style and talk to its own origin, and nothing else: no
// inline code, no frames, no other site.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Handler serves the page at "/", its script and its style. It asks for no token: the files are
// the same everywhere and hold nothing of the program's state.
func Handler() http.Handler {
	files := map[string]struct{ contentType, text string }{
		"/": {"text/html", html}, "/page.js": {"text/javascript", script}, "/page.css": {"text/css", style},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, known := files[r.URL.Path]
		if !known {
			httpapi.Problem{Status: http.StatusNotFound}.Write(w)
			return
		}
		h := w.Header()
		h.Set("Content-Type", file.contentType+"; charset=utf-8")
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-cache")
		if r.Method != http.MethodHead {
			_, _ = io.WriteString(w, file.text)
		}
	})
}
