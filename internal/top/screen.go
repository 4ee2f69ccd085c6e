package top

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// every is the time between two looks of Show.
const every = 2 * time.Second

// What moves the cursor of a terminal: ECMA-48, ED, CUP and EL.
const (
	clearScreen = "\x1b[H\x1b[2J"
	cursorHome  = "\x1b[H"
	endOfLine   = "\x1b[K\n"
	eraseBelow  = "\x1b[J"
)

// Show looks and writes what it finds: again and again until ctx ends where w is a terminal, once
// elsewhere and with once. It returns the first error, and no later one: a carrier that does not answer
// any more is told of and asked again.
func Show(ctx context.Context, w io.Writer, once bool, look func(context.Context) (Look, error)) error {
	now, err := look(ctx)
	if err != nil {
		return err
	}
	if _, terminal := widthOf(w); once || !terminal {
		_, err := io.WriteString(w, strings.Join(Lines(Look{}, now, 0), "\n")+"\n")
		return err
	}
	return keepLooking(ctx, w, now, look)
}

// keepLooking draws the state until ctx ends or the terminal is gone.
func keepLooking(ctx context.Context, w io.Writer, now Look, look func(context.Context) (Look, error)) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var before Look
	trouble := ""
	screen := clearScreen
	for {
		width, _ := widthOf(w)
		screen += strings.Join(append(Lines(before, now, width), "", trouble, "Ctrl-C ends this"), endOfLine) + endOfLine + eraseBelow
		if _, err := io.WriteString(w, screen); err != nil {
			return err
		}
		screen = cursorHome
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		next, err := look(ctx)
		if err != nil {
			trouble = cut(printable(fmt.Sprintf("as of %s: %v", now.At.Format(time.TimeOnly), err)), width)
			continue
		}
		before, now, trouble = now, next, ""
	}
}

// widthOf is how many characters a line of w has, and whether it is a terminal.
func widthOf(w io.Writer) (width int, terminal bool) {
	f, ok := w.(*os.File)
	if !ok {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd())) //nolint:gosec // a file's number
	return width, err == nil
}
