package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"carrier/config"
	"carrier/internal/top"
)

// topEvery is the time between two looks of `carrier top`.
const topEvery = 2 * time.Second

// What moves the cursor of a terminal: ECMA-48, ED, CUP and EL.
const (
	clearScreen = "\x1b[H\x1b[2J"
	cursorHome  = "\x1b[H"
	endOfLine   = "\x1b[K\n"
	eraseBelow  = "\x1b[J"
)

// topCommand is `carrier top`: the state of the carrier that runs, again and again until a signal on a
// terminal, once elsewhere and with --once.
func topCommand(args []string, signals <-chan os.Signal, stdout, stderr io.Writer) int {
	once := len(args) == 1 && args[0] == "--once"
	if len(args) > 0 && !once {
		return misused(stderr, "top takes: --once, or nothing")
	}
	return configured(stderr, func(c config.Config, _ []string) int {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go func() {
			select {
			case <-signals:
				cancel()
			case <-ctx.Done():
			}
		}()
		now, err := look(ctx, c)
		if err != nil {
			return printed(stderr, err)
		}
		if _, terminal := terminalWidth(stdout); once || !terminal {
			return printed(stderr, say(stdout, "%s\n", strings.Join(top.Lines(top.Look{}, now, 0), "\n")))
		}
		return printed(stderr, keepLooking(ctx, c, now, stdout))
	})
}

func look(ctx context.Context, c config.Config) (top.Look, error) {
	now := top.Look{At: time.Now()}
	err := askRunning(ctx, c, http.MethodGet, "/v1/state", &now.State)
	return now, err
}

// keepLooking draws the state until ctx ends or the terminal is gone. A carrier that does not answer any
// more is told of and asked again.
func keepLooking(ctx context.Context, c config.Config, now top.Look, stdout io.Writer) error {
	ticker := time.NewTicker(topEvery)
	defer ticker.Stop()
	var before top.Look
	trouble := ""
	screen := clearScreen
	for {
		width, _ := terminalWidth(stdout)
		screen += strings.Join(append(top.Lines(before, now, width), "", trouble, "Ctrl-C ends this"), endOfLine) + endOfLine + eraseBelow
		if err := say(stdout, "%s", screen); err != nil {
			return err
		}
		screen = cursorHome
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		next, err := look(ctx, c)
		if err != nil {
			trouble = fmt.Sprintf("as of %s: %v", now.At.Format(time.TimeOnly), err)
			continue
		}
		before, now, trouble = now, next, ""
	}
}

// terminalWidth is how many characters a line of w has, and whether it is a terminal.
func terminalWidth(w io.Writer) (width int, terminal bool) {
	f, ok := w.(*os.File)
	if !ok {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd())) //nolint:gosec // a file's number
	return width, err == nil
}
