package service

import (
	"strconv"
	"time"

	"carrier/internal/testkit/sqstest/shapes"
)

// A limit is a whole number's range, both ends included, and what it is unset.
type limit struct{ least, most, unset int }

// numeric returns the queue attributes that are numbers.
func numeric() map[string]limit {
	return map[string]limit{
		"VisibilityTimeout":             {0, 43200, 30},
		"DelaySeconds":                  {0, 900, 0},
		"MaximumMessageSize":            {1024, maxSize, maxSize},
		"MessageRetentionPeriod":        {60, 1209600, 345600},
		"ReceiveMessageWaitTimeSeconds": {0, 20, 0},
		"KmsDataKeyReusePeriodSeconds":  {60, 86400, 300},
	}
}

// free reports whether name is an attribute that is kept as it is given.
func free(name string) bool {
	switch name {
	case "Policy", "KmsMasterKeyId", "SqsManagedSseEnabled", "RedriveAllowPolicy", "RedrivePolicy":
		return true
	default:
		return false
	}
}

// onlyFIFO reports whether name is an attribute that standard queues do not have.
func onlyFIFO(name string) bool {
	switch name {
	case "FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit":
		return true
	default:
		return false
	}
}

// checkAttributes returns what is wrong with attributes that are to be set.
func checkAttributes(attrs map[string]string, fifo bool) *shapes.Error {
	for name, value := range attrs {
		if err := checkAttribute(name, value, fifo); err != nil {
			return err
		}
	}
	return nil
}

func checkAttribute(name, value string, fifo bool) *shapes.Error {
	if l, ok := numeric()[name]; ok {
		n, err := strconv.Atoi(value)
		if err != nil || n < l.least || n > l.most {
			return shapes.Plain("InvalidAttributeValue", "Invalid value for the parameter %s.", name)
		}
		return nil
	}
	if name == "RedrivePolicy" && value != "" {
		if _, ok := shapes.ParseRedrive(value); !ok {
			return shapes.Plain("InvalidAttributeValue", "Invalid value for the parameter RedrivePolicy.")
		}
	}
	if !free(name) && (!onlyFIFO(name) || !fifo) {
		return shapes.Plain("InvalidAttributeName", "Unknown Attribute %s.", name)
	}
	return nil
}

// number is a numeric attribute, or its default.
func (q *Queue) number(name string) int {
	if n, err := strconv.Atoi(q.attrs[name]); err == nil {
		return n
	}
	return numeric()[name].unset
}

func (q *Queue) seconds(name string) time.Duration {
	return time.Duration(q.number(name)) * time.Second
}

// attributes is everything GetQueueAttributes knows.
func (q *Queue) attributes(now time.Time) map[string]string {
	all := map[string]string{}
	for name, value := range q.attrs {
		if value != "" {
			all[name] = value
		}
	}
	for name := range numeric() {
		if name != "KmsDataKeyReusePeriodSeconds" {
			all[name] = strconv.Itoa(q.number(name))
		}
	}
	counts := q.counts(now)
	all["QueueArn"] = q.arn()
	all["CreatedTimestamp"] = strconv.FormatInt(q.created.Unix(), 10)
	all["LastModifiedTimestamp"] = strconv.FormatInt(q.modified.Unix(), 10)
	all["ApproximateNumberOfMessages"] = strconv.Itoa(counts.Visible)
	all["ApproximateNumberOfMessagesNotVisible"] = strconv.Itoa(counts.InFlight)
	all["ApproximateNumberOfMessagesDelayed"] = strconv.Itoa(counts.Delayed)
	return all
}
