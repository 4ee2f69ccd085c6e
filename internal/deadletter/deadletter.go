// Package deadletter looks at the dead letters of a route and moves them back: what a place that keeps
// them must be able to do. The places themselves are packages of their own.
package deadletter

import (
	"context"
	"errors"
)

// What a Store says beside its source's own errors.
var (
	// ErrNotFound means that there is no dead letter of that id, or none that can be reached now.
	ErrNotFound = errors.New("no such dead letter")
	// ErrUnsupported means that the place of the dead letters cannot be looked into. It is wrapped by
	// what the user has to do.
	ErrUnsupported = errors.New("dead letters of this source cannot be moved from here")
)

// A Store holds the dead letters of one route. Its methods are safe for concurrent use.
type Store interface {
	// List returns up to limit letters, without their content, from the place that after names; an
	// empty one is the beginning. next names the place behind them, empty where there is no more, or
	// where the source knows no places: then only the first limit letters can be listed.
	List(ctx context.Context, after string, limit int) (letters []Letter, next string, err error)

	// Show returns one letter with its content, or ErrNotFound.
	Show(ctx context.Context, id string) (Letter, error)

	// Redrive moves letters back to where they came from, until all that r wants are moved. When ctx
	// ends it stops between two letters and returns what is moved by then with ctx's error. A letter
	// is removed only once it is where it belongs, so that none is lost. One that cannot be moved is
	// counted and stays; the error is for what stops all of them. A letter that is rejected once more
	// meanwhile, and so comes back, is left.
	Redrive(ctx context.Context, r Request) (Progress, error)

	// Drop removes one letter for good, or returns ErrNotFound.
	Drop(ctx context.Context, id string) error

	// Close ends what the store runs. It is called once, after the last other call has returned.
	Close() error
}

// A Request says which letters are moved back, and how.
type Request struct {
	// IDs are the letters to move; none means all that are there.
	IDs []string
	// Rate is the most letters a second; zero sets no limit.
	Rate float64
	// Dry moves nothing and returns how many would be, as Left.
	Dry bool
	// Report is told how far it has come, now and then, and by one goroutine at a time. It may be nil.
	Report func(Progress)
	// Note is told what a user should know, likewise. It may be nil.
	Note func(text string)
	// Fail is told why a letter could not be moved, likewise, of the first ones at least; nil tells
	// Note. The error wraps ErrNotFound where there is none of that id, and a *publisher.Refusal where
	// its queue will never take it.
	Fail func(err error)
}

// Normal returns r with nothing in it that is nil but IDs.
func (r Request) Normal() Request {
	if r.Report == nil {
		r.Report = func(Progress) {}
	}
	if r.Note == nil {
		r.Note = func(string) {}
	}
	if r.Fail == nil {
		note := r.Note
		r.Fail = func(err error) { note(err.Error()) }
	}
	return r
}

// A Progress says how far a redrive has come.
type Progress struct {
	// Moved were moved back, Failed could not be and stay. Left are still to be moved, as far as is
	// known: of SQS's queues only about how many.
	Moved  int `json:"moved"`
	Left   int `json:"left"`
	Failed int `json:"failed"`
}

// Plus is both together.
func (p Progress) Plus(o Progress) Progress {
	return Progress{Moved: p.Moved + o.Moved, Left: p.Left + o.Left, Failed: p.Failed + o.Failed}
}
