package percent

import "testing"

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
			if got := Name(c.name); got != c.header {
				t.Errorf("name %q, want %q", got, c.header)
			}
			if got := Value(c.value); got != c.sent {
				t.Errorf("value %q, want %q", got, c.sent)
			}
		})
	}
}
