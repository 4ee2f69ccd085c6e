package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// A pod is as much of one as is asked for here.
type pod struct {
	Metadata struct {
		Name              string     `json:"name"`
		DeletionTimestamp *time.Time `json:"deletionTimestamp"`
	} `json:"metadata"`
	Status struct {
		PodIP                 string      `json:"podIP"`
		InitContainerStatuses []container `json:"initContainerStatuses"`
		ContainerStatuses     []container `json:"containerStatuses"`
	} `json:"status"`
}

// A container is what the kubelet says of one.
type container struct {
	Name         string `json:"name"`
	Ready        bool   `json:"ready"`
	Started      bool   `json:"started"`
	RestartCount int    `json:"restartCount"`
	State        struct {
		Running *struct{} `json:"running"`
		Waiting *struct {
			Reason string `json:"reason"`
		} `json:"waiting"`
		Terminated *struct {
			ExitCode int    `json:"exitCode"`
			Reason   string `json:"reason"`
		} `json:"terminated"`
	} `json:"state"`
}

// container returns the one called name, of whichever kind; the zero value while the
// kubelet does not speak of it.
func (p pod) container(name string) container {
	for _, c := range append(p.Status.InitContainerStatuses, p.Status.ContainerStatuses...) {
		if c.Name == name {
			return c
		}
	}
	return container{}
}

// pods returns the pods that a label selects.
func (c *cluster) pods(ctx context.Context, selector string) ([]pod, error) {
	out, err := c.kubectl(ctx, "get", "pods", "--selector", selector, "--output", "json")
	if err != nil {
		return nil, err
	}
	var list struct {
		Items []pod `json:"items"`
	}
	return list.Items, json.Unmarshal([]byte(out), &list)
}

// podWhere waits for a pod of selector that is not about to go and that holds.
func (c *cluster) podWhere(ctx context.Context, what, selector string, holds func(pod) error) (found pod, err error) {
	err = c.until(ctx, what, func(ctx context.Context) error {
		pods, err := c.pods(ctx, selector)
		if err != nil {
			return err
		}
		why := errors.New("there is no pod")
		for _, p := range pods {
			if p.Metadata.DeletionTimestamp != nil {
				continue
			}
			if why = holds(p); why == nil {
				found = p
				return nil
			}
		}
		return why
	})
	return found, err
}

// running says why a pod does not have all these containers running and started.
func running(names ...string) func(pod) error {
	return func(p pod) error {
		for _, name := range names {
			if c := p.container(name); c.State.Running == nil || !c.Started {
				return fmt.Errorf("%s: %s has not started", p.Metadata.Name, name)
			}
		}
		return nil
	}
}

// ready says why a pod does not have all these containers ready.
func ready(names ...string) func(pod) error {
	return func(p pod) error {
		for _, name := range names {
			if !p.container(name).Ready {
				return fmt.Errorf("%s: %s is not ready", p.Metadata.Name, name)
			}
		}
		return nil
	}
}
