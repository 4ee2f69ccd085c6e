package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
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
	bubble(t, Options{MaxBody: size, bodyBudget: 2 * (size - freeBody)}, &p, func(t *testing.T, r single) {
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
		if waited := time.Since(begun); a.Header.Get("Retry-After") == "" || !a.Close || waited < bodyWait {
			t.Errorf("refused after %v with %v, want Retry-After and close after %v", waited, a.Header, bodyWait)
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

func TestBudgetIsWholeAgainAfterEveryBody(t *testing.T) {
	b := newBodyBudget(1 << 20)
	ends := map[string]struct {
		src      io.Reader
		declared int64
		bytes    int
	}{
		"whole":               {strings.NewReader(strings.Repeat("x", 1<<20)), 1 << 20, 1 << 20},
		"of no length":        {strings.NewReader(strings.Repeat("x", 1<<20)), -1, 1 << 20},
		"too large":           {strings.NewReader(strings.Repeat("x", 2<<20)), -1, 1<<20 + 1},
		"cut off":             {io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<19)), brokenReader{}), 1 << 20, -1},
		"empty":               {strings.NewReader(""), 0, 0},
		"longer than it said": {strings.NewReader(strings.Repeat("x", 3000)), 1000, 3000},
	}
	for name, c := range ends {
		t.Run(name, func(t *testing.T) {
			one := b.body()
			data, err := one.readAll(t.Context(), c.src, c.declared, 1<<20)
			if c.bytes >= 0 && (err != nil || len(data) != c.bytes) || c.bytes < 0 && err == nil {
				t.Errorf("%d bytes, %v; want %d", len(data), err, c.bytes)
			}
			if int64(cap(data)) > one.taken+freeBody {
				t.Errorf("%d bytes are held, and %d charged", cap(data), one.taken)
			}
			one.release()
			if b.used != 0 || b.beyond != nil {
				t.Errorf("budget = %d, %v after the end", b.used, b.beyond)
			}
		})
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestBodyThatWaitsIsEndedByTheStop(t *testing.T) {
	b := newBodyBudget(leastBudget)
	for range 2 {
		if err := b.body().grow(t.Context(), leastBudget+freeBody); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.body().grow(ctx, 1+freeBody); !errors.Is(err, errNoMemory) {
		t.Errorf("grow = %v, want errNoMemory", err)
	}
}
