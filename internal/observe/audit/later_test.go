package audit

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A writeLog notes each write.
type writeLog struct {
	mu     sync.Mutex
	writes []string
}

func (w *writeLog) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes = append(w.writes, string(p))
	return len(p), nil
}

// so returns what was written up to now.
func (w *writeLog) so() []string {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.writes)
}

// laterTest has do use an Output, and wants these writes before Close.
func laterTest(t *testing.T, do func(*Output, *writeLog), want ...string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var w writeLog
		o := NewOutput(&w)
		do(o, &w)
		if got := w.so(); !slices.Equal(got, want) {
			t.Errorf("writes %.100q, want %.100q", got, want)
		}
		o.Close(time.Minute)
	})
}

func TestLinesThatMayWaitAreWrittenTogether(t *testing.T) {
	laterTest(t, func(o *Output, w *writeLog) {
		for range 3 {
			for _, line := range []string{"a\n", "b\n", "c\n"} {
				if !o.WriteLater([]byte(line)) {
					t.Error("no space")
				}
				time.Sleep(lazyDelay / 8)
			}
			if got := w.so(); slices.Contains(got, "") || len(got) > 2 {
				t.Errorf("written too early: %q", got)
			}
			time.Sleep(lazyDelay * 3 / 4)
		}
		time.Sleep(time.Hour)
	}, "a\nb\nc\n", "a\nb\nc\n", "a\nb\nc\n")
}

func TestEnoughLinesDoNotWait(t *testing.T) {
	line := strings.Repeat("x", enough/4-1) + "\n"
	laterTest(t, func(o *Output, _ *writeLog) {
		for range 4 {
			o.WriteLater([]byte(line))
		}
	}, strings.Repeat(line, 4))
}

func TestLineThatDoesNotWaitTakesThoseBeforeItAlong(t *testing.T) {
	laterTest(t, func(o *Output, w *writeLog) {
		o.WriteLater([]byte("a\n"))
		_, _ = o.Write([]byte("b\n"))
		w.so()
		time.Sleep(time.Hour)
		o.WriteLater([]byte("c\n"))
		time.Sleep(lazyDelay)
	}, "a\nb\n", "c\n")
}

func TestLinesThatMayWaitAreWrittenAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writeLog
		o := NewOutput(&w)
		o.WriteLater([]byte("a\n"))
		begun := time.Now()
		if !o.Close(time.Minute) || time.Since(begun) != 0 || !slices.Equal(w.so(), []string{"a\n"}) {
			t.Errorf("after %v, writes %q", time.Since(begun), w.so())
		}
		if o.WriteLater([]byte("b\n")) || o.Dropped() != 0 {
			t.Error("a line after the end was taken or counted")
		}
	})
}
