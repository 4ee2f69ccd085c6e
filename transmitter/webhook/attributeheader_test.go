package webhook

import (
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/http/httpguts"

	"carrier/message"
)

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
