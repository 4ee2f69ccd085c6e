package listcmd

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"carrier/receiver/ingest/queued"
)

func TestQueueCallsAreReadOrRefused(t *testing.T) {
	for line, c := range map[string]struct {
		want Call
		err  string
	}{
		"list":                                   {Call{what: "list", limit: "100"}, ""},
		"list --route a --state ready --limit 7": {Call{what: "list", route: "a", state: "ready", limit: "7"}, ""},
		"show id":                                {Call{what: "show", id: "id"}, ""},
		"show --body id --route a":               {Call{what: "show", id: "id", route: "a", body: true}, ""},
		"drop id --route a":                      {Call{what: "drop", id: "id", route: "a"}, ""},
		"list --state lost":                      {err: "state has to be"},
		"list a":                                 {err: "takes no"},
		"list --body":                            {err: "takes no --body"},
		"show id --route":                        {err: "--route takes a value"},
		"show":                                   {err: "takes one ID"},
		"drop a b":                               {err: "takes one ID"},
		"drop --force a":                         {err: "force"},
	} {
		got, err := Parse(strings.Fields(line))
		if c.err == "" && (err != nil || got != c.want) || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%q: %+v, %v; want %+v, %q", line, got, err, c.want, c.err)
		}
	}
}

// pages is a queue that says on each page where to go on, and what it was asked for.
type pages struct {
	all    []queued.Page
	limits []int
}

func (p *pages) page(_, _ string, limit int, _ string) (queued.Page, error) {
	p.limits = append(p.limits, limit)
	next := p.all[0]
	p.all = p.all[1:]
	return next, nil
}

func (p *pages) show(_, _ string, _ bool) ([]queued.Message, error) { return nil, nil }
func (p *pages) drop(_, _ string) error                             { return nil }

// TestListGoesOnUntilItHasWhatWasAskedFor: a page that is empty is not the end, and one that has more
// than was asked for is cut.
func TestListGoesOnUntilItHasWhatWasAskedFor(t *testing.T) {
	one := queued.Message{ID: "one", Group: "\x1b[2J", Due: time.Unix(0, 0).UTC()}
	for name, c := range map[string]struct {
		most int
		all  []queued.Page
		rows int
		more bool
	}{
		"an empty page":       {2, []queued.Page{{Next: "1"}, {Messages: []queued.Message{one}}}, 1, false},
		"as many as asked":    {2, []queued.Page{{Messages: []queued.Message{one}, Next: "1"}, {Messages: []queued.Message{one}, Next: "2"}}, 2, true},
		"more than was asked": {1, []queued.Page{{Messages: []queued.Message{one, one}}}, 1, false},
		"nothing":             {1, []queued.Page{{}}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			in := &pages{all: c.all}
			if err := (Call{what: "list"}).on(&out, c.most, in); err != nil {
				t.Fatal(err)
			}
			if rows := strings.Count(out.String(), "one "); rows != c.rows || strings.Contains(out.String(), "there may be more") != c.more || in.limits[0] != c.most {
				t.Errorf("asked for %v:\n%s", in.limits, out.String())
			}
			if strings.Contains(out.String(), "\x1b") {
				t.Errorf("a group moves the terminal's cursor: %q", out.String())
			}
		})
	}
}

func TestMessageIsShownWithoutControlCharacters(t *testing.T) {
	var out bytes.Buffer
	m := queued.Message{ID: "id", Method: "POST", Path: "/", Attributes: map[string]string{"b\x1b": "2", "a": "1\n"}, Body: []byte("body")}
	if err := writeMessages(&out, []queued.Message{m}, false); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Contains(got, "\x1b") || strings.Contains(got, "body") || !strings.Contains(got, "attribute       \"a\" \"1\\n\"\n") {
		t.Errorf("%s", got)
	}
}
