package httpapi

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestBearerTokenIsCompared(t *testing.T) {
	for name, c := range map[string]struct {
		header, token string
		want          bool
	}{
		"the token":                  {"Bearer secret", "secret", true},
		"a scheme in lower case":     {"bearer secret", "secret", true},
		"two blanks":                 {"Bearer  secret", "secret", true},
		"another token":              {"Bearer other", "secret", false},
		"another scheme":             {"Basic secret", "secret", false},
		"no header":                  {"", "secret", false},
		"no token wanted, none sent": {"Bearer ", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			r.Header.Set("Authorization", c.header)
			if got := HasBearer(r, c.token); got != c.want {
				t.Errorf("HasBearer(%q, %q) = %v", c.header, c.token, got)
			}
		})
	}
}

func TestProblemIsAnRFC9457Document(t *testing.T) {
	w := httptest.NewRecorder()
	Unauthorized().Write(w)
	var got Problem
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Type != "about:blank" || got.Title != "Unauthorized" || got.Status != 401 || w.Code != 401 {
		t.Errorf("got %+v with status %d", got, w.Code)
	}
	if h := w.Header(); h.Get("Content-Type") != "application/problem+json" || h.Get("WWW-Authenticate") == "" {
		t.Errorf("headers are %v", h)
	}
}

func TestMuxRefusesWithProblems(t *testing.T) {
	var m Mux
	m.Handle("GET /a/{b}", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { WriteJSON(w, http.StatusOK, r.PathValue("b")) }))
	for request, want := range map[string]int{"GET /a/x": 200, "POST /a/x": 405, "GET /other": 404, "GET /a": 404} {
		method, path, _ := strings.Cut(request, " ")
		w := httptest.NewRecorder()
		m.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		if problem := w.Header().Get("Content-Type") == "application/problem+json"; w.Code != want || problem != (want != 200) {
			t.Errorf("%s: %d, %v", request, w.Code, w.Header())
		}
	}
}
