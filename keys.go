package main

import (
	"fmt"
	"io"

	"carrier/internal/standardwebhooks"
)

// keysCommand is `carrier keys`: it prints a new secret that signs webhooks, or with --ed25519 a new
// pair of keys.
func keysCommand(args []string, stdout, stderr io.Writer) int {
	switch {
	case len(args) == 0:
		_, err := fmt.Fprintln(stdout, standardwebhooks.NewSecret())
		return printed(stderr, err)
	case len(args) == 1 && args[0] == "--ed25519":
		private, public := standardwebhooks.NewKeyPair()
		_, err := fmt.Fprintf(stdout, "%s\n%s\n", private, public)
		return printed(stderr, err)
	default:
		return misused(stderr, "keys takes no argument but --ed25519")
	}
}
