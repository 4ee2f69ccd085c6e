package handoff

import (
	"carrier/internal/recent"
)

// ended remembers tokens for a while after their end.
type ended struct{ set *recent.Set[end] }

// An end is what became of a token.
type end struct {
	verdict Verdict // with an empty Kind where there was none
	err     error
}

func newEnded() ended { return ended{recent.New[end](rememberMost, rememberFor)} }

func (e ended) put(token string, v *Verdict, err error) {
	entry := end{err: err}
	if v != nil {
		entry.verdict = *v
	}
	e.set.Put(recent.KeyOf(token), entry)
}

// result is the answer to a verdict on a token that is not held.
func (e ended) result(token string, v Verdict) error {
	entry, known := e.set.Get(recent.KeyOf(token))
	switch {
	case !known:
		return ErrUnknown
	case entry.verdict.Kind == "" || entry.err != nil:
		return entry.err
	case !entry.verdict.same(v):
		return ErrOtherVerdict
	default:
		return nil
	}
}
