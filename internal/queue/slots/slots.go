// Package slots decides which subscription has which bit in the masks of the queue's file: those
// that are configured are found among those that the file names, or get a slot that nothing in the
// file names.
package slots

import (
	"errors"
	"math/bits"

	"carrier/internal/queue/record"
)

// A Wanted is a subscription of the configuration.
type Wanted struct {
	// Name is empty for the one of a configuration without routes.
	Name, Pattern string
}

// ErrNone means that messages in the file have the bits of too many subscriptions.
var ErrNone = errors.New("messages of subscriptions that are gone have all 64 places for subscriptions; deliver or drop what waits first")

// ErrTooMany means that more than 64 are wanted.
var ErrTooMany = errors.New("more than 64 subscriptions")

// Assign returns the table that has wanted in it, and the slot of each of them. Stored is the table
// so far, and used has a bit for each slot that a record in the file names. Now, in Unix
// nanoseconds, is when a subscription was removed that is not wanted any more.
//
// A stored one is found by its name. The first of wanted also takes over one of another name where
// the configuration has gained or lost its routes: the subscription without a name and that of the
// first route are one.
func Assign(stored []record.Subscription, used uint64, wanted []Wanted, now int64) (table []record.Subscription, slots []int, err error) {
	if len(wanted) > record.MaxSubscriptions {
		return nil, nil, ErrTooMany
	}
	a := assignment{stored: stored, wanted: wanted, taken: make([]bool, len(stored))}
	slots = make([]int, len(wanted))
	for _, s := range stored {
		used |= 1 << s.Slot
	}
	for i, w := range wanted {
		s := record.Subscription{Name: w.Name, Pattern: w.Pattern, First: i == 0}
		if at := a.find(i); at >= 0 {
			a.taken[at] = true
			s.Slot = stored[at].Slot
		} else if s.Slot = bits.TrailingZeros64(^used); s.Slot == record.MaxSubscriptions {
			return nil, nil, ErrNone
		}
		used |= 1 << s.Slot
		slots[i] = s.Slot
		table = append(table, s)
	}
	return append(table, a.left(now)...), slots, nil
}

type assignment struct {
	stored []record.Subscription
	wanted []Wanted
	taken  []bool // of stored
}

// find is the place in stored of wanted number i; -1 for a new one. For the first one, what was
// configured until now goes before what was removed, whatever their names: messages were taken for it.
func (a *assignment) find(i int) int {
	name := a.wanted[i].Name
	at := a.named(name)
	if i > 0 || at >= 0 && a.stored[at].State == record.Active {
		return at
	}
	other := a.counterpart(name)
	if at >= 0 && (other < 0 || a.stored[other].State != record.Active) {
		return at
	}
	return other
}

// counterpart is the place of the one that is the same as the first of wanted, which has this name;
// -1 where there is none.
func (a *assignment) counterpart(name string) int {
	if name != "" {
		return a.named("")
	}
	for at, s := range a.stored {
		if s.First && s.State != record.Dropping {
			return at
		}
	}
	return -1
}

// named is the place of the stored one with a name; -1 where there is none. Of two, the configured one
// comes first. What is being dropped is gone: another one of its name is new.
func (a *assignment) named(name string) int {
	for at, s := range a.stored {
		if s.Name == name && s.State != record.Dropping {
			return at
		}
	}
	return -1
}

// left are the stored ones that are not wanted.
func (a *assignment) left(now int64) (table []record.Subscription) {
	for at, s := range a.stored {
		if a.taken[at] {
			continue
		}
		if s.First = false; s.State == record.Active {
			s.State, s.Since = record.Removed, now
		}
		table = append(table, s)
	}
	return table
}
