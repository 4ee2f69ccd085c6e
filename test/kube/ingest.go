package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// The example's own numbers, and how many messages are more than it works on at the same time.
const (
	exampleConcurrency = 4
	exampleMessages    = exampleConcurrency + 2
)

// playIngest applies examples/kubernetes/pod.yaml as it is, gives it messages through a
// port-forward, and deletes the pod while it works on some and others wait in its queue.
func playIngest(ctx context.Context, c *cluster) error {
	if err := c.applyExample(ctx); err != nil {
		return err
	}
	if err := c.startsInOrder(ctx, "app=orders"); err != nil {
		return err
	}
	if err := c.loadWorker(ctx); err != nil {
		return err
	}
	old, err := c.podWhere(ctx, "the pod is ready", "app=orders", ready("carrier", "worker"))
	if err != nil {
		return err
	}
	var ids []string
	d, err := c.deletePod(ctx, old, func(ctx context.Context) error {
		if ids, err = c.ingest(ctx, exampleMessages); err != nil {
			return err
		}
		return c.worksOn(ctx, old, exampleConcurrency)
	})
	if err != nil {
		return err
	}
	d.print()
	posted := ledger{}
	posted.add(d.lines)
	if err := c.successorDoes(ctx, "app=orders", posted, len(ids)); err != nil {
		return err
	}
	fmt.Printf("   %d messages were stored, %d in flight at the deletion; each was posted once\n", len(ids), exampleConcurrency)
	_, err = c.kubectl(ctx, "delete", "deployment/orders", "persistentvolumeclaim/orders", "persistentvolume/disk", "--wait")
	return errors.Join(err, c.unloadWorker(ctx), posted.exactlyOnce(ids), d.ended(),
		d.inOrder(drainBegins, settled, workerTold, workerEnds, carrierTold, carrierEnds))
}

// applyExample applies the example to a cluster that has a disk for it. Its worker takes
// some seconds for each message, so that there is something in flight.
func (c *cluster) applyExample(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Join(c.work, "disk"), 0o755); err != nil {
		return err
	}
	volume, err := c.configure("volume.yaml", "volume.yaml", nil)
	if err != nil {
		return err
	}
	changed, err := c.configure("kustomization.yaml", "example/kustomization.yaml", map[string]string{"WORKER_DELAY": workerDelay})
	if err != nil {
		return err
	}
	example, err := os.ReadFile(filepath.Join(c.root, "examples", "kubernetes", "pod.yaml"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(changed), "pod.yaml"), example, 0o600); err != nil {
		return err
	}
	_, err = c.kubectl(ctx, "apply", "--filename", volume)
	if err != nil {
		return err
	}
	_, err = c.kubectl(ctx, "apply", "--kustomize", filepath.Dir(changed))
	return err
}

// ingest posts messages through a port-forward and returns their ids.
func (c *cluster) ingest(ctx context.Context, count int) (ids []string, err error) {
	forward, err := start(c.logs, "port-forward", c.kubectlCommand("port-forward", "deployment/orders", ":8080")...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = forward.stop() }()
	var address string
	if err := c.until(ctx, "the port is forwarded", func(context.Context) error {
		text, err := os.ReadFile(filepath.Join(c.logs, "port-forward.log"))
		if err != nil {
			return err
		}
		if address = regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(string(text)); address == "" {
			return fmt.Errorf("it says %q", text)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	for n := range count {
		id, err := store(ctx, "http://"+address, n)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// store posts one message to carrier's ingest.
func store(ctx context.Context, url string, n int) (id string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(fmt.Sprintf(`{"order":%d}`, n)))
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return "", errors.New("a message is answered with " + resp.Status)
	}
	var stored struct {
		ID string `json:"id"`
	}
	return stored.ID, json.NewDecoder(resp.Body).Decode(&stored)
}
