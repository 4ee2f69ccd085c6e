//go:build unix

package examples

import (
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go"

	"carrier/internal/testkit/natstest"
	"carrier/internal/testkit/programtest"
)

// TestPublishedMessageGoesThroughTheNATSStack does on a server in this process what the stack does
// in containers, with its own texts: streams and consumer are made of their files, carrier is
// configured, and what the command of the README publishes is delivered.
func TestPublishedMessageGoesThroughTheNATSStack(t *testing.T) {
	t.Parallel()
	stack, readme := content(t, "compose-nats/compose.yaml"), content(t, "compose-nats/README.md")
	server := natstest.Start(t).Connect(t)
	for range 2 { // again is no fault
		ask(t, server, "STREAM.CREATE.ORDERS", content(t, "compose-nats/stream.json"))
		ask(t, server, "STREAM.CREATE.ORDERS-DEAD", content(t, "compose-nats/dead.json"))
		ask(t, server, "CONSUMER.DURABLE.CREATE.ORDERS.worker", `{"stream_name":"ORDERS","config":`+content(t, "compose-nats/consumer.json")+`}`)
	}
	w := start(t, []string{"WORKER_ADDRESS=127.0.0.1:0"}, built("worker-go"))
	env := slices.Concat(carriers(stack)["carrier"], []string{
		"CARRIER_NATS_URL=" + server.URL, "CARRIER_ADMIN_ADDRESS=" + programtest.FreeAddress(t),
		"CARRIER_WEBHOOK_ENDPOINT=" + w.listening(), "CARRIER_WEBHOOK_HEALTH_CHECK_ENDPOINT=" + w.listening() + "/healthz",
	})
	check := start(t, env, built("carrier"), "check")
	if code := check.Wait(); code != 0 || strings.Contains(check.out.String(), "\nwarn") {
		t.Errorf("check: exit code %d\n%s", code, check.out.String())
	}
	c := start(t, env, built("carrier"))
	c.await(`"source reached"`)
	command := regexp.MustCompile(`(?m)^nats publish (\S+) '(.*)'((?: -H \S+:\S+)*)$`).FindStringSubmatch(readme)
	if command == nil {
		t.Fatal("the README publishes nothing")
	}
	headers := nats.Header{}
	for _, header := range strings.Fields(strings.ReplaceAll(command[3], "-H ", "")) {
		name, value, _ := strings.Cut(header, ":")
		headers[name] = []string{value}
	}
	server.Publish(t, command[1], command[2], headers)
	w.await(command[2])
	if code := c.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d after SIGTERM\n%s", code, c.out.String())
	}
}

// ask makes a request to JetStream's API that is to be answered without an error.
func ask(t *testing.T, server *natstest.Server, subject, request string) {
	t.Helper()
	answer, err := server.Conn.RequestWithContext(t.Context(), "$JS.API."+subject, []byte(request))
	if err != nil || strings.Contains(string(answer.Data), `"error"`) {
		t.Fatalf("%s: %v %s", subject, err, answer.Data)
	}
}
