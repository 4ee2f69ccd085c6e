package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
)

// The SQS server, on the bridge, where the pods reach it.
const (
	sqsAddress = gateway + ":9324"
	sqsQueue   = "orders"
)

// How many messages the chart's carrier has in flight at the deletion, and how many there are.
const (
	chartConcurrency = 2
	chartMessages    = chartConcurrency + 4
)

// A variant is a way to install the chart.
type variant struct {
	set    []string // Helm values
	secret []string // made before, for kubectl create secret generic
	order  []moment // how the pod is to go
}

// playSQS installs the chart while messages wait in the queue and the worker is held
// back, lets the worker start, and deletes the pod while messages are in flight.
func playSQS(ctx context.Context, c *cluster, v variant) (err error) {
	sqs, err := start(c.logs, "devsqs", c.program("devsqs"), "-address", sqsAddress, "-queues", sqsQueue)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sqs.stop()) }()
	ids, err := c.send(ctx, chartMessages)
	if err != nil {
		return err
	}
	if err := c.install(ctx, v); err != nil {
		return err
	}
	const selector = "app.kubernetes.io/instance=orders"
	if err := c.startsInOrder(ctx, selector); err != nil {
		return err
	}
	if err := waiting(ctx, len(ids)); err != nil {
		return fmt.Errorf("before the worker answers: %w", err)
	}
	if err := c.loadWorker(ctx); err != nil {
		return err
	}
	old, err := c.podWhere(ctx, "the pod is ready", selector, ready("carrier", "worker"))
	if err != nil {
		return err
	}
	d, err := c.deletePod(ctx, old, func(ctx context.Context) error { return c.worksOn(ctx, old, chartConcurrency) })
	if err != nil {
		return err
	}
	d.print()
	posted := ledger{}
	posted.add(d.lines)
	inFlight := len(posted)
	if err := c.successorDoes(ctx, selector, posted, len(ids)); err != nil {
		return err
	}
	if err := c.until(ctx, "the queue is empty", func(ctx context.Context) error { return waiting(ctx, 0) }); err != nil {
		return err
	}
	fmt.Printf("   %d messages: %d posted by the pod that went, the rest by the next one, each once; the queue is empty\n", len(ids), inFlight)
	return errors.Join(c.uninstall(ctx, v), posted.exactlyOnce(ids), d.ended(), d.inOrder(v.order...))
}

// install installs the chart as the release orders.
func (c *cluster) install(ctx context.Context, v variant) error {
	if len(v.secret) > 0 {
		if _, err := c.kubectl(ctx, append([]string{"create", "secret", "generic"}, v.secret...)...); err != nil {
			return err
		}
	}
	values, err := c.configure("values.yaml", "values.yaml", map[string]string{"WORKER_DELAY": workerDelay, "SQS": sqsAddress})
	if err != nil {
		return err
	}
	args := []string{"install", "orders", filepath.Join(c.root, "charts", "carrier"), "--values", values}
	for _, value := range v.set {
		args = append(args, "--set", value)
	}
	_, err = c.helm(ctx, args...)
	return err
}

// uninstall removes the release, and waits until its pods are gone.
func (c *cluster) uninstall(ctx context.Context, v variant) error {
	_, err := c.helm(ctx, "uninstall", "orders")
	errs := []error{err}
	if len(v.secret) > 0 {
		_, err := c.kubectl(ctx, "delete", "secret", v.secret[0])
		errs = append(errs, err)
	}
	_, err = c.kubectl(ctx, "wait", "pods", "--all", "--for", "delete", "--timeout", waitTimeout.String())
	return errors.Join(append(errs, err, c.unloadWorker(ctx))...)
}

func (c *cluster) helm(ctx context.Context, args ...string) (string, error) {
	common := []string{c.program("helm"), "--kubeconfig", filepath.Join(c.work, "admin.kubeconfig"), "--namespace", namespace}
	return output(ctx, append(common, args...)...)
}

// send sends messages to the queue and returns their ids.
func (c *cluster) send(ctx context.Context, count int) (ids []string, err error) {
	endpoint := "http://" + sqsAddress
	if err := c.until(ctx, "the SQS server answers", func(ctx context.Context) error { return get(ctx, endpoint+"/health") }); err != nil {
		return nil, err
	}
	for n := range count {
		id, err := output(ctx, c.program("devsqs"), "send", "-endpoint", endpoint, "-queue", sqsQueue, fmt.Sprintf(`{"order":%d}`, n))
		if err != nil {
			return nil, err
		}
		ids = append(ids, strings.TrimSpace(id))
	}
	return ids, nil
}

// waiting fails unless so many messages are in the queue and none of them is in flight.
func waiting(ctx context.Context, count int) error {
	const ask = `{"QueueUrl":"http://` + sqsAddress + `/000000000000/` + sqsQueue + `","AttributeNames":["All"]}`
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+sqsAddress, strings.NewReader(ask))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "AmazonSQS.GetQueueAttributes")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var queue struct {
		Attributes struct {
			Visible  string `json:"ApproximateNumberOfMessages"`
			InFlight string `json:"ApproximateNumberOfMessagesNotVisible"`
		}
	}
	if err := json.Unmarshal(body, &queue); err != nil {
		return fmt.Errorf("the queue's attributes: %w: %s", err, body)
	}
	if a := queue.Attributes; a.Visible != fmt.Sprint(count) || a.InFlight != "0" {
		return fmt.Errorf("the queue has %q messages and %q in flight, not %d and 0", a.Visible, a.InFlight, count)
	}
	return nil
}
