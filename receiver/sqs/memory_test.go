package sqs

import (
	"fmt"
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
	if m.has("1") || len(m.byID) != m.order.Len() || m.order.Len() != 2 {
		t.Errorf("after forget: has %v, %d ids, %d in order", m.has("1"), len(m.byID), m.order.Len())
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
