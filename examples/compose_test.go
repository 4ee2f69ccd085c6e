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

// commands are the blocks of a page's shell commands that begin with start.
func commands(t *testing.T, page, start string) []string {
	t.Helper()
	var all []string
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(page, -1) {
		if strings.HasPrefix(block[1], start) {
			all = append(all, block[1])
		}
	}
	if len(all) == 0 {
		t.Fatalf("no commands that begin with %q", start)
	}
	return all
}

// here is an environment of a service with the addresses of the programs that a test has started,
// in pairs of what stands there and what is put in its place.
func here(env []string, places ...string) []string {
	moved := make([]string, len(env))
	for i, e := range env {
		moved[i] = strings.NewReplacer(places...).Replace(e)
	}
	return moved
}

// TestPostedMessageReachesEachSubscriberOfTheFanout does with programs what the stack does in
// containers: the commands of the README post, and each worker gets what its topic says.
func TestPostedMessageReachesEachSubscriberOfTheFanout(t *testing.T) {
	t.Parallel()
	door, admin := programtest.FreeAddress(t), programtest.FreeAddress(t)
	places := []string{"0.0.0.0:8080", door}
	workers := map[string]*program{}
	for _, name := range []string{"billing", "mail", "analytics"} {
		workers[name] = start(t, []string{"WORKER_ADDRESS=127.0.0.1:0"}, built("worker-go"))
		places = append(places, "http://"+name+":9000", workers[name].listening())
	}
	env := here(carriers(content(t, "fanout/compose.yaml"))["carrier"], places...)
	c := start(t, append(env, "CARRIER_ADMIN_ADDRESS="+admin, "CARRIER_INGEST_DATA_DIR="+t.TempDir()), built("carrier"))
	c.await(`"source reached"`)
	for _, script := range commands(t, content(t, "fanout/README.md"), "curl -i") {
		bash(t, "set -o pipefail\n"+strings.ReplaceAll(strings.ReplaceAll(script, "curl ", "curl --fail "), "127.0.0.1:8080", door))
	}
	gets := map[string][]string{
		"billing": {`{"order":1}`}, "mail": {`{"order":1}`, `{"customer":7}`}, "analytics": {`{"order":1}`, `{"customer":7}`, `{"visit":42}`},
	}
	for name, bodies := range gets {
		for _, body := range bodies {
			workers[name].await(body)
		}
	}
	if code := c.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d after SIGTERM\n%s", code, c.out.String())
	}
	for name, bodies := range gets {
		if n := strings.Count(workers[name].out.String(), "worker: POST"); n != len(bodies) {
			t.Errorf("%s got %d messages, not %d:\n%s", name, n, len(bodies), workers[name].out.String())
		}
	}
}

// TestMessagesOfHighPriorityOvertake does with programs what the stack does in containers: the
// commands of the README fill both queues, and the worker gets all of high while most of low waits.
// carrier is started last, so that it does not matter how long the commands take.
func TestMessagesOfHighPriorityOvertake(t *testing.T) {
	t.Parallel()
	stack, readme := content(t, "priority/compose.yaml"), content(t, "priority/README.md")
	sqs := programtest.FreeAddress(t)
	queues := regexp.MustCompile(`DEVSQS_QUEUES: (\S+)`).FindStringSubmatch(stack)[1]
	start(t, []string{"DEVSQS_ADDRESS=" + sqs, "DEVSQS_QUEUES=" + queues}, built("devsqs")).await("\n")
	for _, begin := range []string{"curl http", "send()"} {
		bash(t, strings.ReplaceAll(commands(t, readme, begin)[0], "127.0.0.1:9324", sqs))
	}
	w := start(t, []string{"WORKER_ADDRESS=127.0.0.1:0", "WORKER_DELAY=0.2"}, built("worker-go"))
	c := start(t, append(here(carriers(stack)["carrier"], "http://devsqs:9324", "http://"+sqs, "http://worker:9000", w.listening()),
		"CARRIER_ADMIN_ADDRESS="+programtest.FreeAddress(t)), built("carrier"))
	arrived := w.lines(`(?m)^  (high|low|\{"urgent":1\}).*$`, 51)
	low, before := 0, 0
	for _, line := range arrived {
		if strings.HasPrefix(line, "  low") {
			low++
		} else {
			before = low
		}
	}
	// A place that becomes free while high's next receive is open goes to low. How many do depends on
	// how long a receive takes beside a message; half of low is what it never comes to.
	if before > 20 {
		t.Errorf("%d of 40 messages of low came before the last of high: %q", before, arrived)
	}
	if strings.Contains(w.out.String(), "X-Carrier-Receive-Count: 2") {
		t.Errorf("the worker was given more than it takes at once:\n%s", w.out.String())
	}
	if code := c.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d after SIGTERM\n%s", code, c.out.String())
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
