package page

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func get(t *testing.T, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func TestPageIsThreeFilesUnderAPolicyWithoutInlineCode(t *testing.T) {
	for path, contentType := range map[string]string{"/": "text/html", "/page.js": "text/javascript", "/page.css": "text/css"} {
		w := get(t, path)
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), contentType) || w.Body.Len() == 0 {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s has the policy %q", path, csp)
		}
		if w.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s sets a cookie", path)
		}
	}
	if w := get(t, "/static/page.js"); w.Code != http.StatusNotFound {
		t.Errorf("/static/page.js: %d", w.Code)
	}
}

// TestPageHasNothingThatThePolicyForbids: such a thing would be silently dead in a browser.
func TestPageHasNothingThatThePolicyForbids(t *testing.T) {
	html := get(t, "/").Body.String()
	for what, pattern := range map[string]string{
		"an inline script": `(?i)<script[^>]*>[^<]`, "an inline style": `(?i)<style|\sstyle=`,
		"an event attribute": `(?i)\son[a-z]+=`, "a foreign address": `(?i)https?://`,
	} {
		if found := regexp.MustCompile(pattern).FindString(html); found != "" {
			t.Errorf("the page has %s: %q", what, found)
		}
	}
	script := get(t, "/page.js").Body.String()
	for _, way := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "document.cookie"} {
		if strings.Contains(script, way) {
			t.Errorf("the script uses %s: what a message says could become code", way)
		}
	}
}

func TestScriptFindsEveryElementThatItNames(t *testing.T) {
	html, script := get(t, "/").Body.String(), get(t, "/page.js").Body.String()
	for _, m := range regexp.MustCompile(`\$\("([a-z-]+)"\)`).FindAllStringSubmatch(script, -1) {
		if !strings.Contains(html, `id="`+m[1]+`"`) {
			t.Errorf("the page has no element %q", m[1])
		}
	}
}
