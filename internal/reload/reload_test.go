package reload

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestValueFollowsItsFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	begun := time.Now()
	write := func(text string, after time.Duration) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, time.Time{}, begun.Add(after)); err != nil {
			t.Fatal(err)
		}
	}
	loads, failures := 0, 0
	load := func() (string, error) {
		loads++
		b, err := os.ReadFile(file)
		if string(b) == "bad" {
			return "", errors.New("not a good one")
		}
		return string(b), err
	}
	if _, err := Open(load, func(error) {}, file); err == nil {
		t.Fatal("Open succeeded without its file")
	}
	write("one", 0)
	v, err := Open(load, func(error) { failures++ }, "", file)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		change          func()
		want            string
		loads, failures int
	}{
		{func() {}, "one", 2, 0},
		{func() { write("two", time.Second) }, "two", 3, 0},
		{func() { write("bad", 2*time.Second) }, "two", 4, 1},
		{func() {}, "two", 4, 1},
		{func() { _ = os.Remove(file) }, "two", 5, 2},
		{func() {}, "two", 5, 2},
		{func() { write("now", 2*time.Second) }, "now", 6, 2},
	} {
		step.change()
		if got := v.Current(); got != step.want || loads != step.loads || failures != step.failures {
			t.Errorf("Current = %q after %d loads, %d failures; want %+v", got, loads, failures, step)
		}
	}
}
