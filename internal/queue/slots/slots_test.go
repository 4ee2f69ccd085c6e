package slots

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"carrier/internal/queue/record"
)

func named(names ...string) (all []Wanted) {
	for _, name := range names {
		all = append(all, Wanted{Name: name, Pattern: "/"})
	}
	return all
}

// TestSlotsAreFoundAgain follows configurations of one file, one after the other: each gives the
// names wanted and the slots they are to have, and the state that the others are in after it.
func TestSlotsAreFoundAgain(t *testing.T) {
	for name, steps := range map[string][]struct {
		want  []Wanted
		slots []int
		left  string
	}{
		"routes are added to a file without": {
			{named(""), []int{0}, ""},
			{named("orders", "mail"), []int{0, 1}, ""},
			{named("mail", "orders"), []int{1, 0}, ""},
		},
		"and taken away again": {
			{named("orders", "mail"), []int{0, 1}, ""},
			{named(""), []int{0}, "mail:removed "},
			{named("orders", "mail"), []int{0, 1}, ""},
		},
		"the first route is another one when they are taken away": {
			{named("orders", "mail"), []int{0, 1}, ""},
			{named("mail", "orders"), []int{1, 0}, ""},
			{named(""), []int{1}, "orders:removed "},
		},
		"routes come back in another order": {
			{named("orders", "mail"), []int{0, 1}, ""},
			{named(""), []int{0}, "mail:removed "},
			{named("mail", "orders"), []int{0, 2}, "mail:removed "},
			{named("orders", "mail"), []int{2, 0}, "mail:removed "},
			{named(""), []int{2}, "mail:removed mail:removed "},
		},
		"a route comes back that was removed before the routes were": {
			{named("orders"), []int{0}, ""},
			{named("bills"), []int{1}, "orders:removed "},
			{named(""), []int{1}, "orders:removed "},
			{named("orders"), []int{1}, "orders:removed "},
			{named(""), []int{1}, "orders:removed "},
		},
		"a route has another name": {
			{named("orders", "mail"), []int{0, 1}, ""},
			{named("bills", "mail"), []int{2, 1}, "orders:removed "},
			{named("orders", "mail"), []int{0, 1}, "bills:removed "},
		},
		"one is removed and comes back": {
			{named("a", "b", "c"), []int{0, 1, 2}, ""},
			{named("a", "c"), []int{0, 2}, "b:removed "},
			{named("a", "c", "d"), []int{0, 2, 3}, "b:removed "},
			{named("d", "b"), []int{3, 1}, "a:removed c:removed "},
		},
	} {
		t.Run(name, func(t *testing.T) {
			table := record.DefaultTable()
			for i, step := range steps {
				var got []int
				var err error
				table, got, err = Assign(table, 1, step.want, int64(i+1))
				left := ""
				for _, s := range table[len(step.want):] {
					left += fmt.Sprintf("%s:%s ", s.Name, s.State)
				}
				if err != nil || !slices.Equal(got, step.slots) || left != step.left {
					t.Errorf("step %d: slots %v, left %q, %v; want %v, %q", i, got, left, err, step.slots, step.left)
				}
			}
		})
	}
}

func TestRemovalIsDatedOnce(t *testing.T) {
	table, _, _ := Assign(record.DefaultTable(), 1, named("a", "b"), 5)
	for now := int64(6); now < 9; now++ {
		table, _, _ = Assign(table, 1, named("a"), now)
	}
	if table[1].Name != "b" || table[1].Since != 6 {
		t.Errorf("table = %+v, want b removed at 6", table)
	}
}

func TestSlotIsNotGivenAnewWhileARecordNamesIt(t *testing.T) {
	_, got, err := Assign([]record.Subscription{{Name: "a", First: true}}, 0b0110, named("a", "b"), 1)
	if err != nil || !slices.Equal(got, []int{0, 3}) {
		t.Errorf("slots = %v, %v; want 0 and 3: messages name 1 and 2", got, err)
	}
	if _, _, err := Assign([]record.Subscription{{Name: "a", First: true}}, ^uint64(0), named("a", "b"), 1); !errors.Is(err, ErrNone) {
		t.Errorf("with all 64 named: %v, want ErrNone", err)
	}
}

func TestOneThatIsBeingDroppedIsGone(t *testing.T) {
	table := []record.Subscription{{Name: "a", First: true}, {Slot: 1, Name: "b", State: record.Dropping}}
	if _, got, err := Assign(table, 3, named("a", "b"), 1); err != nil || !slices.Equal(got, []int{0, 2}) {
		t.Errorf("slots = %v, %v; want a new one for b", got, err)
	}
}

func TestMoreThan64AreRefused(t *testing.T) {
	var names []string
	for i := range 65 {
		names = append(names, fmt.Sprint("s", i))
	}
	if _, _, err := Assign(record.DefaultTable(), 1, named(names...), 1); !errors.Is(err, ErrTooMany) {
		t.Errorf("65 subscriptions: %v, want ErrTooMany", err)
	}
	if _, got, err := Assign(record.DefaultTable(), 1, named(names[:64]...), 1); err != nil || got[63] != 63 {
		t.Errorf("64 subscriptions: %v, %v", got, err)
	}
}
