//go:build !noingest

package main

import (
	"io"

	"carrier/config"
	"carrier/internal/queue"
	"carrier/receiver/ingest/queued/listcmd"
)

// queueMessagesCommand is `carrier queue list`, `carrier queue show ID` and `carrier queue drop ID`.
func queueMessagesCommand(args []string, stdout, stderr io.Writer) int {
	call, err := listcmd.Parse(args)
	if err != nil {
		return misused(stderr, err.Error())
	}
	return configured(stderr, func(c config.Config, _ []string) int {
		return printed(stderr, withoutQueue(c, call.Do(listcmd.Source{
			Dir:  c.Ingest.DataDir,
			Ask:  func(method, path string, answer any) error { return ask(c, method, path, answer) },
			Open: func(do func(*queue.Queue) error) error { return withQueue(c.Ingest.DataDir, do) },
		}, stdout)))
	})
}
