package main

import "testing"

func TestShareIsEven(t *testing.T) {
	s := share{of: 0.02}
	for range 1000 {
		s.pick()
	}
	if got := s.taken.Load(); got != 20 {
		t.Errorf("2 %% of 1000 were %d", got)
	}
	none := share{}
	if none.pick() {
		t.Error("picked of no share")
	}
}
