package sqs

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// defaultRegion is what requests to a server that is not AWS's are signed for
// when nothing says otherwise; such servers do not look at it.
const defaultRegion = "us-east-1"

// regionName is the shape of an AWS region, as eu-central-1 or us-gov-west-1.
var regionName = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`)

// isAWS reports whether host belongs to AWS, in any of its partitions.
func isAWS(host string) bool {
	return strings.Contains(host, ".amazonaws.") ||
		strings.HasSuffix(host, ".api.aws") ||
		strings.HasSuffix(host, ".api.amazonwebservices.com.cn")
}

// regionOf reads the region off a host: sqs.REGION., a VPC endpoint's
// vpce-ID.sqs.REGION.vpce., or the old REGION.queue.amazonaws.com. It is empty
// where the host names none.
func regionOf(host string) string {
	labels := strings.Split(host, ".")
	for i, label := range labels[:len(labels)-1] {
		if (label == "sqs" || label == "sqs-fips") && regionName.MatchString(labels[i+1]) {
			return labels[i+1]
		}
	}
	switch {
	case host == "queue.amazonaws.com":
		return defaultRegion
	case slices.Contains(labels, "queue") && regionName.MatchString(labels[0]):
		return labels[0]
	}
	return ""
}

// hostOf returns the host of a URL without its port; empty when there is none.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// originOf returns scheme and host of a URL; empty when it lacks one of them.
func originOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
