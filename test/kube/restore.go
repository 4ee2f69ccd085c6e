package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// settings is what a kubelet and the plugin for bridges set in the kernel.
func settings() []string {
	return []string{
		"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
		"kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
		"net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding",
	}
}

// keepSettings remembers the kernel's settings and returns what sets them back.
func keepSettings() (restore func() error) {
	before := map[string]string{}
	for _, name := range settings() {
		if value, err := os.ReadFile("/proc/sys/" + name); err == nil {
			before[name] = string(value)
		}
	}
	return func() error {
		var errs []error
		for name, old := range before {
			now, err := os.ReadFile("/proc/sys/" + name)
			if err == nil && string(now) != old {
				fmt.Printf("   %s: %s set back to %s\n", name, strings.TrimSpace(string(now)), strings.TrimSpace(old))
				err = os.WriteFile("/proc/sys/"+name, []byte(old), 0)
			}
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	}
}

// keepAbsent returns what removes a directory again that is not there now.
func keepAbsent(dir string) (restore func() error) {
	if _, err := os.Stat(dir); err == nil {
		return func() error { return nil }
	}
	return func() error { return os.RemoveAll(dir) }
}

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
	return errors.Join(append(errs, c.endShims(), removeGroups())...)
}

// endShims ends the processes that hold containers for our containerd, and for no other:
// each has its address among its arguments.
func (c *cluster) endShims() error {
	deadline := time.Now().Add(grace)
	for {
		pids := processesWith(c.containerd())
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

// processesWith returns the processes that have argument among their arguments.
func processesWith(argument string) []int {
	var found []int
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		args, _ := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
		if slices.Contains(strings.Split(string(args), "\x00"), argument) {
			found = append(found, pid)
		}
	}
	return found
}

func isShim(pid int) bool {
	exe, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.HasPrefix(string(exe), "containerd-shim")
}

// removeWork unmounts what was mounted beneath the cluster's directory, the last mount
// first, and removes it.
func (c *cluster) removeWork() error {
	mounts, err := mountsUnder(c.work)
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

// mountsUnder returns the mount points beneath dir, in the order of their mounting.
func mountsUnder(dir string) ([]string, error) {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	var mounts []string
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) > 4 && strings.HasPrefix(fields[4], dir+"/") {
			mounts = append(mounts, fields[4])
		}
	}
	return mounts, lines.Err()
}

// podGroups returns the control groups that a kubelet makes, one in each hierarchy.
func podGroups() []string {
	older, _ := filepath.Glob("/sys/fs/cgroup/*/kubepods")
	newer, _ := filepath.Glob("/sys/fs/cgroup/kubepods")
	return append(older, newer...)
}

// groupVersion says which kind of control groups the machine has.
func groupVersion() string {
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		return "v2"
	}
	return "v1"
}

// removeGroups removes the kubelet's control groups, the innermost first.
func removeGroups() error {
	var errs []error
	for _, top := range podGroups() {
		var groups []string
		errs = append(errs, filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				groups = append(groups, path)
			}
			return err
		}))
		for _, group := range slices.Backward(groups) {
			errs = append(errs, os.Remove(group))
		}
	}
	return errors.Join(errs...)
}
