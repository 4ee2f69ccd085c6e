package redact

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSecretPartsOfURLsAreHidden(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no URL":                    {"user@host?token=a", "user@host?token=a"},
		"nothing secret":            {"http://host:80/p@th/", "http://host:80/p@th/"},
		"a query":                   {"https://host/hook?token=hunter2&code=hunter2", "https://host/hook?REDACTED"},
		"an empty query":            {"https://host/hook?", "https://host/hook?"},
		"a fragment":                {"https://host/hook#hunter2", "https://host/hook#REDACTED"},
		"a user":                    {"https://hunter2@host/", "https://REDACTED@host/"},
		"a password":                {"https://u:hunter2@host/?hunter2", "https://REDACTED@host/?REDACTED"},
		"a password with a slash":   {"https://u:hunter2/hunter2@host/", "https://REDACTED@host/"},
		"a password with an @":      {"https://u:hunter2@hunter2@host/", "https://REDACTED@host/"},
		"a query with an @":         {"https://u:hunter2@host/?a=hunter2@b", "https://REDACTED@b"},
		"a socket":                  {"unix:///w.sock:/hook?hunter2", "unix:///w.sock:/hook?REDACTED"},
		"an error of net/http":      {`Get "http://u:hunter2@h/?hunter2": dial tcp: refused`, `Get "http://REDACTED@h/?REDACTED": dial tcp: refused`},
		"a list":                    {"http://a?hunter2,https://u:hunter2@b?hunter2", "http://a?REDACTED,https://REDACTED@b?REDACTED"},
		"two in a sentence":         {"from http://a?hunter2 to http://b?hunter2 it went", "from http://a?REDACTED to http://b?REDACTED it went"},
		"one in the other's query":  {"http://a?to=http://u:hunter2@b?hunter2 x", "http://a?REDACTED x"},
		"a port that is no number":  {"http://u:hunter2@h:x/?hunter2", "http://REDACTED@h:x/?REDACTED"},
		"a scheme and nothing more": {"http://", "http://"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := URLs(c.text); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestTextsAreCut(t *testing.T) {
	for _, long := range []string{strings.Repeat("x", 5000), strings.Repeat("ä", 2000), strings.Repeat("\xff", 2000), "http://h/?" + strings.Repeat("x", 900) + " " + strings.Repeat("€", 900)} {
		if got := Text(long); len(got) > maxText || len(got) < maxText-3 && utf8.ValidString(long) || !strings.HasSuffix(got, cutMark) || utf8.ValidString(got) != utf8.ValidString(long) {
			t.Errorf("%d bytes, %q", len(got), got)
		}
	}
	if got := Text("http://u@h"); got != "http://REDACTED@h" {
		t.Errorf("got %q", got)
	}
}

func FuzzURLs(f *testing.F) {
	f.Add("http", "u", "host")
	f.Add("https", "", "[::1]:80")
	f.Fuzz(func(t *testing.T, scheme, user, host string) {
		const secret = "q7zx"
		text := scheme + "://" + user + ":" + secret + "@" + host + "?" + secret
		if strings.ContainsAny(user+host, "\"'`<>\\,?#@/") || strings.ContainsFunc(user+host+scheme, func(r rune) bool { return r <= ' ' }) {
			return
		}
		if got := URLs(text); strings.Contains(got, secret) {
			t.Errorf("%q becomes %q", text, got)
		}
	})
}
