package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"carrier/test/kube/host"
)

// removeContainers ends every container that is left, and what holds it. containerd
// still runs, and the kubelet does not any more.
func (c *cluster) removeContainers() error {
	ctx, cancel := context.WithTimeout(context.Background(), waitTimeout)
	defer cancel()
	tasks, err := c.ctr(ctx, "tasks", "list", "--quiet")
	errs := []error{err}
	for id := range strings.FieldsSeq(tasks) {
		_, err := c.ctr(ctx, "tasks", "delete", "--force", id)
		errs = append(errs, err)
	}
	containers, err := c.ctr(ctx, "containers", "list", "--quiet")
	errs = append(errs, err)
	for id := range strings.FieldsSeq(containers) {
		_, err := c.ctr(ctx, "containers", "delete", id)
		errs = append(errs, err)
	}
	return errors.Join(append(errs, c.endShims(), host.RemoveGroups())...)
}

// endShims ends the processes that hold containers for our containerd, and for no other:
// each has its address among its arguments.
func (c *cluster) endShims() error {
	deadline := time.Now().Add(grace)
	for {
		pids := host.ProcessesWith(c.containerd())
		pids = slices.DeleteFunc(pids, func(pid int) bool { return !isShim(pid) })
		switch {
		case len(pids) == 0:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("processes %v hold containers still", pids)
		}
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(interval)
	}
}

func isShim(pid int) bool {
	exe, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.HasPrefix(string(exe), "containerd-shim")
}

// removeWork unmounts what was mounted beneath the cluster's directory, the last mount
// first, and removes it.
func (c *cluster) removeWork() error {
	mounts, err := host.MountsUnder(c.work)
	errs := []error{err}
	for _, mount := range slices.Backward(mounts) {
		if err := syscall.Unmount(mount, 0); err != nil {
			errs = append(errs, fmt.Errorf("unmounting %s: %w", mount, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err // what is mounted there is not ours to remove
	}
	return os.RemoveAll(c.work)
}
