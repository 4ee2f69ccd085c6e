package main

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"carrier/internal/deadletter"
)

func TestProgressIsABarOnATerminalAndLinesElsewhere(t *testing.T) {
	for name, c := range map[string]struct {
		terminal bool
		want     string
	}{
		"a terminal": {true, "\r\x1b[Kmail [==========                    ] 9 moved, 20 left, 1 could not be\r\x1b[K"},
		"a file":     {false, "mail: 9 moved, 20 left, 1 could not be\n"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				p := newProgress(&out, "mail")
				p.terminal = c.terminal
				time.Sleep(lineEvery)
				for range 2 { // the second one comes too soon
					p.report(deadletter.Progress{Moved: 9, Left: 20, Failed: 1})
				}
				p.clear()
				p.clear()
				if out.String() != c.want {
					t.Errorf("%q, want %q", out.String(), c.want)
				}
			})
		})
	}
}

func TestBarIsNeverLongerThanItsPlace(t *testing.T) {
	for want, p := range map[string]deadletter.Progress{
		"[                              ]": {},
		"[==============================]": {Moved: 5},
	} {
		if got := bar(p); got != want {
			t.Errorf("%+v is %s, want %s", p, got, want)
		}
	}
}
