package sqs

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestMemoryKeepsTheLatest(t *testing.T) {
	m := newMemory(3, time.Hour)
	for i := range 4 {
		m.add(keyOf(fmt.Sprint(i)))
	}
	m.add(keyOf("1")) // again: now the latest
	m.add(keyOf("4"))
	for id, want := range map[string]bool{"0": false, "1": true, "2": false, "3": true, "4": true} {
		if m.has(keyOf(id)) != want {
			t.Errorf("has(%s) = %v, want %v", id, !want, want)
		}
	}
	m.forget(keyOf("1"))
	m.forget(keyOf("never there"))
	var order []memoryKey
	for i := m.all[0].next; i != 0; i = m.all[i].next {
		order = append(order, m.all[i].key)
	}
	if m.has(keyOf("1")) || len(m.at) != 2 || !slices.Equal(order, []memoryKey{keyOf("3"), keyOf("4")}) {
		t.Errorf("after forget: has %v, %d ids, in order %x", m.has(keyOf("1")), len(m.at), order)
	}
}

func TestMemoryFadesWithTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(3, time.Hour)
		m.add(keyOf("old"))
		time.Sleep(40 * time.Minute)
		m.add(keyOf("new"))
		time.Sleep(21 * time.Minute)
		if has, hasNew := m.has(keyOf("old")), m.has(keyOf("new")); has || !hasNew {
			t.Errorf("has(old) = %v, has(new) = %v; want only new", has, hasNew)
		}
	})
}
