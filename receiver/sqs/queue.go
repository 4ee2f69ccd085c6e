package sqs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"carrier/receiver"
	"carrier/receiver/preflight"
)

// shortestLease is the shortest visibility timeout of a queue that is taken over:
// below it a message comes back while it is being renewed. fallbackLease is what is
// asked for instead, and where the queue's own is not known; it is SQS's default.
const (
	shortestLease = 3 * time.Second
	fallbackLease = 30 * time.Second
)

// A queue is what is known of the queue once it was found.
type queue struct {
	url, name string
	account   string // empty where the attributes could not be read
	// fifo is told by the name: AWS reserves .fifo for them.
	fifo bool
	// lease is asked for at every receive, so that SQS and carrier mean the same.
	lease      time.Duration
	attributes map[string]string // nil where they could not be read
	deadLetter deadLetterQueue
}

// find looks for the queue that o names, its attributes, and its dead-letter queue.
func (c *client) find(ctx context.Context, o Options) (queue, []preflight.Notice, error) {
	address, err := c.queueURL(ctx, o)
	if err != nil {
		return queue{}, nil, err
	}
	q := queue{url: address, name: path.Base(address)}
	q.fifo = strings.HasSuffix(q.name, ".fifo")
	var notices []preflight.Notice
	q.attributes, err = c.attributes(ctx, address)
	switch receiver.ClassOf(err) {
	case receiver.Denied, receiver.Invalid: // not so for a nil error, whose class is Other
		notices = append(notices, preflight.Notice{Text: "the queue's attributes may not be read: going on without", Err: err})
	default:
		if err != nil {
			return queue{}, nil, fmt.Errorf("queue %s: %w", q.name, err)
		}
	}
	q.account = accountOf(q.attributes["QueueArn"])
	lease, more := leaseFor(o, q.attributes)
	q.lease = lease
	notices = append(notices, more...)
	q.deadLetter, more, err = c.findDeadLetter(ctx, q, o.DeadLetterQueueURL)
	return q, append(notices, more...), err
}

// queueURL returns the queue's address, asking for it where only the name is known.
func (c *client) queueURL(ctx context.Context, o Options) (string, error) {
	if o.QueueURL == "" {
		return c.lookUp(ctx, o.QueueName, o.QueueOwner)
	}
	u, err := url.Parse(o.QueueURL)
	if err == nil && (u.Host == "" || path.Base(u.Path) == "/" || path.Base(u.Path) == ".") {
		err = fmt.Errorf("%q is no queue URL", o.QueueURL)
	}
	if err != nil {
		return "", &receiver.Error{Operation: opConfigure, Class: receiver.Invalid, Err: err}
	}
	return o.QueueURL, nil
}

// lookUp asks for the URL of a queue by its name; owner may be empty.
func (c *client) lookUp(ctx context.Context, name, owner string) (string, error) {
	if name == "" {
		err := errors.New("neither a queue name nor a queue URL is given")
		return "", &receiver.Error{Operation: opConfigure, Class: receiver.Invalid, Err: err}
	}
	in := &awssqs.GetQueueUrlInput{QueueName: &name}
	if owner != "" {
		in.QueueOwnerAWSAccountId = &owner
	}
	out, err := do(ctx, c, opGetURL, func(ctx context.Context) (*awssqs.GetQueueUrlOutput, error) {
		return c.api.GetQueueUrl(ctx, in)
	})
	if err != nil {
		return "", fmt.Errorf("queue %s: %w", name, err)
	}
	return aws.ToString(out.QueueUrl), nil
}

func (c *client) attributes(ctx context.Context, address string) (map[string]string, error) {
	in := &awssqs.GetQueueAttributesInput{
		QueueUrl: &address,
		// All, since asking a standard queue for FifoQueue by name is an error on some servers.
		AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	}
	out, err := do(ctx, c, opGetAttributes, func(ctx context.Context) (*awssqs.GetQueueAttributesOutput, error) {
		return c.api.GetQueueAttributes(ctx, in)
	})
	if err != nil {
		return nil, err
	}
	return out.Attributes, nil
}

// leaseFor returns the lease to ask for: the configured one, else the queue's own,
// else one that works.
func leaseFor(o Options, attributes map[string]string) (time.Duration, []preflight.Notice) {
	if o.VisibilityTimeout > 0 {
		return time.Duration(wholeSeconds(o.VisibilityTimeout)) * time.Second, nil
	}
	own, err := strconv.Atoi(attributes["VisibilityTimeout"])
	lease := time.Duration(own) * time.Second
	switch {
	case attributes == nil:
		return fallbackLease, []preflight.Notice{{Text: fmt.Sprintf("the queue's visibility timeout is not known: asking for %s", fallbackLease)}}
	case err != nil || lease < shortestLease:
		return fallbackLease, []preflight.Notice{{Text: fmt.Sprintf("the queue's visibility timeout is %s, too short to be renewed: asking for %s", lease, fallbackLease)}}
	}
	return min(lease, maxVisibility), nil
}

// redrivePolicy is the attribute RedrivePolicy. Its count is a number or a string
// of one, depending on who set it.
type redrivePolicy struct {
	Target   string      `json:"deadLetterTargetArn"`
	Receives json.Number `json:"maxReceiveCount"`
}

// redrive returns the queue's redrive policy, and whether it has one.
func (q queue) redrive() (redrivePolicy, bool) {
	var p redrivePolicy
	err := json.Unmarshal([]byte(q.attributes["RedrivePolicy"]), &p)
	return p, err == nil && p.Target != ""
}

// accountOf reads the account off arn:aws:sqs:REGION:ACCOUNT:NAME.
func accountOf(arn string) string {
	parts := strings.Split(arn, ":")
	if len(parts) != 6 {
		return ""
	}
	return parts[4]
}

// nameOf reads the queue's name off its ARN.
func nameOf(arn string) string { return arn[strings.LastIndex(arn, ":")+1:] }
