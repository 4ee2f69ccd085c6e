package main

import (
	"context"
	"net"
	"path/filepath"
)

// startEtcd starts the store behind the API server. It speaks without TLS, on 127.0.0.1.
func (c *cluster) startEtcd(ctx context.Context) error {
	clients, err := freePort()
	if err != nil {
		return err
	}
	peers, err := freePort()
	if err != nil {
		return err
	}
	c.etcd = "http://" + clients
	if err := c.launch("etcd", "etcd", "--name", nodeName, "--data-dir", filepath.Join(c.work, "etcd"),
		"--listen-client-urls", c.etcd, "--advertise-client-urls", c.etcd,
		"--listen-peer-urls", "http://"+peers, "--initial-advertise-peer-urls", "http://"+peers,
		"--initial-cluster", nodeName+"=http://"+peers, "--unsafe-no-fsync"); err != nil {
		return err
	}
	return c.until(ctx, "etcd is healthy", func(ctx context.Context) error { return get(ctx, c.etcd+"/health") })
}

// startAPIServer starts it with the authorization of a real cluster, so that the kubelet
// may do what a kubelet may, and no more.
func (c *cluster) startAPIServer(ctx context.Context) error {
	address, err := freePort()
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	c.apiserver = "https://" + address
	key := func(name string) string { return filepath.Join(c.keys(), name) }
	if err := c.launch("kube-apiserver", c.program("kube-apiserver"),
		"--etcd-servers", c.etcd, "--bind-address", "127.0.0.1", "--secure-port", port,
		"--advertise-address", gateway, "--endpoint-reconciler-type", "none",
		"--service-cluster-ip-range", serviceNetwork, "--authorization-mode", "Node,RBAC",
		"--client-ca-file", key("ca.crt"), "--tls-cert-file", key("apiserver.crt"), "--tls-private-key-file", key("apiserver.key"),
		"--kubelet-client-certificate", key("admin.crt"), "--kubelet-client-key", key("admin.key"),
		"--kubelet-certificate-authority", key("ca.crt"), "--kubelet-preferred-address-types", "InternalIP",
		"--service-account-issuer", "https://carrier-kube.invalid",
		"--service-account-key-file", key("accounts.crt"), "--service-account-signing-key-file", key("accounts.key"),
	); err != nil {
		return err
	}
	for _, user := range []string{"admin", "node"} {
		if _, err := c.configure("kubeconfig.yaml", user+".kubeconfig", map[string]string{"USER_NAME": user}); err != nil {
			return err
		}
	}
	return c.until(ctx, "the API server is ready", func(ctx context.Context) error {
		_, err := c.kubectl(ctx, "get", "--raw", "/readyz")
		return err
	})
}

// startControllers starts what makes pods of a Deployment, and gives them to the node.
func (c *cluster) startControllers(context.Context) error {
	admin := filepath.Join(c.work, "admin.kubeconfig")
	if err := c.launch("kube-scheduler", c.program("kube-scheduler"),
		"--kubeconfig", admin, "--leader-elect=false", "--secure-port=0"); err != nil {
		return err
	}
	return c.launch("kube-controller-manager", c.program("kube-controller-manager"),
		"--kubeconfig", admin, "--leader-elect=false", "--secure-port=0",
		"--service-account-private-key-file", filepath.Join(c.keys(), "accounts.key"),
		"--root-ca-file", filepath.Join(c.keys(), "ca.crt"))
}
