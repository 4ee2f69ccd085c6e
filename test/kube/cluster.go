package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"carrier/test/kube/host"
	"carrier/test/kube/keys"
)

// What the cluster's parts are called, and where they are. The bridge joins the pods to
// this machine and to nothing else.
const (
	bridge         = "carrier-kube"
	gateway        = "10.157.9.1"
	podNetwork     = "10.157.9.0/24"
	serviceNetwork = "10.157.10.0/24"
	nodeName       = "carrier-kube"
	namespace      = "orders"
	sandboxImage   = "localhost/pause:carrier-kube"
	workerImage    = "localhost/carrier-worker:dev"
)

// configs are the parts' configuration files; $NAME in them stands for a value.
//
//go:embed config
var configs embed.FS

// A cluster is one node with its control plane. up brings it up, down takes it down
// wherever up has got to.
type cluster struct {
	root, bin string // the repository, and what was built of it
	work      string // everything that the cluster writes; removed with it
	logs      string // what the parts have said; kept

	etcd, apiserver string // their URLs
	programs        []*program
	undo            []func() error // the last one first
}

// up starts the parts, each when the one that it needs answers, and waits for the node.
func (c *cluster) up(ctx context.Context) error {
	fmt.Println("== starting the cluster")
	if err := errors.Join(os.RemoveAll(c.logs), os.MkdirAll(c.logs, 0o755)); err != nil {
		return err
	}
	c.undo = append(c.undo, c.removeWork, host.KeepSettings())
	for _, step := range []func(context.Context) error{
		c.makeBridge, c.issueKeys, c.startEtcd, c.startAPIServer, c.startControllers, c.startContainerd,
		c.loadImages, c.startKubelet, c.nodeReady, c.makeNamespace,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return c.printVersions(ctx)
}

// down undoes what was done. It goes on after a failure: the rest is to be undone too.
func (c *cluster) down() error {
	fmt.Println("== taking the cluster down")
	var errs []error
	for len(c.undo) > 0 {
		last := len(c.undo) - 1
		errs = append(errs, c.undo[last]())
		c.undo = c.undo[:last]
	}
	return errors.Join(errs...)
}

// launch starts a part of the cluster, which ends with it.
func (c *cluster) launch(name string, command ...string) error {
	p, err := start(c.logs, name, command...)
	if err != nil {
		return err
	}
	c.programs = append(c.programs, p)
	c.undo = append(c.undo, p.stop)
	return nil
}

// until waits for something in the cluster, and no longer once a part of it has ended.
func (c *cluster) until(ctx context.Context, what string, answer func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	return await(ctx, what, func(ctx context.Context) error {
		for _, p := range c.programs {
			if err := p.over(); err != nil {
				cancel(err)
			}
		}
		return answer(ctx)
	})
}

// configure writes the configuration file name, with the values put in, into work.
func (c *cluster) configure(name, to string, more map[string]string) (path string, err error) {
	text, err := configs.ReadFile("config/" + name)
	if err != nil {
		return "", err
	}
	values := map[string]string{
		"WORK": c.work, "KEYS": c.keys(), "CONTAINERD": c.containerd(), "CNI_PLUGINS": cniPlugins,
		"BRIDGE": bridge, "GATEWAY": gateway, "POD_NETWORK": podNetwork, "SANDBOX_IMAGE": sandboxImage,
		"APISERVER": c.apiserver, "NODE": nodeName, "NAMESPACE": namespace,
	}
	path = filepath.Join(c.work, to)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	filled := os.Expand(string(text), func(name string) string { return values[name] + more[name] })
	return path, os.WriteFile(path, []byte(filled), 0o600)
}

func (c *cluster) keys() string       { return filepath.Join(c.work, "keys") }
func (c *cluster) containerd() string { return filepath.Join(c.work, "containerd.sock") }
func (c *cluster) program(name string) string {
	return filepath.Join(c.bin, name)
}

// freePort is a port of 127.0.0.1 that nobody listens on.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it asks nobody
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}

// makeBridge makes the network between this machine and the pods.
func (c *cluster) makeBridge(ctx context.Context) error {
	c.undo = append(c.undo, func() error {
		_, err := output(context.Background(), "ip", "link", "delete", bridge)
		return err
	})
	for _, args := range []string{
		"link add " + bridge + " type bridge",
		"address add " + gateway + "/24 dev " + bridge,
		"link set " + bridge + " up",
	} {
		if _, err := output(ctx, append([]string{"ip"}, strings.Fields(args)...)...); err != nil {
			return err
		}
	}
	return nil
}

// issueKeys lets the parts know one another: the administrator, who everything but the
// kubelet speaks as, the node, the API server at the kubelet, and the two servers.
func (c *cluster) issueKeys(context.Context) error {
	a, err := keys.NewAuthority(c.keys())
	if err != nil {
		return err
	}
	return errors.Join(
		a.Client("admin", "carrier-kube", "system:masters"),
		a.Client("node", "system:node:"+nodeName, "system:nodes"),
		a.Server("apiserver", "127.0.0.1"),
		a.Server("kubelet-server", gateway),
		a.Signer("accounts"))
}
