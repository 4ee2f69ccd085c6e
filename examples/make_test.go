//go:build unix

package examples

import (
	"strings"
	"testing"
)

func TestMakeSaysWhatIsMissingOrUnknown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		arguments []string
		says      string
	}{
		"Compose is not there":   {[]string{"compose", "COMPOSE=false"}, "docker-compose-plugin"},
		"a worker of no example": {[]string{"run", "WORKER=perl"}, "go, python or node"},
		"an example of no run":   {[]string{"run", "EXAMPLE=compose-pubsub"}, "make run knows sqs"},
	} {
		p := start(t, nil, append([]string{"make", "-C", ".."}, c.arguments...)...)
		if code := p.Wait(); code == 0 || !strings.Contains(p.out.String(), c.says) {
			t.Errorf("%s: exit code %d\n%s", name, code, p.out.String())
		}
	}
}
