package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"carrier/test/kube/host"
)

// cniPlugins is where Debian's containernetworking-plugins puts them.
const cniPlugins = "/usr/lib/cni"

// lookForNeeds reports everything that is missing together, each with where it is had.
func lookForNeeds() error {
	var missing []error
	if os.Geteuid() != 0 {
		missing = append(missing, errors.New("root: a kubelet mounts, and makes control groups and network namespaces"))
	}
	for program, source := range map[string]string{
		"go": "https://go.dev/dl", "etcd": "apt-get install etcd-server",
		"containerd": "apt-get install containerd", "ctr": "apt-get install containerd",
		"runc": "apt-get install runc", "ip": "apt-get install iproute2",
		"mount": "apt-get install mount",
	} {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, fmt.Errorf("%s: %s", program, source))
		}
	}
	for _, plugin := range []string{"bridge", "host-local", "loopback"} {
		if _, err := os.Stat(filepath.Join(cniPlugins, plugin)); err != nil {
			missing = append(missing, fmt.Errorf("%s/%s: apt-get install containernetworking-plugins", cniPlugins, plugin))
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("this is missing:\n%w", errors.Join(missing...))
	}
	return lookForOthers()
}

// lookForOthers refuses a machine where another kubelet runs, or a part of an earlier
// run is left: both would be disturbed.
func lookForOthers() error {
	if groups := host.PodGroups(); len(groups) > 0 {
		return fmt.Errorf("%s is there: another kubelet runs here, or has left it", groups[0])
	}
	if _, err := net.InterfaceByName(bridge); err == nil {
		return fmt.Errorf("the interface %s is there, of an earlier run: ip link delete %s", bridge, bridge)
	}
	return nil
}
