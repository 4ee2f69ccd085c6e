// Command carrier takes messages from a queue, posts each to the worker beside it,
// and tells the queue what became of it.
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"carrier/config"
	"carrier/internal/tracing"
	"carrier/internal/tune"
	"carrier/receiver/builtin"
)

// The exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitConfig  = 2
)

const usage = `carrier takes messages from a queue and posts each to the worker beside it.

usage: carrier [command]

  run                 take messages until SIGTERM or SIGINT (the default)
  check               look at configuration, queue and worker, and report
  config              print the configuration that is in effect
  config --markdown   print the reference of all variables
  health              ask the admin port of a running carrier whether it is ready
  top                 show what the carrier that runs does, every two seconds
  top --once          the same, once
  audit [--message ID] [--route NAME] [--outcome WORD] [--since 1h]
                      print attempts and settlements, a line of JSON each: those in the
                      audit files, else the last 1000 of the carrier that runs
  version             print the version
  keys                print a new secret to sign webhooks with (whsec_...)
  keys --ed25519      print a new key to sign with (whsk_...) and below it the one
                      to verify with (whpk_...)
  queue list [--route NAME] [--state STATE] [--limit N]
                      list what waits in the ingest queue, oldest first, 100 unless
                      N is given; STATE is ready, delayed, backing_off or in_flight
  queue show [--route NAME] [--body] ID
                      print what is known of a message, with --body its body too
  queue drop [--route NAME] ID
                      delete a message that is not in flight, for good
  queue check FILE    check a queue file of ingest for damage
  queue salvage FILE NEW
                      copy what is undamaged in FILE to a new queue file NEW
  dead-letters [--route NAME] [--limit N] [ID [--body]]
                      list dead letters, or show one; its body only with --body
  redrive [--route NAME] [--dry-run] [--rate 100/s] [ID ...]
                      move dead letters back to where they came from, all or those
                      named; Ctrl-C stops between two of them
  dead-letters drop [--route NAME]
                      delete all dead letters in CARRIER_INGEST_DATA_DIR, or those of
                      one route, for good; stop carrier first
  subscriptions       list the subscriptions of the ingest queue and what each one has
  subscriptions drop NAME
                      delete what a subscription has, dead letters included, for good;
                      one that is not configured any more is ended
  help                print this text, as does --help behind any command

All configuration is in the environment; see carrier config --markdown.
A value stands behind its option, as in --route NAME or --route=NAME.
Exit codes: 0 success, 1 failure, 2 wrong usage or configuration (health: 0 or 1).
`

func main() {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	os.Exit(command(apart(os.Args[1:]), signals, os.Stdout, os.Stderr))
}

// command runs one command and returns its exit code.
func command(args []string, signals <-chan os.Signal, stdout, stderr io.Writer) int {
	name := "run"
	if len(args) > 0 {
		name = args[0]
	}
	if len(args) > 1 && asksForHelp(args[1:]) && strings.Contains(usage, "\n  "+name+" ") {
		name, args = "help", nil
	}
	if f := withArguments(name); f != nil {
		return f(args[1:], stdout, stderr)
	}
	switch name {
	case "redrive":
		return redriveCommand(args[1:], signals, stdout, stderr)
	case "top":
		return topCommand(args[1:], signals, stdout, stderr)
	case "health":
		return healthCommand(args[1:], stderr)
	}
	markdown := name == "config" && len(args) == 2 && args[1] == "--markdown"
	if len(args) > 1 && !markdown {
		return misused(stderr, fmt.Sprintf("%s takes no argument %q", name, args[1]))
	}
	return simpleCommand(name, markdown, signals, stdout, stderr)
}

// apart makes two arguments of each like --route=orders, as both forms are usual.
func apart(args []string) (all []string) {
	for _, a := range args {
		name, value, ok := strings.Cut(a, "=")
		if ok && strings.HasPrefix(a, "--") {
			all = append(all, name, value)
		} else {
			all = append(all, a)
		}
	}
	return all
}

// asksForHelp reports whether a command was given to learn how it is used.
func asksForHelp(args []string) bool {
	return slices.ContainsFunc(args, func(a string) bool { return a == "-h" || a == "--help" })
}

// simpleCommand runs one of the commands that take no argument.
func simpleCommand(name string, markdown bool, signals <-chan os.Signal, stdout, stderr io.Writer) int {
	switch name {
	case "run":
		tune.Start()
		return configured(stderr, func(c config.Config, warnings []string) int {
			return run(c, warnings, signals, stdout)
		})
	case "check":
		return configured(stderr, func(c config.Config, warnings []string) int { return check(c, warnings, stdout) })
	case "config":
		return printConfig(markdown, stdout, stderr)
	case "version":
		return printed(stderr, build().write(stdout))
	case "help", "-h", "--help":
		_, err := io.WriteString(stdout, usage)
		return printed(stderr, err)
	default:
		return misused(stderr, fmt.Sprintf("unknown command %q", name))
	}
}

// withArguments is the command called name if it is one that takes arguments.
func withArguments(name string) func(args []string, stdout, stderr io.Writer) int {
	switch name {
	case "audit":
		return auditCommand
	case "queue":
		return queueCommand
	case "dead-letters":
		return deadLettersCommand
	case "keys":
		return keysCommand
	case "subscriptions":
		return subscriptionsCommand
	default:
		return nil
	}
}

// configured loads the configuration and hands it to do. What is wrong with it goes
// to stderr, all of it at once.
func configured(stderr io.Writer, do func(config.Config, []string) int) int {
	c, warnings, err := config.Load(builtin.Names())
	if err != nil {
		for _, w := range warnings {
			_, _ = fmt.Fprintln(stderr, "warning:", w)
		}
		_, _ = fmt.Fprintln(stderr, err)
		return exitConfig
	}
	return do(c, append(warnings, tracing.Warnings(c.OTel)...))
}

func printConfig(markdown bool, stdout, stderr io.Writer) int {
	if markdown {
		return printed(stderr, config.Markdown(stdout))
	}
	return configured(stderr, func(c config.Config, warnings []string) int {
		for _, w := range warnings {
			_, _ = fmt.Fprintln(stderr, "warning:", w)
		}
		return printed(stderr, c.Write(stdout))
	})
}

func misused(stderr io.Writer, what string) int {
	_, _ = fmt.Fprintf(stderr, "%s\n\n%s", what, usage)
	return exitConfig
}

func printed(stderr io.Writer, err error) int {
	if err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		return exitFailure
	}
	return exitOK
}

func say(w io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintf(w, format, args...)
	return err
}
