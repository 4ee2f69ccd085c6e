package bodies

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestBudgetIsWholeAgainAfterEveryBody(t *testing.T) {
	b := New(1 << 20)
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
			one := b.Body()
			data, err := one.ReadAll(t.Context(), c.src, c.declared, 1<<20)
			if c.bytes >= 0 && (err != nil || len(data) != c.bytes) || c.bytes < 0 && err == nil {
				t.Errorf("%d bytes, %v; want %d", len(data), err, c.bytes)
			}
			if int64(cap(data)) > one.taken+Free {
				t.Errorf("%d bytes are held, and %d charged", cap(data), one.taken)
			}
			one.Release()
			if b.used != 0 || b.beyond != nil {
				t.Errorf("budget = %d, %v after the end", b.used, b.beyond)
			}
		})
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestBodyThatWaitsIsEndedByTheStop(t *testing.T) {
	b := New(Least)
	for range 2 {
		if err := b.Body().grow(t.Context(), Least+Free); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Body().grow(ctx, 1+Free); !errors.Is(err, ErrNoMemory) {
		t.Errorf("grow = %v, want ErrNoMemory", err)
	}
}
