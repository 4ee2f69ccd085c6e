package queue

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"carrier/internal/queue/record"
	"carrier/internal/queue/schedule"
	"carrier/internal/queue/store"
	"carrier/internal/queue/subscription"
)

var (
	// ErrNoMessage means that no message of that id waits or is in flight.
	ErrNoMessage = errors.New("no such message")
	// ErrInFlight means that a message is under a lease, or is being settled at this moment.
	ErrInFlight = subscription.ErrInFlight
	// ErrSeveral means that several subscriptions wait for a message, and none was named.
	ErrSeveral = errors.New("several subscriptions wait for the message")
)

// A State is that of a message for one of its subscriptions.
type State string

// The states there are.
const (
	// Ready: it is due. It may be behind another one of its group.
	Ready State = "ready"
	// Delayed: its producer asked for a later time.
	Delayed State = "delayed"
	// BackingOff: it was given back with a delay.
	BackingOff State = "backing_off"
	// InFlight: it is under a lease.
	InFlight State = "in_flight"
)

// States lists them.
func States() []State { return []State{Ready, Delayed, BackingOff, InFlight} }

// A Waiting is one message that one subscription waits for or has in flight.
type Waiting struct {
	// Subscription is its name in the file.
	Subscription string
	ID, Group    string
	State        State
	// Stored is when it was put; Due is when it is due that is Delayed or BackingOff, or when the
	// lease ends of one that is InFlight; else zero.
	Stored, Due time.Time
	// ReceiveCount is how often it was handed out, FirstReceived when first.
	ReceiveCount  int
	FirstReceived time.Time
	// BodySize is the length of its body in bytes.
	BodySize int
	// Head and Body are there where one message was asked for.
	Head, Body []byte

	slot int
	ref  store.Ref
	cost int64
}

// scanWaitingMost is how many messages are looked at in one read of the file, and by one call of
// Waiting.
const scanWaitingMost = 10_000

// Waiting returns messages after the number after, in the order in which they were put: at least limit
// and few more where there are so many among the next 10,000 that are of one of the states and of the
// subscriptions with these names; all where none is given. Next is the number to go on after; 0 is the
// end. A name that there is not waits for nothing. What is being handed out or settled at that moment
// may be listed as ready. It does not hold up anybody.
func (q *Queue) Waiting(after uint64, limit int, states []State, of ...string) (list []Waiting, next uint64, err error) {
	seen := 0
	err = q.scanWaiting(after, of, func(r store.Ref, each []Waiting) bool {
		for _, w := range each {
			if len(states) == 0 || slices.Contains(states, w.State) {
				list = append(list, w)
			}
		}
		if seen++; seen == scanWaitingMost || len(list) >= limit {
			next = r.Seq
		}
		return next == 0
	})
	return list, next, err
}

// scanWaiting calls visit with each message after a number and what it is to the subscriptions with
// these names, until it returns false; each read of the file is bounded.
func (q *Queue) scanWaiting(after uint64, of []string, visit func(store.Ref, []Waiting) bool) error {
	v := q.newWaitingView(of)
	for stopped := false; !stopped; {
		seen := 0
		err := q.set.View(func(b store.Buckets) error {
			b.EachMessage(after, func(r store.Ref, value []byte) bool {
				seen++
				after = r.Seq
				stopped = !visit(r, v.read(b, r, value))
				return !stopped && seen < scanWaitingMost
			})
			return nil
		})
		if err != nil || seen < scanWaitingMost {
			return err
		}
	}
	return nil
}

// A waitingView is what a look at the file needs to know beside it.
type waitingView struct {
	now      int64
	names    map[int]string // by slot
	inFlight map[int]map[uint64]schedule.InFlight
}

func (q *Queue) newWaitingView(of []string) waitingView {
	v := waitingView{now: time.Now().UnixNano(), names: map[int]string{}, inFlight: map[int]map[uint64]schedule.InFlight{}}
	for slot, name := range q.namesBySlot() {
		q.set.Mu.Lock()
		s := q.set.At(slot)
		q.set.Mu.Unlock()
		if s != nil && (len(of) == 0 || slices.Contains(of, name)) {
			v.names[slot], v.inFlight[slot] = name, s.InFlight()
		}
	}
	return v
}

