package workerup

import (
	"errors"
	"slices"
	"testing"
)

func TestAWorkerIsUpWhileAnyOfItsEndpointsIs(t *testing.T) {
	type word struct {
		i  int
		up bool
	}
	for name, c := range map[string]struct {
		assumed bool
		words   []word
		told    []bool
	}{
		"the first is down, the second up":     {false, []word{{0, false}, {1, true}}, []bool{false, true}},
		"one goes, the other stays":            {false, []word{{0, true}, {1, true}, {0, false}}, []bool{true}},
		"both go, and one comes back":          {false, []word{{0, true}, {1, true}, {0, false}, {1, false}, {1, true}}, []bool{true, false, true}},
		"one goes of those assumed to be up":   {true, []word{{0, false}}, []bool{true}},
		"both go of those assumed to be up":    {true, []word{{0, false}, {1, false}}, []bool{true, false}},
		"nothing new is told only the once":    {false, []word{{0, false}, {0, false}, {1, false}}, []bool{false}},
		"with one endpoint its word is enough": {false, []word{{0, true}, {0, false}}, []bool{true, false}},
	} {
		t.Run(name, func(t *testing.T) {
			var told []bool
			a := NewAny(2, c.assumed, func(up bool, _ error) { told = append(told, up) })
			for _, w := range c.words {
				a.Set(w.i, w.up, errors.New("refused"))
			}
			if !slices.Equal(told, c.told) {
				t.Errorf("told %v, want %v", told, c.told)
			}
		})
	}
}
