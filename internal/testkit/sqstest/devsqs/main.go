// Command devsqs is a small SQS server for a Compose stack or a laptop: it keeps
// messages in memory, verifies no signature and knows no accounts.
//
//	devsqs [-address 127.0.0.1:9324] [-queues orders,events.fifo] [-redrive 5]
//	devsqs send -queue orders [-endpoint http://127.0.0.1:9324] [-group g] BODY
//	devsqs send -queue-url http://127.0.0.1:9324/000000000000/orders BODY
//	devsqs show [-endpoint http://127.0.0.1:9324] [-bodies] [QUEUE]
//	devsqs health [-endpoint http://127.0.0.1:9324]
//
// DEVSQS_ADDRESS, DEVSQS_QUEUES, DEVSQS_REDRIVE and DEVSQS_ENDPOINT stand for the
// flags of these names. It is reached with any AWS SDK, or with plain HTTP:
//
//	curl http://127.0.0.1:9324 -H 'X-Amz-Target: AmazonSQS.SendMessage' \
//	  -d '{"QueueUrl":"http://127.0.0.1:9324/000000000000/orders","MessageBody":"hello"}'
//	curl http://127.0.0.1:9324/queues/orders?bodies=true
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// defaultAddress is where the server listens, and where the other commands look for it.
const defaultAddress = "127.0.0.1:9324"

// What the program ends with.
const (
	exitDone = iota
	exitFailed
	exitUsage
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	p := program{args: os.Args[1:], getenv: os.Getenv, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	code := p.run(ctx)
	stop()
	os.Exit(code)
}

// A program is one run of devsqs, with what it is given by the system.
type program struct {
	args           []string
	getenv         func(string) string
	stdin          io.Reader
	stdout, stderr io.Writer
}

// run does what the arguments say until it is done or ctx ends, and returns the
// exit code: 0, 1 for a failure, 2 for arguments that say nothing.
func (p program) run(ctx context.Context) int {
	commands := map[string]func(context.Context, []string) error{"": p.serve, "send": p.send, "show": p.show, "health": p.health}
	name, rest := "", p.args
	if len(rest) > 0 && rest[0] != "" && rest[0][0] != '-' {
		name, rest = rest[0], rest[1:]
	}
	do, ok := commands[name]
	if !ok {
		_, _ = fmt.Fprintf(p.stderr, "devsqs: no command %q; there are send, show and health, and none serves\n", name)
		return exitUsage
	}
	err := do(ctx, rest)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return exitDone
	}
	_, _ = fmt.Fprintf(p.stderr, "devsqs: %v\n", err)
	if bad := usageError(""); errors.As(err, &bad) {
		return exitUsage
	}
	return exitFailed
}

// A usageError is a fault of the arguments.
type usageError string

func (e usageError) Error() string { return string(e) }

// flags is a flag set that returns its errors and prints its help.
func (p program) flags(name string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(p.stderr)
	return f
}

// parse reads args; what is wrong with them has been printed when it fails.
func parse(f *flag.FlagSet, args []string) error {
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return err
	} else if err != nil {
		return usageError(f.Name() + ": " + err.Error())
	}
	return nil
}

// env is an environment variable, or its default.
func (p program) env(name, unset string) string {
	if v := p.getenv(name); v != "" {
		return v
	}
	return unset
}
