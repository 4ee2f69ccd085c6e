package sqs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestMemoryKeepsTheLatest(t *testing.T) {
	m := newMemory(3, time.Hour)
	for i := range 4 {
		m.add(fmt.Sprint(i))
	}
	m.add("1") // again: now the latest
	m.add("4")
	for id, want := range map[string]bool{"0": false, "1": true, "2": false, "3": true, "4": true} {
		if m.has(id) != want {
			t.Errorf("has(%s) = %v, want %v", id, !want, want)
		}
	}
	m.forget("1")
	m.forget("never there")
	var order []string
	for i := m.all[0].next; i != 0; i = m.all[i].next {
		order = append(order, strings.TrimRight(string(m.all[i].id[:]), "\x00"))
	}
	if m.has("1") || len(m.byID) != 2 || !slices.Equal(order, []string{"3", "4"}) {
		t.Errorf("after forget: has %v, %d ids, in order %v", m.has("1"), len(m.byID), order)
	}
}

func TestMemoryFadesWithTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(3, time.Hour)
		m.add("old")
		time.Sleep(40 * time.Minute)
		m.add("new")
		time.Sleep(21 * time.Minute)
		if m.has("old") || !m.has("new") {
			t.Errorf("has(old) = %v, has(new) = %v; want only new", m.has("old"), m.has("new"))
		}
	})
}
