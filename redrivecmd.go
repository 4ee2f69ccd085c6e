package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"carrier/config"
	"carrier/internal/deadletter"
)

// redriveCommand is `carrier redrive`. The first signal stops it between two letters, a second one at
// once.
func redriveCommand(args []string, signals <-chan os.Signal, stdout, stderr io.Writer) int {
	w, err := parseLetters(args, false, true)
	if err != nil {
		return misused(stderr, fmt.Sprintf("redrive takes: [--route NAME] [--dry-run] [--rate 100/s] [ID ...]: %v", err))
	}
	return configured(stderr, func(c config.Config, _ []string) int {
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		code := make(chan int, 1)
		go func() { code <- redrive(ctx, c, w, stdout, stderr) }()
		select {
		case n := <-code:
			return n
		case <-signals:
			stop()
		}
		select {
		case n := <-code:
			return n
		case <-signals:
			_, _ = fmt.Fprintln(stderr, "ended at once by a second signal; a few letters may be moved a second time by the next redrive")
			return exitFailure
		}
	})
}

// redrive moves the letters of one route after another. It returns exitOK where all were moved.
func redrive(ctx context.Context, c config.Config, w lettersWanted, stdout, stderr io.Writer) int {
	routes, err := w.routesOf(c)
	if err != nil {
		return printed(stderr, err)
	}
	code := exitOK
	for _, r := range routes {
		err := withLetters(ctx, c, r, func(s deadletter.Store) error {
			return redriveRoute(ctx, s, r.PublicName(), w, stdout, stderr)
		})
		if err != nil {
			code = printed(stderr, ofRoute(r, err))
		}
		if ctx.Err() != nil {
			return exitFailure
		}
	}
	return code
}

// errSomeLeft means that letters could not be moved, which has been told of each.
var errSomeLeft = errors.New("not all could be moved")

func redriveRoute(ctx context.Context, s deadletter.Store, route string, w lettersWanted, stdout, stderr io.Writer) error {
	shown := newProgress(stdout, route)
	p, err := s.Redrive(ctx, deadletter.Request{
		IDs: w.ids, Rate: w.rate.PerSecond(), Dry: w.dry, Report: shown.report,
		Note: func(text string) {
			shown.clear()
			_, _ = fmt.Fprintf(stderr, "%s: %s\n", route, onOneLine(text))
		},
	})
	shown.clear()
	switch {
	case err == nil && w.dry:
		return say(stdout, "%s: %d dead letters would be moved back%s\n", route, p.Left, unmoved(p))
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("stopped: %d dead letters moved back%s, %d left; the same command moves the rest", p.Moved, unmoved(p), p.Left)
	case err != nil:
		return fmt.Errorf("%d dead letters moved back%s, %d left: %w", p.Moved, unmoved(p), p.Left, err)
	}
	if err := say(stdout, "%s: %d dead letters moved back%s\n", route, p.Moved, unmoved(p)); err != nil {
		return err
	}
	if p.Failed > 0 {
		return errSomeLeft
	}
	return nil
}

// unmoved tells of letters that could not be moved, where there are any.
func unmoved(p deadletter.Progress) string {
	if p.Failed == 0 {
		return ""
	}
	return fmt.Sprintf(", %d could not be", p.Failed)
}
