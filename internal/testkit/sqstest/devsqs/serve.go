package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	"carrier/internal/testkit/sqstest"
)

// serve answers until ctx ends.
func (p program) serve(ctx context.Context, args []string) error {
	f := p.flags("devsqs")
	address := f.String("address", p.env("DEVSQS_ADDRESS", defaultAddress), "where to listen")
	names := f.String("queues", p.getenv("DEVSQS_QUEUES"), "queues to create, separated by commas; a name that ends in .fifo is a FIFO queue")
	redrive := f.String("redrive", p.env("DEVSQS_REDRIVE", "0"), "receives after which a message goes to the queue's dead letters, NAME-dead; 0 is never")
	if err := parse(f, args); err != nil {
		return err
	}
	most, err := strconv.Atoi(*redrive)
	if err != nil || most < 0 || most > 1000 {
		return usageError(fmt.Sprintf("redrive is %q; it is 0 to 1000", *redrive))
	}
	s := sqstest.New(sqstest.Options{})
	var made []string
	for name := range strings.SplitSeq(*names, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if err := create(s, name, most); err != nil {
			return usageError(fmt.Sprintf("queue %q: %v", name, err))
		}
		made = append(made, name)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", *address)
	if err != nil {
		return err
	}
	defer sqstest.Serve(l, pages(s))()
	endpoint := "http://" + l.Addr().String()
	_, _ = fmt.Fprintf(p.stdout, "devsqs: listening at %s, queues: %s\n", endpoint, strings.Join(made, " "))
	<-ctx.Done()
	return nil
}

// create makes a queue, and its dead-letter queue where there is to be one.
func create(s *sqstest.Server, name string, most int) error {
	attrs := map[string]string{}
	base, fifo := strings.CutSuffix(name, ".fifo")
	if fifo {
		attrs["ContentBasedDeduplication"] = "true" // a message sent by hand needs no id then
	}
	if most > 0 {
		dead := base + "-dead"
		if fifo {
			dead += ".fifo"
		}
		q, err := s.CreateQueue(dead, nil)
		if err != nil {
			return err
		}
		attrs["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, q.ARN(), most)
	}
	_, err := s.CreateQueue(name, attrs)
	return err
}
