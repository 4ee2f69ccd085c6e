package environment

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
)

// defaultRegion is what requests to a server that is not AWS's are signed for when nothing says
// otherwise; such servers do not look at it.
const defaultRegion = "us-east-1"

// regionName is the shape of an AWS region, as eu-central-1 or us-gov-west-1.
var regionName = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`)

// IsAWS reports whether host belongs to AWS, in any of its partitions: the isolated and sovereign
// ones have domains of their own, which the SDK knows by the region.
func IsAWS(ctx context.Context, host string) bool {
	if strings.Contains(host, ".amazonaws.") || strings.HasSuffix(host, ".api.aws") || strings.HasSuffix(host, ".api.amazonwebservices.com.cn") {
		return true
	}
	region := RegionOf(host)
	if region == "" {
		return false
	}
	resolve := awssqs.NewDefaultEndpointResolverV2().ResolveEndpoint
	for _, dualStack := range []bool{false, true} {
		e, err := resolve(ctx, awssqs.EndpointParameters{Region: &region, UseDualStack: &dualStack})
		if err != nil {
			continue // the partition has no such endpoints
		}
		_, domain, _ := strings.Cut(e.URI.Hostname(), region+".")
		if strings.HasSuffix(host, "."+domain) {
			return true
		}
	}
	return false
}

// RegionOf reads the region off a host: sqs.REGION., a VPC endpoint's vpce-ID.sqs.REGION.vpce., or
// the old REGION.queue.amazonaws.com. It is empty where the host names none.
func RegionOf(host string) string {
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

// isLocal reports whether host is a development server's by its name: a loopback, private or
// link-local address, a single label as in a Compose file, or a name that means this machine, its
// container host, a test or a service of the cluster.
func isLocal(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		return address.IsLoopback() || address.IsPrivate() || address.IsLinkLocalUnicast() || address.IsUnspecified()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	domains := []string{".localhost", ".localhost.localstack.cloud", ".docker.internal", ".svc.cluster.local", ".test"}
	return host != "" && !strings.Contains(host, ".") ||
		slices.ContainsFunc(domains, func(d string) bool { return strings.HasSuffix("."+host, d) })
}

// endpointFor returns the base URL to call; empty means AWS's own.
func endpointFor(cfg aws.Config, o Options) (string, error) {
	endpoint := o.Endpoint
	if set := awssqs.NewFromConfig(cfg).Options().BaseEndpoint; endpoint == "" && set != nil {
		endpoint = *set
	}
	if endpoint == "" {
		endpoint = OriginOf(o.QueueURL)
	}
	if endpoint != "" && OriginOf(endpoint) == "" {
		return "", fmt.Errorf("%q is no endpoint: it needs a scheme and a host", endpoint)
	}
	return endpoint, nil
}

// regionFor returns the region to sign for, and a notice where the endpoint's name says another.
func regionFor(ctx context.Context, cfg aws.Config, o Options, endpoint string) (region, notice string, err error) {
	host := HostOf(endpoint)
	named := RegionOf(host)
	region = o.Region
	if region == "" {
		region = cfg.Region
	}
	switch {
	case region != "" && named != "" && region != named && IsAWS(ctx, host):
		return region, fmt.Sprintf("the region is %s, but the endpoint %s is in %s", region, host, named), nil
	case region != "":
		return region, "", nil
	case named != "":
		return named, "", nil
	case endpoint != "" && !IsAWS(ctx, host):
		return defaultRegion, "", nil
	}
	return "", "", errors.New("no AWS region: set AWS_REGION")
}

// HostOf returns the host of a URL without its port; empty when there is none.
func HostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// OriginOf returns scheme and host of a URL; empty when it lacks one of them.
func OriginOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
