// Package host is what a kubelet changes on the machine it runs on, and how that is undone.
package host

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// settings is what a kubelet and the plugin for bridges set in the kernel.
func settings() []string {
	return []string{
		"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
		"kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
		"net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding",
	}
}

// KeepSettings remembers the kernel's settings and returns what sets them back.
func KeepSettings() (restore func() error) {
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

// KeepAbsent returns what removes a directory again that is not there now.
func KeepAbsent(dir string) (restore func() error) {
	if _, err := os.Stat(dir); err == nil {
		return func() error { return nil }
	}
	return func() error { return os.RemoveAll(dir) }
}

// ProcessesWith returns the processes that have argument among their arguments.
func ProcessesWith(argument string) []int {
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

// MountsUnder returns the mount points beneath dir, in the order of their mounting.
func MountsUnder(dir string) ([]string, error) {
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

// PodGroups returns the control groups that a kubelet makes, one in each hierarchy.
func PodGroups() []string {
	older, _ := filepath.Glob("/sys/fs/cgroup/*/kubepods")
	newer, _ := filepath.Glob("/sys/fs/cgroup/kubepods")
	return append(older, newer...)
}

// GroupVersion says which kind of control groups the machine has.
func GroupVersion() string {
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		return "v2"
	}
	return "v1"
}

// RemoveGroups removes the kubelet's control groups, the innermost first.
func RemoveGroups() error {
	var errs []error
	for _, top := range PodGroups() {
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
