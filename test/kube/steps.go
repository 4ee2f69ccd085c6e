package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// workerDelay is how many seconds the worker takes for a message.
const workerDelay = "10"

// startsInOrder sees carrier up while the worker is held back, by an image that is not
// on the node, and that carrier receives nothing then.
func (c *cluster) startsInOrder(ctx context.Context, selector string) error {
	p, err := c.podWhere(ctx, "carrier has started", selector, func(p pod) error {
		if why := running("carrier")(p); why != nil {
			return why
		}
		return heldBack(p)
	})
	if err != nil {
		return err
	}
	admin := "http://" + p.Status.PodIP + ":9010"
	if err := c.until(ctx, "carrier knows that there is no worker", func(ctx context.Context) error {
		up, err := metric(ctx, admin, "carrier_worker_up")
		if err == nil && up != 0 {
			err = errors.New("it takes it for there")
		}
		return err
	}); err != nil {
		return err
	}
	for _, name := range []string{`carrier_source_calls_total{operation="receive"}`, "carrier_messages_received_total", "carrier_messages_in_flight"} {
		n, err := metric(ctx, admin, name)
		if err != nil {
			return err
		}
		if n != 0 {
			return fmt.Errorf("without a worker, %s is %v", name, n)
		}
	}
	if get(ctx, admin+"/readyz") == nil {
		return errors.New("carrier says that it is ready, without a worker")
	}
	fmt.Println("   carrier is up, the worker is not: nothing received, not ready")
	return nil
}

// heldBack says why the worker is not waiting for its image.
func heldBack(p pod) error {
	waiting := p.container("worker").State.Waiting
	if waiting == nil || (waiting.Reason != "ErrImagePull" && waiting.Reason != "ImagePullBackOff") {
		return fmt.Errorf("the worker does not wait for its image: %+v", waiting)
	}
	return nil
}

// metric reads the sum of one of carrier's metrics; name may begin a label set.
func metric(ctx context.Context, admin, name string) (sum float64, err error) {
	text, err := fetch(ctx, admin+"/metrics")
	if err != nil {
		return 0, err
	}
	lines := regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(name)+`(?:\{[^}]*\})? (\S+)$`).FindAllStringSubmatch(text, -1)
	if len(lines) == 0 {
		return 0, fmt.Errorf("carrier has no metric %s", name)
	}
	for _, l := range lines {
		n, err := strconv.ParseFloat(l[1], 64)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// worksOn waits until the worker of a pod has begun to work on so many messages.
func (c *cluster) worksOn(ctx context.Context, p pod, count int) error {
	return c.until(ctx, "the worker has messages in flight", func(ctx context.Context) error {
		said, err := c.kubectl(ctx, "logs", p.Metadata.Name, "--container", "worker")
		if n := strings.Count(said, "worker: POST "); err == nil && n < count {
			err = fmt.Errorf("it has had %d of %d", n, count)
		}
		return err
	})
}

// successorDoes waits until the pod that came in another's place has finished the rest of
// count messages, and adds what it did to posted.
func (c *cluster) successorDoes(ctx context.Context, selector string, posted ledger, count int) error {
	next, err := c.podWhere(ctx, "there is another pod", selector, ready("carrier", "worker"))
	if err != nil {
		return err
	}
	admin := "http://" + next.Status.PodIP + ":9010"
	rest := float64(count - len(posted))
	if err := c.until(ctx, "the next pod has done the rest", func(ctx context.Context) error {
		n, err := metric(ctx, admin, "carrier_messages_settled_total")
		if err == nil && n < rest {
			err = fmt.Errorf("it has settled %v of %v", n, rest)
		}
		return err
	}); err != nil {
		return err
	}
	said, err := c.kubectl(ctx, "logs", next.Metadata.Name, "--timestamps", "--container", "worker")
	posted.add(parseLines("worker", said))
	return err
}
