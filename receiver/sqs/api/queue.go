package api

import (
	"context"
	"crypto/md5" //nolint:gosec // the checksum that SQS gives with a body
	"encoding/hex"
	"encoding/json"
	"strings"
)

// QueueURL asks for the URL of the queue called name; owner is the account that has it, empty for
// the caller's own.
func (c *Client) QueueURL(ctx context.Context, name, owner string) (string, error) {
	in := struct {
		QueueName              string
		QueueOwnerAWSAccountId string `json:",omitempty"` //nolint:revive // SQS's name
	}{name, owner}
	var out struct {
		QueueUrl string //nolint:revive // SQS's name
	}
	err := c.CallJSON(ctx, OpGetURL, "GetQueueUrl", in, &out)
	return out.QueueUrl, err
}

// QueueAttributes asks for all attributes of a queue.
func (c *Client) QueueAttributes(ctx context.Context, queueURL string) (map[string]string, error) {
	in := struct {
		// All, since asking a standard queue for FifoQueue by name is an error on some servers.
		AttributeNames []string
		QueueUrl       string //nolint:revive // SQS's name
	}{[]string{"All"}, queueURL}
	var out struct{ Attributes map[string]looseText }
	if err := c.CallJSON(ctx, OpGetAttributes, "GetQueueAttributes", in, &out); err != nil {
		return nil, err
	}
	attributes := make(map[string]string, len(out.Attributes))
	for name, value := range out.Attributes {
		attributes[name] = string(value)
	}
	return attributes, nil
}

// A looseText is a text, or the JSON of a value that should have been one: some servers give
// numbers, and policies, as they are.
type looseText string

// UnmarshalJSON takes any JSON.
func (t *looseText) UnmarshalJSON(data []byte) error {
	var s string
	if json.Unmarshal(data, &s) != nil {
		s = string(data)
	}
	*t = looseText(s)
	return nil
}

// ChecksumMatches reports whether sum is the MD5 of body in hexadecimal, of either case. An empty
// sum says nothing and matches.
func ChecksumMatches(body, sum []byte) bool {
	if len(sum) == 0 {
		return true
	}
	var hexadecimal [2 * md5.Size]byte
	own := md5.Sum(body) //nolint:gosec // not for secrecy
	hex.Encode(hexadecimal[:], own[:])
	return string(hexadecimal[:]) == string(sum) || strings.EqualFold(string(hexadecimal[:]), string(sum))
}

// CallJSON makes the call that the service calls name, with in as its request, and decodes the answer
// into out. It is for calls that are made seldom, where encoding/json does no harm. operation is what
// the Observer is told.
func (c *Client) CallJSON(ctx context.Context, operation, name string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return sortError(operation, err)
	}
	a := action{name: name, request: newRequest(body), read: func(a answer) error {
		if len(a.body) == 0 {
			return nil
		}
		return json.Unmarshal(a.body, out)
	}}
	return c.do(ctx, operation, func(ctx context.Context) error { return c.call(ctx, a) })
}
