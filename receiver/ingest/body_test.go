package ingest

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"carrier/receiver/ingest/bodies"
)

// large sends the head and a part of a body of size bytes.
func (w wire) large(t *testing.T, size, part int) {
	t.Helper()
	w.say(t, fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size))
	w.say(t, strings.Repeat("x", part))
}

func TestLargeBodiesShareABudget(t *testing.T) {
	var p pipes
	const size = 64 << 10
	bubble(t, Options{MaxBody: size, bodyBudget: 2 * (size - bodies.Free)}, &p, func(t *testing.T, r single) {
		// Two take all of the budget, and a third goes beyond it, so that somebody is finished.
		var holding []wire
		for range 3 {
			w := p.wire()
			w.large(t, size, size-1)
			holding = append(holding, w)
		}
		synctest.Wait()
		small := p.wire()
		small.ask(t) // messages of up to 16 KiB need nothing of it
		refused := p.wire()
		begun := time.Now()
		refused.say(t, fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size))
		go func() { _, _ = io.WriteString(refused.Conn, strings.Repeat("x", size)) }()
		a := refused.hear(t)
		a.problem(t, 503)
		if waited := time.Since(begun); a.Header.Get("Retry-After") == "" || !a.Close || waited < bodies.Wait {
			t.Errorf("refused after %v with %v, want Retry-After and close after %v", waited, a.Header, bodies.Wait)
		}
		waiting := p.wire()
		answered := make(chan answer, 1)
		go func() {
			_, _ = io.WriteString(waiting.Conn, fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("y", size)))
			answered <- waiting.hear(t)
		}()
		for _, w := range holding {
			w.say(t, "x")
			w.hear(t).id(t)
		}
		a = <-answered
		a.id(t) // it has waited for one of them
		wantStored(t, r, 5)
		for _, w := range append(holding, small, refused, waiting) {
			_ = w.Close()
		}
	})
}
