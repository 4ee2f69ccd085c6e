// Package preflight holds what `carrier check` reports: one finding for each condition that was looked at.
package preflight

import (
	"errors"
	"fmt"
	"time"

	"carrier/receiver"
)

// A Level says how a Finding is to be taken.
type Level string

// The levels, as they are printed.
const (
	OK   Level = "ok"
	Warn Level = "warn"
	Fail Level = "fail"
)

// A Finding is one line of a preflight report.
type Finding struct {
	Level Level
	Text  string
}

// Finding is a line at level l.
func (l Level) Finding(text string) Finding { return Finding{l, text} }

// Failed finds that what could not be had, with the class of err.
func Failed(what string, err error) Finding {
	return Finding{Fail, fmt.Sprintf("%s: %s (%s)", what, err, receiver.ClassOf(err))}
}

// Permission finds whether what is allowed, from the answer to a call that was made for an
// entry which does not exist. Sources look at the permission first, so that a complaint
// about the entry is as good as a yes.
func Permission(what string, answer error) Finding {
	if answer == nil || errors.Is(answer, receiver.ErrLeaseLost) || receiver.ClassOf(answer) == receiver.Invalid {
		return Finding{OK, what}
	}
	return Failed(what, answer)
}

// LeaseFor compares a lease, called name by its source, with the time an attempt may
// take. A shorter one is renewed while the worker is busy, so nothing is wrong with it;
// but after a crash of carrier, or without its renewals, the message is handed out in the
// middle.
func LeaseFor(attempt time.Duration, name string, lease time.Duration) Finding {
	if lease < attempt {
		return Finding{Warn, fmt.Sprintf("%s %s is shorter than one attempt may take (%s): it holds only as long as it is renewed", name, lease, attempt)}
	}
	return Finding{OK, fmt.Sprintf("%s %s", name, lease)}
}

// A Notice is something an operator should know that stopped nothing.
type Notice struct {
	Text string
	Err  error // may be nil
}

// Warnings finds each of notices.
func Warnings(notices []Notice) []Finding {
	var list []Finding
	for _, n := range notices {
		text := n.Text
		if n.Err != nil {
			text += ": " + n.Err.Error()
		}
		list = append(list, Finding{Warn, text})
	}
	return list
}
