//go:build noingest

package main

import (
	"errors"
	"io"

	"carrier/config"
	"carrier/internal/deadletter"
)

func queueCommand(_ []string, _, stderr io.Writer) int {
	return misused(stderr, "the ingest receiver, whose files the command is about, is not in this binary")
}

var errNoIngest = errors.New("the ingest receiver, whose dead letters these are, is not in this binary")

func dropDeadLetters(config.Config, string, io.Writer) error { return errNoIngest }

func withIngestLetters(config.Config, string, func(deadletter.Store) error) error { return errNoIngest }

func subscriptionsCommand(_ []string, _, stderr io.Writer) int {
	return queueCommand(nil, nil, stderr)
}

func tryQueueFile(string) error { return nil }
