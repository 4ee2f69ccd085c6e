package deadletter

import (
	"context"

	"golang.org/x/time/rate"
)

// A Pace says how many letters may be moved next. It is safe for concurrent use.
type Pace struct {
	limiter *rate.Limiter // nil where there is no limit
	most    int
}

// stepsPerSecond is how often a second some letters are moved where the rate allows more than one
// each time.
const stepsPerSecond = 10

// NewPace returns the pace of perSecond letters a second, of which at most most go at once; zero is as
// many as one likes.
func NewPace(perSecond float64, most int) *Pace {
	if perSecond <= 0 {
		return &Pace{most: most}
	}
	most = max(min(most, int(perSecond/stepsPerSecond)), 1)
	return &Pace{limiter: rate.NewLimiter(rate.Limit(perSecond), most), most: most}
}

// Next waits until letters may be moved, and returns how many. The caller may move fewer: then the
// rest of them are lost. It returns ctx's error when ctx ends first.
func (p *Pace) Next(ctx context.Context) (int, error) {
	if p.limiter == nil {
		return p.most, ctx.Err()
	}
	if err := p.limiter.WaitN(ctx, p.most); err != nil {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		<-ctx.Done() // WaitN sees beforehand that ctx ends too early
		return 0, ctx.Err()
	}
	return p.most, nil
}
