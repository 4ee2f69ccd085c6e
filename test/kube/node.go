package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"carrier/test/kube/host"
	"carrier/test/kube/image"
)

// startContainerd starts a containerd of our own; another one on this machine is not
// touched.
func (c *cluster) startContainerd(ctx context.Context) error {
	config, err := c.configure("containerd.toml", "containerd.toml", nil)
	if err != nil {
		return err
	}
	if _, err := c.configure("cni.conflist", "cni/10-carrier.conflist", nil); err != nil {
		return err
	}
	if _, err := c.configure("registries.toml", "registries/_default/hosts.toml", nil); err != nil {
		return err
	}
	if err := c.launch("containerd", "containerd", "--config", config); err != nil {
		return err
	}
	c.undo = append(c.undo, c.removeContainers)
	return c.until(ctx, "containerd answers", func(ctx context.Context) error {
		_, err := c.ctr(ctx, "version")
		return err
	})
}

// ctr speaks to containerd, in the namespace that the kubelet uses.
func (c *cluster) ctr(ctx context.Context, args ...string) (string, error) {
	return output(ctx, append([]string{"ctr", "--address", c.containerd(), "--namespace", "k8s.io"}, args...)...)
}

// loadImages brings all images to the node but the worker's, which the scenarios hold
// back until they have seen what carrier does without it.
func (c *cluster) loadImages(ctx context.Context) error {
	for _, i := range images(c.bin) {
		if i.Name == workerImage {
			continue
		}
		if err := c.load(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

func (c *cluster) load(ctx context.Context, i image.Image) error {
	archive := filepath.Join(c.work, "image.tar")
	file, err := os.Create(archive)
	if err != nil {
		return err
	}
	if err := errors.Join(i.Write(file), file.Close()); err != nil {
		return err
	}
	_, err = c.ctr(ctx, "images", "import", archive)
	return err
}

// loadWorker brings the worker's image to the node.
func (c *cluster) loadWorker(ctx context.Context) error {
	for _, i := range images(c.bin) {
		if i.Name == workerImage {
			return c.load(ctx, i)
		}
	}
	return errors.New("there is no worker's image")
}

func (c *cluster) unloadWorker(ctx context.Context) error {
	_, err := c.ctr(ctx, "images", "remove", "--sync", workerImage)
	return err
}

// startKubelet starts the node. Its pods are deleted before it ends, so that it takes
// back what it has set up for them.
func (c *cluster) startKubelet(context.Context) error {
	c.undo = append(c.undo, host.KeepAbsent("/var/log/containers"), host.KeepAbsent("/var/lib/kubelet"), host.KeepAbsent("/var/lib/cni"))

	config, err := c.configure("kubelet.yaml", "kubelet.yaml", nil)
	if err != nil {
		return err
	}
	err = c.launch("kubelet", c.program("kubelet"), "--config", config,
		"--kubeconfig", filepath.Join(c.work, "node.kubeconfig"),
		"--root-dir", filepath.Join(c.work, "kubelet"), "--cert-dir", filepath.Join(c.work, "kubelet", "pki"),
		"--hostname-override", nodeName, "--node-ip", gateway, "--v", "3")
	c.undo = append(c.undo, c.deletePods)
	return err
}

// deletePods ends all that runs on the node.
func (c *cluster) deletePods() error {
	ctx, cancel := context.WithTimeout(context.Background(), waitTimeout)
	defer cancel()
	_, err := c.kubectl(ctx, "delete", "namespace", namespace, "--ignore-not-found", "--timeout", waitTimeout.String())
	return err
}

func (c *cluster) nodeReady(ctx context.Context) error {
	return c.until(ctx, "the node is ready", func(ctx context.Context) error {
		ready, err := c.kubectl(ctx, "get", "node", nodeName, "-o", `jsonpath={.status.conditions[?(@.type=="Ready")].status}`)
		if err == nil && ready != "True" {
			err = errors.New("it is not")
		}
		return err
	})
}

// printVersions says what the cluster is made of.
func (c *cluster) printVersions(ctx context.Context) error {
	node, err1 := c.kubectl(ctx, "get", "node", nodeName, "--output",
		"jsonpath={.status.nodeInfo.kubeletVersion}, {.status.nodeInfo.containerRuntimeVersion}, Linux {.status.nodeInfo.kernelVersion}, {.status.nodeInfo.osImage}")
	etcd, err2 := output(ctx, "etcd", "--version")
	runc, err3 := output(ctx, "runc", "--version")
	first := func(text string) string { line, _, _ := strings.Cut(text, "\n"); return line }
	fmt.Printf("   Kubernetes %s\n   %s; %s; control groups %s\n", node, first(etcd), first(runc), host.GroupVersion())
	return errors.Join(err1, err2, err3)
}
