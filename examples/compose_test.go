//go:build unix

package examples

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go"

	"carrier/internal/testkit/natstest"
	"carrier/internal/testkit/programtest"
	"carrier/internal/testkit/pubsubtest"
)

// stacks are the Compose examples.
func stacks(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*/compose.yaml")
	if err != nil || len(files) < 2 {
		t.Fatalf("found %q, %v", files, err)
	}
	all := map[string]string{}
	for _, file := range files {
		all[file] = content(t, file)
	}
	return all
}

func content(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file) //nolint:gosec // one of the examples
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// carriers are the environments of the services that are a carrier, by the service's name.
func carriers(stack string) map[string][]string {
	service, setting := regexp.MustCompile(`^  ([a-z]+):$`), regexp.MustCompile(`^      (CARRIER_[A-Z_]+): "?([^"#]*?)"?( #.*)?$`)
	all, current := map[string][]string{}, ""
	for line := range strings.Lines(stack) {
		line = strings.TrimSuffix(line, "\n")
		if match := service.FindStringSubmatch(line); match != nil {
			current = match[1]
		}
		if match := setting.FindStringSubmatch(line); match != nil {
			all[current] = append(all[current], match[1]+"="+match[2])
		}
	}
	return all
}

func TestStacksConfigureCarrierWithoutAFault(t *testing.T) {
	t.Parallel()
	wrong := regexp.MustCompile(`unknown variable|has no effect`)
	for file, stack := range stacks(t) {
		services := carriers(stack)
		if len(services) != strings.Count(stack, "target: carrier}") {
			t.Errorf("%s: %d services are configured", file, len(services))
		}
		for service, env := range services {
			t.Run(file+" "+service, func(t *testing.T) {
				t.Parallel()
				p := start(t, env, built("carrier"), "config")
				if code := p.Wait(); code != 0 || wrong.MatchString(p.out.String()) {
					t.Errorf("exit code %d\n%s", code, p.out.String())
				}
			})
		}
	}
}

func TestStacksAreValidToCompose(t *testing.T) {
	t.Parallel()
	if err := exec.Command("docker", "compose", "version").Run(); err != nil {
		t.Log("NOT TESTED: that Compose takes the stacks, because there is no docker compose here")
		t.SkipNow()
	}
	for file := range stacks(t) {
		if out, err := exec.Command("docker", "compose", "-f", file, "--profile", "*", "config", "--quiet").CombinedOutput(); err != nil || len(out) > 0 { //nolint:gosec // our own arguments
			t.Errorf("%s: %v\n%s", file, err, out)
		}
	}
}

// TestPublishedMessageGoesThroughThePubSubStack does on the emulator what the stack does in
// containers, with its own texts: the topics are made, carrier is configured, and the
// command of the README publishes a message.
func TestPublishedMessageGoesThroughThePubSubStack(t *testing.T) {
	t.Parallel()
	stack, readme := content(t, "compose-pubsub/compose.yaml"), content(t, "compose-pubsub/README.md")
	for _, tool := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("NOT TESTED: the Pub/Sub stack's commands, because there is no %s here", tool)
		}
	}
	emulator := pubsubtest.NewEmulator(t)
	for range 2 { // again is no fault
		bash(t, indented(t, stack, "      - |\n"), "API=http://"+emulator.Endpoint+"/v1/projects/local")
	}
	_, port, err := net.SplitHostPort(emulator.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	w := start(t, []string{"WORKER_ADDRESS=127.0.0.1:0"}, built("worker-go"))
	c := start(t, append(carriers(stack)["carrier"],
		"CARRIER_PUBSUB_ENDPOINT=127.0.0.1:"+port, "CARRIER_ADMIN_ADDRESS="+programtest.FreeAddress(t),
		"CARRIER_WEBHOOK_ENDPOINT="+w.listening(), "CARRIER_WEBHOOK_HEALTH_CHECK_ENDPOINT="+w.listening()+"/healthz",
	), built("carrier"))
	c.await(`"source reached"`)
	bash(t, strings.ReplaceAll(regexp.MustCompile(`(?m)^curl .*:publish (.*\\\n)*.*$`).FindString(readme), ":8085", ":"+port))
	w.await(`{"order":1}`)
	if code := c.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d after SIGTERM\n%s", code, c.out.String())
	}
}

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
	env := append(carriers(stack)["carrier"],
		"CARRIER_NATS_URL="+server.URL, "CARRIER_ADMIN_ADDRESS="+programtest.FreeAddress(t),
		"CARRIER_WEBHOOK_ENDPOINT="+w.listening(), "CARRIER_WEBHOOK_HEALTH_CHECK_ENDPOINT="+w.listening()+"/healthz",
	)
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

// indented is the block of text behind the mark, as YAML has it in a literal.
func indented(t *testing.T, text, mark string) string {
	t.Helper()
	_, block, found := strings.Cut(text, mark)
	if !found {
		t.Fatalf("no %q", mark)
	}
	var all strings.Builder
	for line := range strings.Lines(block) {
		rest, inside := strings.CutPrefix(line, "        ")
		if !inside {
			break
		}
		all.WriteString(rest)
	}
	return strings.ReplaceAll(all.String(), "$$", "$") // as Compose does
}

// bash runs a script that is to end well.
func bash(t *testing.T, script string, env ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "bash", "-ec", script)
	c.Env = append(os.Environ(), env...)
	if out, err := c.CombinedOutput(); err != nil || script == "" {
		t.Fatalf("%s\n%v\n%s", script, err, out)
	}
}
