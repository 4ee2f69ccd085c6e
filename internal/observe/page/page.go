// Package page is the page of the admin port: three static files over the port's JSON.
package page

import (
	"embed"
	"net/http"
	"path"

	"carrier/internal/httpapi"
)

//go:embed static
var static embed.FS

// policy lets the page load its own script and style and talk to its own origin, and nothing else: no
// inline code, no frames, no other site.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Handler serves the page at "/", its script and its style. It asks for no token: the files are
// the same everywhere and hold nothing of the program's state.
func Handler() http.Handler {
	types := map[string]string{"/": "text/html", "/page.js": "text/javascript", "/page.css": "text/css"}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		contentType, known := types[r.URL.Path]
		if !known {
			httpapi.Problem{Status: http.StatusNotFound}.Write(w)
			return
		}
		name := r.URL.Path
		if name == "/" {
			name = "/page.html"
		}
		file, err := static.ReadFile(path.Join("static", name))
		if err != nil {
			httpapi.Problem{Status: http.StatusNotFound}.Write(w)
			return
		}
		h := w.Header()
		h.Set("Content-Type", contentType+"; charset=utf-8")
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-cache")
		if r.Method != http.MethodHead {
			_, _ = w.Write(file)
		}
	})
}
