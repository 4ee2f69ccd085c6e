package contain

import (
	"errors"
	"io"
	"strings"
	"testing"
)

func TestPanicBecomesAnError(t *testing.T) {
	var at []int
	for name, c := range map[string]struct {
		f    func() error
		want string
		is   error
	}{
		"no panic":               {f: func() error { return nil }},
		"an error of its own":    {f: func() error { return io.EOF }, want: "EOF", is: io.EOF},
		"a text":                 {f: func() error { panic("broken") }, want: "panic: broken"},
		"an error":               {f: func() error { panic(io.EOF) }, want: "panic: EOF", is: io.EOF},
		"a fault of the runtime": {f: func() error { at[0] = 1; return nil }, want: "panic: runtime error: index out of range [0] with length 0"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Call(c.f)
			if c.want == "" {
				if err != nil {
					t.Errorf("Call = %v", err)
				}
				return
			}
			if err == nil || err.Error() != c.want {
				t.Fatalf("Call = %v, want %s", err, c.want)
			}
			var p *Panic
			if errors.As(err, &p) != strings.HasPrefix(c.want, "panic") || p != nil && !strings.Contains(string(p.Stack), "contain_test.go") {
				t.Errorf("Call = %#v, want the stack of the panic", err)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("Call = %v, which does not wrap %v", err, c.is)
			}
		})
	}
}
