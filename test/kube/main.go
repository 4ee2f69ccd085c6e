// Command kube runs carrier's pods on a real Kubernetes node, which it brings up and
// takes down again: etcd, an API server, a scheduler, a controller manager and a
// kubelet of one version, built from their Go modules, over containerd and runc.
// It is `make verify-kube`.
//
// It needs root, and leaves the machine as it was: it stops what it started, unmounts
// what was mounted, removes its bridge and its control groups, and sets back every
// kernel setting that the kubelet changes. No image is pulled, and nothing listens
// outside of 127.0.0.1 and of a bridge that leads nowhere.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"carrier/test/kube/build"
)

func main() {
	only := flag.String("only", "", "the scenarios to run, separated by commas; none is all")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *only)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "verify-kube:", err)
		os.Exit(1)
	}
	fmt.Println("\nverify-kube: all promises kept")
}

// run brings a cluster up, plays the scenarios in it and takes it down, also when ctx
// ends before or a step fails.
func run(ctx context.Context, only string) (err error) {
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	if err := lookForNeeds(); err != nil {
		return err
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		return err
	}
	bin := filepath.Join(root, "bin", "kube")
	if err := errors.Join(build.All(ctx, root, bin), build.Helm(ctx, bin)); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "carrier-kube-")
	if err != nil {
		return err
	}
	c := &cluster{root: root, bin: bin, work: work, logs: filepath.Join(bin, "logs")}
	defer func() { err = errors.Join(err, c.down()) }()
	if err := c.up(ctx); err != nil {
		return fmt.Errorf("bringing the cluster up: %w (logs: %s)", err, c.logs)
	}
	for _, s := range chosen {
		fmt.Printf("\n== %s\n", s.title)
		if err := s.play(ctx, c); err != nil {
			return fmt.Errorf("%s: %w (logs: %s)", s.name, errors.Join(err, c.keepState(ctx)), c.logs)
		}
	}
	return nil
}

// A scenario is one thing that is installed, used and deleted.
type scenario struct {
	name, title string
	play        func(context.Context, *cluster) error
}

func scenarios() []scenario {
	onSQS := func(v variant) func(context.Context, *cluster) error {
		return func(ctx context.Context, c *cluster) error { return playSQS(ctx, c, v) }
	}
	sidecar := []moment{drainBegins, settled, workerTold, workerEnds, carrierTold, carrierEnds}
	container := []moment{drainBegins, settled, workerTold, workerEnds}
	return []scenario{
		{"native", "the chart as it is: SQS, a native sidecar", onSQS(variant{order: sidecar})},
		{"token", "a native sidecar whose hooks send CARRIER_ADMIN_TOKEN", onSQS(variant{
			secret: []string{"carrier", "--from-literal=token=only-for-this"},
			set:    []string{"secrets.CARRIER_ADMIN_TOKEN.name=carrier", "secrets.CARRIER_ADMIN_TOKEN.key=token"},
			order:  sidecar,
		})},
		{"plain", "a plain container, both hooks ask /drain", onSQS(variant{
			set: []string{"sidecar.native=false"}, order: container,
		})},
		{"sleep", "a plain container without a hook, the worker's hook sleeps", onSQS(variant{
			set:   []string{"sidecar.native=false", "worker.preStop=sleep"},
			order: []moment{carrierTold, drainBegins, settled, carrierEnds, workerTold, workerEnds},
		})},
		{"ingest", "examples/kubernetes/pod.yaml: ingest on a persistent volume, a native sidecar", playIngest},
	}
}

// choose returns the scenarios named in only, all when it is empty.
func choose(only string) ([]scenario, error) {
	if only == "" {
		return scenarios(), nil
	}
	var chosen []scenario
	var names []string
	for _, s := range scenarios() {
		names = append(names, s.name)
		for name := range strings.SplitSeq(only, ",") {
			if name == s.name {
				chosen = append(chosen, s)
			}
		}
	}
	if len(chosen) != strings.Count(only, ",")+1 {
		return nil, fmt.Errorf("-only %q: there are %s", only, strings.Join(names, ", "))
	}
	return chosen, nil
}
