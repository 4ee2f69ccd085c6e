package shapes

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// maxAttributes is the most message attributes of a message.
const maxAttributes = 10

var (
	attributeName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,256}$`)
	attributeType = regexp.MustCompile(`^(String|Number|Binary)(\..+)?$`)
)

// CheckAttributes returns what is wrong with message attributes.
func CheckAttributes(attrs map[string]Attribute) *Error {
	if len(attrs) > maxAttributes {
		return InvalidParameter("Number of message attributes [%d] exceeds the allowed maximum [%d].", len(attrs), maxAttributes)
	}
	for name, a := range attrs {
		lower := strings.ToLower(name)
		if !attributeName.MatchString(name) || strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") {
			return InvalidParameter("Invalid attribute name %q.", name)
		}
		if !attributeType.MatchString(a.DataType) {
			return InvalidParameter("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
		}
		if a.StringValue == "" && len(a.BinaryValue) == 0 || !Allowed(a.StringValue) {
			return InvalidParameter("Message attribute '%s' must contain non-empty message attribute value of type '%s'.", name, a.DataType)
		}
	}
	return nil
}

// Allowed reports whether text holds only the characters that XML has.
func Allowed(text string) bool {
	for _, r := range text {
		switch {
		case r == 0x9, r == 0xA, r == 0xD, r >= 0x20 && r <= 0xD7FF, r >= 0xE000 && r <= 0xFFFD, r >= 0x10000:
		default:
			return false
		}
	}
	return true
}

// Redrive is a redrive policy.
type Redrive struct {
	// Target is the ARN of the dead-letter queue, Most the receives before a message goes there.
	Target string
	Most   int
}

// ParseRedrive reads a RedrivePolicy; its count may be a number or a string.
func ParseRedrive(value string) (Redrive, bool) {
	var p struct {
		DeadLetterTargetArn string      `json:"deadLetterTargetArn"`
		MaxReceiveCount     json.Number `json:"maxReceiveCount"`
	}
	if json.Unmarshal([]byte(value), &p) != nil {
		return Redrive{}, false
	}
	n, err := strconv.Atoi(p.MaxReceiveCount.String())
	if err != nil || n < 1 || n > 1000 || p.DeadLetterTargetArn == "" {
		return Redrive{}, false
	}
	return Redrive{Target: p.DeadLetterTargetArn, Most: n}, true
}
