//go:build noingest

package main

import "io"

func queueCommand(_ []string, _, stderr io.Writer) int {
	return misused(stderr, "the ingest receiver, whose files the command is about, is not in this binary")
}

func deadLettersCommand(_ []string, stdout, stderr io.Writer) int {
	return queueCommand(nil, stdout, stderr)
}

func subscriptionsCommand(_ []string, _, stderr io.Writer) int {
	return queueCommand(nil, nil, stderr)
}

func tryQueueFile(string) error { return nil }
