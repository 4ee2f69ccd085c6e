package test

import (
	"encoding/json"
	"strings"
)

// A line is one line of the log.
type line map[string]any

func (l line) text(name string) string {
	s, _ := l[name].(string)
	return s
}

// log returns every complete line of the log; a line that is no JSON fails the test.
func (p *program) log() []line {
	p.t.Helper()
	var lines []line
	all := strings.Split(p.stdout.String(), "\n")
	for _, text := range all[:len(all)-1] {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			p.t.Errorf("a log line is not JSON: %q", text)
			continue
		}
		lines = append(lines, l)
	}
	return lines
}

// logged returns the lines in whose text words are.
func (p *program) logged(words string) []line {
	p.t.Helper()
	var found []line
	for _, l := range p.log() {
		if strings.Contains(l.text("msg"), words) {
			found = append(found, l)
		}
	}
	return found
}

// awaitLog waits for a line in whose text words are.
func (p *program) awaitLog(words string) line {
	p.t.Helper()
	var found []line
	until(p.t, "a log line with "+words, func() bool {
		found = p.logged(words)
		return len(found) > 0
	})
	return found[0]
}