// read is what message r is to each of the subscriptions. What cannot be read is left out.
func (v waitingView) read(b store.Buckets, r store.Ref, value []byte) (all []Waiting) {
	e, err := record.ParseEnvelope(value, len(value))
	if err != nil {
		return nil
	}
	left := b.Waiting(r, value)
	for slot, name := range v.names {
		if left&(1<<slot) == 0 {
			continue
		}
		w := Waiting{
			Subscription: name, ID: hex.EncodeToString(e.ID[:]), Group: string(e.Group), Stored: time.Unix(0, e.Stored),
			BodySize: e.BodySize(), slot: slot, ref: r, cost: e.Cost,
		}
		v.readState(&w, b, e)
		all = append(all, w)
	}
	slices.SortFunc(all, func(a, b Waiting) int { return a.slot - b.slot })
	return all
}

func (v waitingView) readState(w *Waiting, b store.Buckets, e record.Envelope) {
	state, _ := record.DecodeState(b.State(w.ref.Seq, w.slot)) // a damaged one is ignored, as when it is received
	w.ReceiveCount, w.FirstReceived = int(state.Count), moment(state.First)
	lease, leased := v.inFlight[w.slot][w.ref.Seq]
	switch {
	case leased:
		w.State, w.Due, w.ReceiveCount, w.FirstReceived = InFlight, lease.Expires, int(lease.Count), moment(lease.First)
	case state.Due > v.now:
		w.State, w.Due = BackingOff, time.Unix(0, state.Due)
	case e.Due > v.now && state.Count == 0:
		w.State, w.Due = Delayed, time.Unix(0, e.Due)
	default:
		w.State = Ready
	}
}

func moment(nanoseconds int64) time.Time {
	if nanoseconds == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds)
}

// FindWaiting returns the message of an id as each of the subscriptions with these names sees it, all
// where none is named, without head and body; ErrNoMessage where none waits for it. It reads the whole
// file in parts, unless ctx ends.
func (q *Queue) FindWaiting(ctx context.Context, id string, of ...string) (found []Waiting, err error) {
	err = q.scanWaiting(0, of, func(_ store.Ref, each []Waiting) bool {
		if len(each) > 0 && each[0].ID == id {
			found = append(found, each...)
		}
		return ctx.Err() == nil
	})
	if err == nil && len(found) == 0 {
		err = errors.Join(ctx.Err(), fmt.Errorf("%w: %q", ErrNoMessage, id))
	}
	return found, err
}

// ReadWaiting returns w with head and body; ErrNoMessage where the message is gone meanwhile.
func (q *Queue) ReadWaiting(w Waiting) (Waiting, error) {
	var value []byte
	err := q.set.View(func(b store.Buckets) error {
		value = bytes.Clone(b.Message(w.ref)) // the file's pages are only lent
		return nil
	})
	if err == nil && value == nil {
		err = fmt.Errorf("%w: %q", ErrNoMessage, w.ID)
	}
	if err != nil {
		return w, err
	}
	m, err := record.DecodeMessage(value)
	w.Head, w.Body = m.Head, m.Body
	return w, err
}

// DropWaiting removes the message of an id for the one of the subscriptions with these names that
// waits for it, and returns once that is on the disk. ErrNoMessage means that none does, ErrSeveral
// that several do and one has to be named, ErrInFlight that it is under a lease, and ErrNotConfigured
// that its subscription is not configured any more: Drop ends that.
func (q *Queue) DropWaiting(ctx context.Context, id string, of ...string) error {
	found, err := q.FindWaiting(ctx, id, of...)
	if err != nil {
		return err
	}
	if len(found) > 1 {
		var names []string
		for _, w := range found {
			names = append(names, subscription.NameOf(w.Subscription))
		}
		return fmt.Errorf("%w: %s", ErrSeveral, strings.Join(names, ", "))
	}
	w := found[0]
	q.set.Mu.Lock()
	s := q.set.At(w.slot)
	q.set.Mu.Unlock()
	if s == nil || q.set.Slots(0)&(1<<w.slot) == 0 {
		return fmt.Errorf("%w: %s", ErrNotConfigured, subscription.NameOf(w.Subscription))
	}
	return s.DropMessage(ctx, w.ref, w.Group, w.cost)
}
