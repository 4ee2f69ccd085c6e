package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A stuckWriter takes nothing until it is freed.
type stuckWriter struct {
	free  chan struct{}
	mu    sync.Mutex
	taken bytes.Buffer
}

func (w *stuckWriter) Write(p []byte) (int, error) {
	<-w.free
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.taken.Write(p)
}

func TestStuckReaderStopsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &stuckWriter{free: make(chan struct{})}
		o := NewOutput(w)
		line := []byte(strings.Repeat("x", 1023) + "\n")
		const sent = 5000
		for range sent { // a Write that blocked would deadlock here
			if n, err := o.Write(line); n != len(line) || err != nil {
				t.Fatal(n, err)
			}
		}
		dropped := o.Dropped()
		if dropped < sent-2*maxPending/1024-1 || dropped >= sent {
			t.Errorf("%d of %d lines were dropped", dropped, sent)
		}
		begun := time.Now()
		o.Close(time.Second)
		if waited := time.Since(begun); waited != time.Second {
			t.Errorf("Close waited %v for a reader that is stuck", waited)
		}
		close(w.free)
		synctest.Wait()
		if taken := uint64(bytes.Count(w.taken.Bytes(), []byte("\n"))); taken+dropped != sent {
			t.Errorf("%d lines taken, %d dropped of %d", taken, dropped, sent)
		}
	})
}

func TestReaderThatComesBackIsToldOfTheGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &stuckWriter{free: make(chan struct{})}
		o := NewOutput(w)
		o.OnResume(func(dropped uint64) { _, _ = fmt.Fprintf(o, "%d dropped\n", dropped) })
		for range 3 {
			_, _ = o.Write(append(bytes.Repeat([]byte("x"), maxPending-1), '\n'))
			synctest.Wait()
		}
		close(w.free)
		synctest.Wait()
		o.Close(time.Second)
		if text := w.taken.String(); !strings.HasSuffix(text, "\n1 dropped\n") || strings.Count(text, "\n") != 3 {
			t.Errorf("%d lines, the last one %q", strings.Count(text, "\n"), text[strings.LastIndexByte(text[:len(text)-1], '\n')+1:])
		}
	})
}

// A goneWriter is a pipe whose reader has ended.
type goneWriter struct{ keeps int }

func (w goneWriter) Write(p []byte) (int, error) {
	return min(w.keeps, len(p)), errors.New("broken pipe")
}

func TestLinesThatNobodyReadsAreCounted(t *testing.T) {
	for name, c := range map[string]struct {
		w    io.Writer
		want uint64
	}{
		"nobody is there":           {goneWriter{}, 2},
		"one line was still taken":  {goneWriter{keeps: 2}, 1},
		"everything is taken":       {io.Discard, 0},
		"a writer that lies":        {goneWriter{keeps: -1}, 2},
		"the middle of a line lost": {goneWriter{keeps: 1}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			o := NewOutput(c.w)
			_, _ = o.Write([]byte("a\nb\n"))
			o.Close(time.Minute)
			if o.Dropped() != c.want {
				t.Errorf("%d lines were dropped, want %d", o.Dropped(), c.want)
			}
			_, _ = o.Write([]byte("c\n"))
			if o.Dropped() != c.want+1 {
				t.Error("a line after the end was not counted")
			}
		})
	}
}

func TestLastLinesAreWrittenAtTheEnd(t *testing.T) {
	var out bytes.Buffer
	o := NewOutput(&out)
	log := NewLogger(o, "info", false)
	for range 100 {
		log.Info("line")
	}
	o.Close(time.Minute)
	if lines := parsed(t, &out); len(lines) != 100 || o.Dropped() != 0 {
		t.Errorf("%d lines, %d dropped", len(lines), o.Dropped())
	}
}
