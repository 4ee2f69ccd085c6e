package sqs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"carrier/receiver"
	"carrier/receiver/preflight"
	"carrier/receiver/sqs/api"
	"carrier/receiver/sqs/environment"
)

// shortestLease is the shortest visibility timeout of a queue that is taken over: below it a message
// comes back while its lease is being renewed.
const shortestLease = 3 * time.Second

// A queue is what is known of the queue once it was found.
type queue struct {
	url, name string
	account   string // empty where the attributes could not be read
	arn       string // made of the URL and the region where the attributes could not be read
	// fifo is told by the name: AWS reserves .fifo for them.
	fifo bool
	// lease is asked for at every receive, so that SQS and carrier mean the same.
	lease      time.Duration
	attributes map[string]string // nil where they could not be read
	policy     redrivePolicy     // the zero value where there is none, or nobody knows
	deadLetter deadLetterQueue
}

// find looks for the queue that o names, its attributes, and its dead-letter queue.
func find(ctx context.Context, c *api.Client, o Options) (queue, []preflight.Notice, error) {
	address, err := addressOf(ctx, c, o)
	if err != nil {
		return queue{}, nil, err
	}
	q := queue{url: address, name: path.Base(address)}
	q.fifo = strings.HasSuffix(q.name, ".fifo")
	var notices []preflight.Notice
	q.attributes, err = c.QueueAttributes(ctx, address)
	switch receiver.ClassOf(err) {
	case receiver.Denied, receiver.Invalid: // not so for a nil error, whose class is Other
		notices = append(notices, preflight.Notice{Text: "the queue's attributes cannot be read; continuing without them", Err: err})
	default:
		if err != nil {
			return queue{}, nil, fmt.Errorf("queue %s: %w", q.name, err)
		}
	}
	q.account = accountOf(q.attributes["QueueArn"])
	q.arn = cmp.Or(q.attributes["QueueArn"], arnOf(address, c.Region()))
	q.policy = readPolicy(q.attributes["RedrivePolicy"])
	lease, more := leaseFor(o, q.attributes)
	q.lease = lease
	notices = append(notices, more...)
	q.deadLetter, more, err = findDeadLetter(ctx, c, q, o.DeadLetterQueueURL)
	return q, append(notices, more...), err
}

// advise adds to an error which variables may be to blame.
func advise(err error, region string) error {
	switch receiver.ClassOf(err) {
	case receiver.NotFound:
		return fmt.Errorf("%w; check CARRIER_SQS_QUEUE_NAME or CARRIER_SQS_QUEUE_URL, CARRIER_SQS_QUEUE_OWNER, and AWS_REGION (%s)", err, region)
	case receiver.Credentials:
		return fmt.Errorf("%w; check the AWS_ variables of the credentials, or the role", err)
	}
	return err
}

// addressOf returns the queue's URL, asking for it where only the name is known.
func addressOf(ctx context.Context, c *api.Client, o Options) (string, error) {
	if o.QueueURL == "" {
		return lookUp(ctx, c, o.QueueName, o.QueueOwner)
	}
	u, err := url.Parse(o.QueueURL)
	if err == nil && (u.Host == "" || path.Base(u.Path) == "/" || path.Base(u.Path) == ".") {
		err = fmt.Errorf("%q is no queue URL", o.QueueURL)
	}
	if err != nil {
		return "", &receiver.Error{Operation: environment.Operation, Class: receiver.Invalid, Err: err}
	}
	return o.QueueURL, nil
}

// lookUp asks for the URL of a queue by its name; owner may be empty.
func lookUp(ctx context.Context, c *api.Client, name, owner string) (string, error) {
	if name == "" {
		err := errors.New("neither a queue name nor a queue URL is given")
		return "", &receiver.Error{Operation: environment.Operation, Class: receiver.Invalid, Err: err}
	}
	address, err := c.QueueURL(ctx, name, owner)
	if err != nil {
		return "", fmt.Errorf("queue %s: %w", name, err)
	}
	return address, nil
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
		return receiver.FallbackLease, []preflight.Notice{{Text: fmt.Sprintf("the queue's visibility timeout is not known: asking for %s", receiver.FallbackLease)}}
	case err != nil || lease < shortestLease:
		return receiver.FallbackLease, []preflight.Notice{{Text: fmt.Sprintf("the queue's visibility timeout is %s, too short to be renewed: asking for %s", lease, receiver.FallbackLease)}}
	}
	return min(lease, maxVisibility), nil
}

// A redrivePolicy is the attribute RedrivePolicy. Its count is a number or a string of one, depending
// on who set it.
type redrivePolicy struct {
	Target   string      `json:"deadLetterTargetArn"`
	Receives json.Number `json:"maxReceiveCount"`

	last int // the number of the last receive; 0 where it is not known
}

// readPolicy reads a redrive policy; what is none is the zero value.
func readPolicy(attribute string) redrivePolicy {
	var p redrivePolicy
	if json.Unmarshal([]byte(attribute), &p) != nil {
		return redrivePolicy{}
	}
	if n, err := strconv.Atoi(p.Receives.String()); err == nil {
		p.last = n
	}
	return p
}

// redriveAfter returns the name of the queue to which the redrive policy moves a message that was
// received so often; empty where it does not.
func (q queue) redriveAfter(receives int) string {
	if q.policy.last < 1 || receives < q.policy.last {
		return ""
	}
	return nameOf(q.policy.Target)
}

// arnOf makes an ARN of a queue's URL, https://HOST/ACCOUNT/NAME. A server that is not AWS's may have
// URLs of another form.
func arnOf(address, region string) string {
	account := path.Base(path.Dir(address))
	if strings.Trim(account, "0123456789") != "" {
		account = ""
	}
	return "arn:" + partitionOf(region) + ":sqs:" + region + ":" + account + ":" + path.Base(address)
}

// partitionOf is the part of AWS that a region is in, by the names that AWS gives its regions.
func partitionOf(region string) string {
	for _, p := range [][2]string{
		{"cn-", "aws-cn"}, {"us-gov-", "aws-us-gov"}, {"us-iso-", "aws-iso"}, {"us-isob-", "aws-iso-b"},
		{"eu-isoe-", "aws-iso-e"}, {"us-isof-", "aws-iso-f"}, {"eusc-", "aws-eusc"},
	} {
		if strings.HasPrefix(region, p[0]) {
			return p[1]
		}
	}
	return "aws"
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
