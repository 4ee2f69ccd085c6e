package harness

import (
	"context"
	"slices"
	"syscall"
	"time"

	"carrier/bench/figures"
)

// Turns says how several subjects are measured in turn.
type Turns struct {
	N int
	// Settle is how long a subject runs before it is measured, for as long as During.
	Settle, During time.Duration
}

// A Side is one of the subjects. Start starts it and what is around it, and returns when it is warm.
type Side struct {
	Name  string
	Start func() (Setup, error)

	setup Setup
	turns []figures.Sample
}

// InTurn starts the sides and measures each of them for a short while, N times, every other time in the
// opposite order; the subjects of the others are stopped meanwhile. What the machine does besides is
// much the same for neighbours, so that a difference can be seen that is smaller than the spread of
// either. To r it adds one repetition of each side: the median of each figure, and "more", how much more
// processor time a message takes than with the first side, which is the median of the differences of
// the same turn; "more_quartiles" is how far the quartiles of these are apart.
func InTurn(ctx context.Context, t Turns, r *figures.Results, sides ...*Side) (err error) {
	for _, s := range sides {
		if s.setup, err = s.Start(); err != nil {
			return err
		}
		if err := s.setup.Subject.Signal(syscall.SIGSTOP); err != nil {
			return err
		}
	}
	order := slices.Clone(sides)
	for range t.N {
		for _, s := range order {
			if err := s.turn(ctx, t); err != nil {
				return err
			}
		}
		slices.Reverse(order)
	}
	r.Add(sides[0].Name, sum(sides[0].turns, nil))
	for _, s := range sides[1:] {
		r.Add(s.Name, sum(s.turns, sides[0].turns))
	}
	return nil
}

func (s *Side) turn(ctx context.Context, t Turns) error {
	if err := s.setup.Subject.Signal(syscall.SIGCONT); err != nil {
		return err
	}
	if err := Wait(ctx, t.Settle); err != nil {
		return err
	}
	sample, err := s.setup.Window(ctx, t.During)
	if err != nil {
		return err
	}
	s.turns = append(s.turns, sample)
	return s.setup.Subject.Signal(syscall.SIGSTOP)
}

// sum makes one sample of many, beside those of another subject; first is nil where there is none.
func sum(turns, first []figures.Sample) figures.Sample {
	byName := map[string][]float64{}
	for i, turn := range turns {
		for name, v := range turn {
			byName[name] = append(byName[name], v)
		}
		if first != nil {
			byName["more"] = append(byName["more"], turn["cpu"]-first[i]["cpu"])
		}
	}
	all := figures.Sample{}
	for name, values := range byName {
		all[name] = figures.Summarize(values).Median
	}
	if first != nil {
		all["more_quartiles"] = figures.BetweenQuartiles(byName["more"])
	}
	return all
}
