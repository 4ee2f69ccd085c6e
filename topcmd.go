package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"time"

	"carrier/config"
	"carrier/internal/top"
)

// topCommand is `carrier top`: the state of the carrier that runs, until a signal.
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
		return printed(stderr, top.Show(ctx, stdout, once, func(ctx context.Context) (top.Look, error) {
			now := top.Look{At: time.Now()}
			err := askRunning(ctx, c, http.MethodGet, "/v1/state", &now.State)
			return now, err
		}))
	})
}
