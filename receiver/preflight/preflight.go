// Package preflight holds what `carrier check` reports: one finding for each condition that was looked at.
package preflight

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"syscall"
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

// LeaseFor says how long a lease, called name by its source, is. One that is shorter than the time
// an attempt may take is renewed while the worker is busy, so nothing is wrong with it.
func LeaseFor(attempt time.Duration, name string, lease time.Duration) Finding {
	if lease < attempt {
		return Finding{OK, fmt.Sprintf("%s %s, renewed while an attempt (%s at most) takes longer", name, lease, attempt)}
	}
	return Finding{OK, fmt.Sprintf("%s %s", name, lease)}
}

// Listen finds whether address, called what, can be listened on. One that is in use is no failure
// where a carrier runs, which has it.
func Listen(ctx context.Context, what, address string, carrierRuns bool) Finding {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		_ = l.Close()
		return Finding{OK, fmt.Sprintf("%s %s is free", what, address)}
	case carrierRuns && errors.Is(err, syscall.EADDRINUSE):
		return Finding{OK, fmt.Sprintf("%s %s is in use by the carrier that runs", what, address)}
	default:
		return Finding{Fail, fmt.Sprintf("%s %s: %v", what, address, err)}
	}
}

// HasFailed reports whether any of findings fails.
func HasFailed(findings []Finding) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Level == Fail })
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
