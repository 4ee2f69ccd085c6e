package webhook

import (
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/http/httpguts"

	"carrier/message"
)

func TestAttributeIsEscapedIntoAHeader(t *testing.T) {
	cases := map[string]struct{ name, value, header, sent string }{
		"plain":                     {"Colour", "red", "Colour", "red"},
		"spaces inside stay":        {"a", "b c  d", "a", "b c  d"},
		"spaces at the ends do not": {"a", "  b ", "a", "%20 b%20"},
		"one space":                 {"a", " ", "a", "%20"},
		"empty":                     {"a", "", "a", ""},
		"per cent":                  {"100%", "100%", "100%25", "100%25"},
		"line breaks":               {"a\r\nHost", "x\r\nHost: y", "a%0D%0AHost", "x%0D%0AHost: y"},
		"tab and delete":            {"a", "\t\x7f", "a", "%09%7F"},
		"not ASCII":                 {"größe", "größe", "gr%C3%B6%C3%9Fe", "gr%C3%B6%C3%9Fe"},
		"no token":                  {"a b:(c)", "a:(c)", "a%20b%3A%28c%29", "a:(c)"},
		"SQS's own":                 {"Body.ContentType-_1", "x", "Body.ContentType-_1", "x"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := encodeName(c.name); got != c.header {
				t.Errorf("name %q, want %q", got, c.header)
			}
			if got := encodeValue(c.value); got != c.sent {
				t.Errorf("value %q, want %q", got, c.sent)
			}
		})
	}
}

func FuzzAttributeHeader(f *testing.F) {
	for _, s := range []string{"", "a", " a ", "%41", "a\r\nHost: x", "ü", "\xff\x00", "Content-Length", "a b"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		line := string(appendAttribute(nil, message.Attribute{Name: name, Value: value}))
		line, ended := strings.CutSuffix(line, "\r\n")
		sentName, sent, split := strings.Cut(line, ": ")
		if !ended || !split {
			t.Fatalf("%q is no header line", line)
		}
		if !httpguts.ValidHeaderFieldName(sentName) || !httpguts.ValidHeaderFieldValue(sent) {
			t.Errorf("%q: %q cannot be sent", sentName, sent)
		}
		if got, err := url.PathUnescape(strings.TrimPrefix(sentName, "X-Carrier-Attribute-")); got != name || err != nil {
			t.Errorf("name %q came back as %q, %v", name, got, err)
		}
		arrived := strings.Trim(sent, " \t")
		if got, err := url.PathUnescape(arrived); got != value || err != nil {
			t.Errorf("value %q came back as %q, %v", value, got, err)
		}
	})
}
