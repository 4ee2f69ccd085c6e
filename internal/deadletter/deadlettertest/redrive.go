package deadlettertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"carrier/internal/deadletter"
)

func allMoved(t *testing.T, b bench) {
	ids := b.put(t, 25)
	last := deadletter.Progress{}
	p, err := b.Redrive(t.Context(), deadletter.Request{Report: func(p deadletter.Progress) { last = p }})
	must(t, err)
	if p != (deadletter.Progress{Moved: 25}) || last.Moved != 25 {
		t.Errorf("%+v, last reported %+v", p, last)
	}
	if left := b.place.Left(t); left != 0 {
		t.Errorf("%d are left", left)
	}
	var bodies []string
	for _, m := range b.place.Back(t) {
		bodies = append(bodies, string(m.Body))
		colour, _ := m.Attribute("colour")
		if !wasFirst(m, ids) || m.ContentType != "text/plain" || colour != "red" {
			t.Errorf("%s: original id %q, content type %q, colour %q", m.Body, m.OriginalID, m.ContentType, colour)
		}
	}
	slices.Sort(bodies)
	if !slices.Equal(bodies, numbers(25)) {
		t.Errorf("%v", bodies)
	}
}

func someMoved(t *testing.T, b bench) {
	ids := b.put(t, 25)
	p, err := b.Redrive(t.Context(), deadletter.Request{IDs: []string{ids[3], ids[20], "none"}})
	must(t, err)
	if p != (deadletter.Progress{Moved: 2, Failed: 1}) {
		t.Errorf("%+v", p)
	}
	for _, m := range b.place.Back(t) {
		if string(m.Body) != "0003" && string(m.Body) != "0020" {
			t.Errorf("%s was moved", m.Body)
		}
		if !wasFirst(m, ids) {
			t.Errorf("%s: original id %q", m.Body, m.OriginalID)
		}
	}
	if left := b.place.Left(t); left != 23 {
		t.Errorf("%d are left, want 23", left)
	}
	if _, err := b.Show(t.Context(), ids[4]); err != nil {
		t.Errorf("one that was passed over: %v", err)
	}
}

func dryRun(t *testing.T, b bench) {
	ids := b.put(t, 5)
	p, err := b.Redrive(t.Context(), deadletter.Request{Dry: true})
	if err != nil || p != (deadletter.Progress{Left: 5}) {
		t.Errorf("all: %+v, %v", p, err)
	}
	p, err = b.Redrive(t.Context(), deadletter.Request{Dry: true, IDs: []string{ids[1], "none"}})
	if err != nil || p != (deadletter.Progress{Left: 1, Failed: 1}) {
		t.Errorf("some: %+v, %v", p, err)
	}
	if left := b.place.Left(t); left != 5 {
		t.Errorf("%d are left, want 5", left)
	}
}

// interrupted stops a redrive again and again, each time somewhere else.
func interrupted(t *testing.T, b bench) {
	const n = 300
	b.put(t, n)
	moved := 0
	for try := 1; moved < n; try++ {
		if try > n {
			t.Fatalf("%d moved after %d redrives", moved, try)
		}
		ctx, stop := context.WithCancel(t.Context())
		p, err := b.Redrive(ctx, deadletter.Request{Rate: 100, Report: func(p deadletter.Progress) {
			if p.Moved >= 10*try {
				stop()
			}
		}})
		stop()
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if moved += p.Moved; p.Failed > 0 || err != nil && p.Left != n-moved {
			t.Errorf("redrive %d: %+v after %d of %d, %v", try, p, moved, n, err)
		}
		if left := b.place.Left(t); left != n-moved {
			t.Fatalf("redrive %d: %d are left, want %d", try, left, n-moved)
		}
	}
	if bodies := b.bodies(t); !slices.Equal(bodies, numbers(n)) {
		t.Errorf("%d came back, want %d, each once", len(bodies), n)
	}
}

func inOrder(t *testing.T, b bench) {
	for i := range 30 {
		for _, group := range []string{"a", "b"} {
			b.place.Put(t, letter(fmt.Sprintf("%s%04d", group, i), group))
		}
	}
	p, err := b.Redrive(t.Context(), deadletter.Request{})
	if err != nil || p.Moved != 60 {
		t.Fatalf("%+v, %v", p, err)
	}
	next := map[string]int{}
	for _, m := range b.place.Back(t) {
		if want := fmt.Sprintf("%s%04d", m.Group, next[m.Group]); string(m.Body) != want {
			t.Fatalf("%s came, want %s", m.Body, want)
		}
		next[m.Group]++
	}
}

func rateKept(t *testing.T, b bench) {
	b.put(t, 60)
	began := time.Now()
	p, err := b.Redrive(t.Context(), deadletter.Request{Rate: 20})
	if err != nil || p.Moved != 60 {
		t.Fatalf("%+v, %v", p, err)
	}
	if took := time.Since(began); took < 2500*time.Millisecond || took > 10*time.Second {
		t.Errorf("60 letters at 20 a second took %s", took)
	}
}
