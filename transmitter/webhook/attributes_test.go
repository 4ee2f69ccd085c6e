package webhook

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"carrier/message"
)

// headerLines are the lines that appendAttributes adds to a head of begin bytes.
func headerLines(begin int, attributes []message.Attribute, limit int) (lines []string, length int, omitted []string) {
	head, omitted := appendAttributes([]byte(strings.Repeat("h", begin)), attributes, limit)
	added := strings.TrimSuffix(string(head[begin:]), "\r\n")
	if added == "" {
		return nil, len(head), omitted
	}
	return strings.Split(added, "\r\n"), len(head), omitted
}

func TestAttributesThatDoNotFitAreLeftOutTheLongestFirst(t *testing.T) {
	attributes := []message.Attribute{
		{Name: "a", Value: strings.Repeat("x", 100)}, // 125 bytes
		{Name: "b", Value: strings.Repeat("ü", 50)},  // 325 bytes
		{Name: "c d", Value: "1"},                    // 30 bytes
		{Name: "e", Value: strings.Repeat("x", 101)}, // 126 bytes
	}
	const (
		begin = 1000
		all   = begin + 125 + 325 + 30 + 126
		named = len("X-Carrier-Attributes-Omitted: \r\n")
	)
	for name, c := range map[string]struct {
		limit int
		sent  string // the first letters of their names
		want  string
	}{
		"all fit":                    {all, "abce", ""},
		"one byte too many":          {all - 1, "ace", "b"},
		"all but one":                {begin + 125 + 30 + 126 + named + 1, "ace", "b"},
		"and one byte too many":      {begin + 125 + 30 + 126 + named, "ac", "b, e"},
		"all but three":              {begin + 30 + named + len("a, b, e"), "c", "a, b, e"},
		"none":                       {begin + named + len("a, b, c%20d, e"), "", "a, b, c%20d, e"},
		"nor all of their names":     {begin + named + len("a, b, c%20d, e") - 1, "", "a, b, c%20d"},
		"a head that is too long":    {begin, "", ""},
		"one that is far beyond it ": {0, "", ""},
	} {
		lines, length, omitted := headerLines(begin, attributes, c.limit)
		var sent, named string
		for _, l := range lines {
			if of, ok := strings.CutPrefix(l, "X-Carrier-Attributes-Omitted: "); ok {
				named = of
			} else {
				sent += strings.TrimPrefix(l, "X-Carrier-Attribute-")[:1]
			}
		}
		if sent != c.sent || named != c.want || len(sent)+len(omitted) != len(attributes) {
			t.Errorf("%s: sent %q, named %q of %q", name, sent, named, omitted)
		}
		if length > c.limit && named != "" {
			t.Errorf("%s: %d bytes", name, length)
		}
	}
}

func TestAttributesLeftOutAreToldOnceForEachMessage(t *testing.T) {
	var told []string
	o := newOmitted(func(id string, names []string) { told = append(told, id+" "+strings.Join(names, ",")) })
	o.tell("1", []string{"a", "b"})
	o.tell("1", []string{"a", "b"})
	o.tell("2", nil)
	o.tell("3", []string{"c"})
	if want := []string{"1 a,b", "3 c"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

// FuzzAttributes holds the bound, and that each attribute is either sent or named.
func FuzzAttributes(f *testing.F) {
	f.Add("a", "1", "b", "2", uint16(10), uint16(100))
	f.Add("a\r\nb", "ü", "", " ", uint16(0), uint16(60))
	f.Fuzz(func(t *testing.T, n1, v1, n2, v2 string, begin, limit uint16) {
		attributes := []message.Attribute{{Name: n1, Value: v1}, {Name: n2, Value: v2}, {Name: "x", Value: n1 + v2}}
		lines, length, omitted := headerLines(int(begin), attributes, int(limit))
		names := slices.Clone(omitted)
		for _, l := range lines {
			name, _, _ := strings.Cut(l, ": ")
			if own, ok := strings.CutPrefix(name, attributePrefix); ok {
				names = append(names, own)
			}
		}
		for i, name := range names {
			names[i], _ = url.PathUnescape(name)
		}
		want := []string{n1, n2, "x"}
		slices.Sort(names)
		slices.Sort(want)
		if !slices.Equal(names, want) {
			t.Fatalf("sent or named %q, want %q", names, want)
		}
		if room := len(omittedHeader) + len(": \r\n"); length > max(int(limit), int(begin)+room) {
			t.Fatalf("%d bytes for a limit of %d", length, limit)
		}
		if fmt.Sprint(lines) == "" && len(omitted) == 0 {
			t.Fatal("nothing was sent")
		}
	})
}
