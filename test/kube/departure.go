package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A departure is how a pod went, seen by its own log, the kubelet's and the API server.
type departure struct {
	deleted time.Time // when the deletion was asked for
	lines   []line    // what the containers said, and the kubelet was told, in their order
	last    pod       // as the API server knew it last
}

// deletePod deletes a pod and returns when it is gone. ready is called when everything
// is in place to see it go, and before it does.
func (c *cluster) deletePod(ctx context.Context, p pod, ready func(context.Context) error) (departure, error) {
	name := p.Metadata.Name
	var d departure
	logs := map[string]*program{}
	for _, container := range []string{"carrier", "worker"} {
		follow, err := start(c.logs, name+"-"+container,
			c.kubectlCommand("logs", "--follow", "--timestamps", name, "--container", container)...)
		if err != nil {
			return d, err
		}
		defer func() { _ = follow.stop() }()
		logs[container] = follow
	}
	watch, err := start(c.logs, name+"-watch", c.kubectlCommand("get", "pod", name, "--watch", "--output", "json")...)
	if err != nil {
		return d, err
	}
	defer func() { _ = watch.stop() }()
	if err := ready(ctx); err != nil {
		return d, err
	}
	d.deleted = time.Now()
	if _, err := c.kubectl(ctx, "delete", "pod", name, "--wait=false"); err != nil {
		return d, err
	}
	if err := c.gone(ctx, name, logs); err != nil {
		return d, err
	}
	_ = watch.stop() // it never ends by itself
	return d, d.read(c, name)
}

// gone waits until a pod is deleted, and until its logs have been read to their ends.
func (c *cluster) gone(ctx context.Context, name string, logs map[string]*program) error {
	return c.until(ctx, name+" is gone", func(ctx context.Context) error {
		out, err := c.kubectl(ctx, "get", "pod", name, "--ignore-not-found", "--output", "name")
		if err == nil && out != "" {
			err = errors.New("it is there")
		}
		for container, follow := range logs {
			if err == nil && follow.over() == nil {
				err = fmt.Errorf("%s still writes", container)
			}
		}
		return err
	})
}

// read puts the departure together from what was written down.
func (d *departure) read(c *cluster, name string) error {
	for _, container := range []string{"carrier", "worker"} {
		text, err := os.ReadFile(filepath.Join(c.logs, name+"-"+container+".log"))
		if err != nil {
			return err
		}
		d.lines = append(d.lines, parseLines(container, string(text))...)
	}
	said, err := os.ReadFile(filepath.Join(c.logs, "kubelet.log"))
	if err != nil {
		return err
	}
	d.lines = append(d.lines, kubeletLines(name, string(said), d.deleted)...)
	file, err := os.Open(filepath.Join(c.logs, name+"-watch.log"))
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	if err := d.readStates(file); err != nil {
		return fmt.Errorf("reading how %s went: %w", name, err)
	}
	return nil
}

// readStates keeps the last state of those that the API server told, one after the other.
func (d *departure) readStates(from io.Reader) error {
	states := json.NewDecoder(from)
	for {
		var p pod
		switch err := states.Decode(&p); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		d.last = p
	}
}

// kubeletLines reads what a kubelet's log says of a pod. Its times have neither a year
// nor a zone: they are about as old as now.
func kubeletLines(pod, text string, now time.Time) []line {
	var lines []line
	for l := range strings.Lines(text) {
		if len(l) < 22 || !strings.Contains(l, pod) {
			continue
		}
		stamp := fmt.Sprint(now.Year()) + l[1:21]
		if at, err := time.ParseInLocation("20060102 15:04:05.000000", stamp, now.Location()); err == nil {
			lines = append(lines, line{at, "kubelet", strings.TrimSpace(l[21:])})
		}
	}
	return lines
}

// A line is one that a container or the kubelet has written.
type line struct {
	at         time.Time
	from, text string
}

// parseLines reads what `kubectl logs --timestamps` prints.
func parseLines(from, text string) []line {
	var lines []line
	for l := range strings.Lines(text) {
		stamp, said, _ := strings.Cut(strings.TrimRight(l, "\n"), " ")
		if at, err := time.Parse(time.RFC3339Nano, stamp); err == nil {
			lines = append(lines, line{at, from, said})
		}
	}
	return lines
}
