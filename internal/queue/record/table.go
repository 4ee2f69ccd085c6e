package record

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// MaxSubscriptions is how many subscriptions there may be.
const MaxSubscriptions = 64

// A State of a subscription.
const (
	// Active is a subscription that gets what is stored.
	Active SubscriptionState = iota
	// Removed is one that was taken out of the configuration: it gets nothing new, and keeps what it has.
	Removed
	// Dropping is one whose messages are being dropped; it is forgotten after the last of them.
	Dropping
)

// A SubscriptionState says what becomes of a subscription.
type SubscriptionState byte

// String is the word for s.
func (s SubscriptionState) String() string {
	switch s {
	case Active:
		return "active"
	case Removed:
		return "removed"
	default:
		return "dropping"
	}
}

// A Subscription is what the file says of one.
type Subscription struct {
	// Slot is its bit in a message's To.
	Slot int
	// Name is empty for the one of a configuration without routes, Pattern says what it gets.
	Name, Pattern string
	State         SubscriptionState
	// Since is when it was removed, in Unix nanoseconds.
	Since int64
	// First says that it is the one without a name, or that of the first route.
	First bool
}

// DefaultTable is that of a file that says nothing of subscriptions.
func DefaultTable() []Subscription { return []Subscription{{Pattern: "/", First: true}} }

// OnlyFirstSlot says that a file with this table may be such as releases read that know of no
// subscriptions.
func OnlyFirstSlot(table []Subscription) bool { return len(table) == 1 && table[0].Slot == 0 }

// tableVersion is that of the payload behind the format's seal. There is none for DefaultTable.
const tableVersion = 1

func encodeTable(table []Subscription) []byte {
	b := make([]byte, sealSize)
	if slices.Equal(table, DefaultTable()) {
		return seal(b)
	}
	b = append(b, tableVersion)
	b = binary.AppendUvarint(b, uint64(len(table)))
	for _, s := range table {
		first := byte(0)
		if s.First {
			first = 1
		}
		b = append(b, byte(s.Slot), byte(s.State), first)
		b = binary.BigEndian.AppendUint64(b, uint64(s.Since))
		b = appendBytes(appendBytes(b, []byte(s.Name)), []byte(s.Pattern))
	}
	return seal(b)
}

// DecodeTable checks the value of FormatKey and reads it.
func DecodeTable(value []byte) ([]Subscription, error) {
	p, err := unseal(value)
	if err != nil {
		return nil, err
	}
	if len(p) == 0 {
		return DefaultTable(), nil
	}
	n, rest, ok := cutNumber(p[1:])
	if p[0] != tableVersion || !ok || n == 0 || n > MaxSubscriptions {
		return nil, fmt.Errorf("%w: no table of subscriptions", ErrDamaged)
	}
	table, taken := make([]Subscription, 0, n), uint64(0)
	for range n {
		var s Subscription
		if s, rest, ok = cutSubscription(rest); !ok || taken&(1<<s.Slot) != 0 {
			return nil, fmt.Errorf("%w: no subscription", ErrDamaged)
		}
		taken |= 1 << s.Slot
		table = append(table, s)
	}
	return table, nil
}

func cutSubscription(p []byte) (s Subscription, rest []byte, ok bool) {
	const head = 3 + 8
	if len(p) < head || p[0] >= MaxSubscriptions || p[1] > byte(Dropping) || p[2] > 1 {
		return s, nil, false
	}
	s = Subscription{Slot: int(p[0]), State: SubscriptionState(p[1]), First: p[2] == 1, Since: int64(binary.BigEndian.Uint64(p[3:]))}
	name, p, ok1 := cutBytes(p[head:])
	pattern, p, ok2 := cutBytes(p)
	s.Name, s.Pattern = string(name), string(pattern)
	return s, p, ok1 && ok2
}

// EncodeEnds returns the value in Ends of a message that the subscriptions in done have ended.
func EncodeEnds(done uint64) []byte {
	return seal(binary.BigEndian.AppendUint64(make([]byte, sealSize, sealSize+8), done))
}

// DecodeEnds checks b and reads it.
func DecodeEnds(b []byte) (done uint64, err error) {
	p, err := unseal(b)
	if err != nil {
		return 0, err
	}
	if len(p) != 8 {
		return 0, fmt.Errorf("%w: no ends", ErrDamaged)
	}
	return binary.BigEndian.Uint64(p), nil
}
