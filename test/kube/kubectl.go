package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
)

// kubectl runs one command of it as the administrator, in the scenarios' namespace.
func (c *cluster) kubectl(ctx context.Context, args ...string) (string, error) {
	return output(ctx, c.kubectlCommand(args...)...)
}

func (c *cluster) kubectlCommand(args ...string) []string {
	return append([]string{c.program("kubectl"), "--kubeconfig", filepath.Join(c.work, "admin.kubeconfig")}, args...)
}

// makeNamespace makes the namespace with the Pod Security Standard `restricted`
// enforced, so that the API server refuses a pod outside of it.
func (c *cluster) makeNamespace(ctx context.Context) error {
	if _, err := c.kubectl(ctx, "create", "namespace", namespace); err != nil {
		return err
	}
	_, err := c.kubectl(ctx, "label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
	return err
}

// keepState writes what the cluster knows beside the logs, for whoever looks for a fault,
// also when ctx has ended.
func (c *cluster) keepState(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	state, err := c.kubectl(ctx, "get", "events,pods,deployments,replicasets", "--output", "yaml")
	return errors.Join(err, os.WriteFile(filepath.Join(c.logs, "state.yaml"), []byte(state), 0o600))
}

// get fails unless url answers 200.
func get(ctx context.Context, url string) error {
	_, err := fetch(ctx, url)
	return err
}

// fetch returns what url answers, and an error unless it is a 200.
func fetch(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return string(body), err
}
