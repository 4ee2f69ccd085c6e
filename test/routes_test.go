package test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"

	"carrier/internal/testkit/programtest"
	"carrier/internal/testkit/sqstest"
)

// Section 10: routes.

// A pair is a program with two routes: mail and orders, each from a queue of its own to a worker of
// its own.
type pair struct {
	*program
	env          env
	server       *sqstest.Server
	mail, orders *sqsSource
}

// newPair makes the queues of two routes to these workers. Nothing runs yet.
func newPair(t *testing.T, mail, orders *worker, e env) *pair {
	t.Helper()
	server, endpoint := sqstest.Start(t, sqstest.Options{})
	queue := func(name string) *sqsSource {
		q, err := server.CreateQueue(name, nil)
		must(t, err)
		return &sqsSource{t: t, server: server, endpoint: endpoint, queue: q}
	}
	p := &pair{server: server, mail: queue("mail"), orders: queue("orders")}
	p.env = env{
		"CARRIER_ADMIN_ADDRESS":                 programtest.FreeAddress(t),
		"CARRIER_ROUTES":                        "mail,orders",
		"CARRIER_SQS_ENDPOINT":                  endpoint,
		"CARRIER_SQS_WAIT_TIME":                 "1s",
		"CARRIER_ROUTE_MAIL_SQS_QUEUE_NAME":     "mail",
		"CARRIER_ROUTE_ORDERS_SQS_QUEUE_NAME":   "orders",
		"CARRIER_ROUTE_MAIL_WEBHOOK_ENDPOINT":   mail.endpoint(),
		"CARRIER_ROUTE_ORDERS_WEBHOOK_ENDPOINT": orders.endpoint(),
	}.with(e)
	return p
}

func (p *pair) start(t *testing.T) {
	t.Helper()
	p.program = launch(t, p.env)
}

func TestEachRouteServesItsQueue(t *testing.T) {
	t.Parallel()
	mail, orders := newWorker(t, always(says(200))), newWorker(t, always(says(200)))
	p := newPair(t, mail, orders, nil)
	p.start(t)
	p.awaitReady()
	m, o := p.mail.put(testMessage{Body: "m"}), p.orders.put(testMessage{Body: "o"})
	mail.await(1)
	orders.await(1)
	until(t, "both queues empty", func() bool { return p.mail.left(nil)+p.orders.left(nil) == 0 })
	if len(mail.of(m)) != 1 || len(orders.of(o)) != 1 || len(mail.got())+len(orders.got()) != 2 {
		t.Errorf("mail got %v, orders %v", mail.got(), orders.got())
	}
	until(t, "both are counted", func() bool { return p.settled("delivered") == 2 })
	for _, route := range []string{"mail", "orders"} {
		if n := p.metric("carrier_messages_settled_total", `outcome="delivered"`, `route="`+route+`"`); n != 1 {
			t.Errorf("%v delivered by %s", n, route)
		}
		if lines := p.logged("source reached"); !slices.ContainsFunc(lines, func(l line) bool { return l.text("route") == route }) {
			t.Errorf("no line of the route %s among %v", route, lines)
		}
	}
	for sample := range p.metrics() {
		ofProcess := !strings.HasPrefix(sample, "carrier_") || strings.HasPrefix(sample, "carrier_build_info") || strings.HasPrefix(sample, "carrier_log_lines") ||
			strings.HasPrefix(sample, "carrier_audit")
		if ofProcess == strings.Contains(sample, `route="`) {
			t.Errorf("the label route is wrong in %s", sample)
		}
	}
	p.stop()
}

func TestRouteThatIsDownLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	mail, orders := absentWorker(t, always(says(200))), newWorker(t, always(says(200)))
	p := newPair(t, mail, orders, env{"CARRIER_ROUTE_MAIL_READINESS": "false"})
	p.start(t)
	p.awaitReady()
	p.mail.put(testMessage{Body: "m"})
	for range 20 {
		p.orders.put(testMessage{Body: "o"})
	}
	orders.await(20)
	until(t, "orders is empty", func() bool { return p.orders.left(nil) == 0 })
	if r := p.ask("/readyz?route=mail"); r.Status != 503 || !strings.Contains(r.Body, `"mail":"worker offline"`) {
		t.Errorf("mail: %d %s", r.Status, r.Body)
	}
	for path, want := range map[string]int{"/readyz": 200, "/readyz?route=orders": 200, "/readyz?route=none": 404, "/livez": 200} {
		if r := p.ask(path); r.Status != want {
			t.Errorf("%s: %d %s", path, r.Status, r.Body)
		}
	}
	for route, want := range map[string]int{"orders": 0, "mail": 1, "none": 1} {
		if h := run(t, p.env, "health", "--route", route); h.code != want {
			t.Errorf("health of %s: %d %s", route, h.code, h.stderr.String())
		}
	}
	if n := p.mail.left(nil); n != 1 || len(mail.got()) != 0 {
		t.Errorf("%d messages in mail's queue", n)
	}
	mail.listen()
	mail.await(1)
	p.stop()
}

func TestRouteThatCountsIsWaitedForByReadiness(t *testing.T) {
	t.Parallel()
	mail, orders := absentWorker(t, always(says(200))), newWorker(t, always(says(200)))
	p := newPair(t, mail, orders, nil)
	p.start(t)
	until(t, "orders is up", func() bool {
		return len(p.logged("source reached")) == 2 && p.ask("/readyz?route=orders").Status == 200
	})
	if r := p.ask("/readyz"); r.Status != 503 || !strings.Contains(r.Body, `"mail"`) || strings.Contains(r.Body, `"orders"`) {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	mail.listen()
	p.awaitReady()
	p.stop()
}

func TestAllRoutesDrainAtOnce(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	slow := always(held(says(200), release))
	mail, orders := newWorker(t, slow), newWorker(t, slow)
	p := newPair(t, mail, orders, nil)
	p.start(t)
	p.awaitReady()
	p.mail.put(testMessage{Body: "m"})
	p.orders.put(testMessage{Body: "o"})
	mail.await(1)
	orders.await(1)
	p.Signal(syscall.SIGTERM)
	p.awaitLog("stopping, no message is received")
	close(release)
	p.wait()
	if p.code != 0 || p.mail.left(nil)+p.orders.left(nil) != 0 {
		t.Errorf("exit code %d, %d and %d left", p.code, p.mail.left(nil), p.orders.left(nil))
	}
}

func TestSourceOfOneRouteThatIsPastHopeEndsAll(t *testing.T) {
	t.Parallel()
	release, opened := make(chan struct{}), make(chan struct{})
	mail, orders := newWorker(t, always(says(200))), newWorker(t, always(held(says(200), release)))
	other, endpoint := sqstest.Start(t, sqstest.Options{})
	other.Always("GetQueueUrl", sqstest.Fault{Hold: opened})
	p := newPair(t, mail, orders, env{"CARRIER_ROUTE_MAIL_SQS_ENDPOINT": endpoint})
	p.start(t)
	p.orders.put(testMessage{Body: "o"})
	orders.await(1)
	close(opened) // there is no such queue
	failed := p.awaitLog("the route cannot go on")
	p.awaitLog("stopping, no message is received")
	close(release)
	p.wait()
	ended := p.awaitLog("stopped by an error")
	if p.code != 1 || failed.text("route") != "mail" || ended.text("route") != "mail" {
		t.Errorf("exit code %d, %v, %v", p.code, failed, ended)
	}
	if n := p.orders.left(nil); n != 0 {
		t.Errorf("what the other worker had is not settled: %d left", n)
	}
}

func TestQueueOfOneRouteThatIsNotThereEndsTheStart(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	p := newPair(t, w, w, env{"CARRIER_ROUTE_MAIL_SQS_QUEUE_NAME": "absent"})
	p.start(t)
	p.wait()
	if ended := p.awaitLog("stopped by an error"); p.code != 1 || ended.text("route") != "mail" {
		t.Errorf("exit code %d, %v", p.code, ended)
	}
}

func TestFaultsOfAllRoutesAreToldAtOnce(t *testing.T) {
	t.Parallel()
	p := run(t, env{
		"CARRIER_ROUTES":                      "mail,mail-sqs,Orders,news,news",
		"CARRIER_ROUTE_NEWS_CONCURRENCY":      "x",
		"CARRIER_ADMIN_ADDRESS":               "nonsense",
		"CARRIER_ROUTE_MAIL_WEBHOOK_ENDPOINT": "ftp://x",
	})
	lines := strings.Split(strings.TrimSpace(p.stderr.String()), "\n")
	if p.code != 2 || len(lines) != 5 {
		t.Fatalf("exit code %d, %d lines:\n%s", p.code, len(lines), p.stderr.String())
	}
	for i, want := range []string{`"news" is named twice`, `"Orders" is none`, `both "mail" and "mail-sqs"`, "CARRIER_ADMIN_ADDRESS", `CARRIER_ROUTE_NEWS_CONCURRENCY="x"`} {
		if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, want) }) {
			t.Errorf("%d: no %s in\n%s", i, want, p.stderr.String())
		}
	}
}

func TestCheckAndConfigKnowRoutes(t *testing.T) {
	t.Parallel()
	mail, orders := newWorker(t, always(says(200))), absentWorker(t, always(says(200)))
	p := newPair(t, mail, orders, nil)
	c := run(t, p.env, "check")
	out := c.stdout.String()
	if c.code != 1 || !strings.Contains(out, "ok    route mail: worker: ") || !strings.Contains(out, "fail  route orders: worker: ") || !strings.Contains(out, "ok    route orders: configuration: receiver sqs") {
		t.Errorf("exit code %d:\n%s", c.code, out)
	}
	if c := run(t, p.env, "config"); c.code != 0 || !strings.Contains(c.stdout.String(), "CARRIER_ROUTE_MAIL_SQS_WAIT_TIME=1s\n") {
		t.Errorf("exit code %d:\n%s", c.code, c.stdout.String())
	}
}

func TestStateOfAllRoutesIsTold(t *testing.T) {
	t.Parallel()
	mail, orders := newWorker(t, always(says(200))), newWorker(t, always(says(200)))
	p := newPair(t, mail, orders, env{"CARRIER_ADMIN_TOKEN": "secret"})
	p.start(t)
	p.awaitReady()
	p.mail.put(testMessage{Body: "m"})
	url := "http://" + p.admin + "/v1/state"
	if r := call(t, http.MethodGet, url); r.Status != 401 {
		t.Errorf("without a token: %d %s", r.Status, r.Body)
	}
	var state struct {
		Version string
		Routes  []struct {
			Name, Receiver, Source, State string
			Limit                         int
			Received                      int
			Settled                       map[string]int
			Endpoints                     []struct{ URL string }
		}
	}
	until(t, "the delivery is told", func() bool {
		r := call(t, http.MethodGet, url, "Authorization", "Bearer secret")
		must(t, json.Unmarshal([]byte(r.Body), &state))
		return r.Status == 200 && len(state.Routes) == 2 && state.Routes[0].Settled["delivered"] == 1
	})
	if r := state.Routes[0]; r.Name != "mail" || r.Receiver != "sqs" || r.Source != "mail" || r.State != "up" || r.Received != 1 || r.Limit != 1 || r.Endpoints[0].URL != mail.endpoint()+"/" {
		t.Errorf("state %+v", state)
	}
	for route, status := range map[string]int{"mail": 200, "": 200, "none": 404, "default": 404} {
		if r := call(t, http.MethodGet, "http://"+p.admin+"/v1/attempts?route="+route, "Authorization", "Bearer secret"); r.Status != status {
			t.Errorf("attempts of the route %q: %d %s", route, r.Status, r.Body)
		}
	}
	p.stop()
}

func TestPausedRouteReceivesNothingUntilItGoesOn(t *testing.T) {
	t.Parallel()
	mail, orders := newWorker(t, always(says(200))), newWorker(t, always(says(200)))
	p := newPair(t, mail, orders, env{"CARRIER_ADMIN_TOKEN": "secret"})
	p.start(t)
	p.awaitReady()
	post := func(path string) int {
		return send(t, http.MethodPost, "http://"+p.admin+"/v1/routes/"+path, "", "Authorization", "Bearer secret").Status
	}
	state := func() string {
		return call(t, http.MethodGet, "http://"+p.admin+"/v1/state", "Authorization", "Bearer secret").Body
	}
	if code := post("mail/pause"); code != 204 || !strings.Contains(state(), `"state":"paused"`) {
		t.Errorf("pause: %d, %s", code, state())
	}
	for range 3 {
		p.orders.put(testMessage{Body: "o"})
	}
	orders.await(3)
	if r := p.ask("/readyz"); r.Status != 200 {
		t.Errorf("paused and not ready: %s", r.Body)
	}
	if code := post("none/pause"); code != 404 {
		t.Errorf("an unknown route: %d", code)
	}
	if code := post("mail/resume"); code != 204 || strings.Contains(state(), "paused") {
		t.Errorf("resume: %d, %s", code, state())
	}
	p.mail.put(testMessage{Body: "m"})
	mail.await(1)
	p.stop()
}

// fanned is a program with three routes from one ingest server.
func fanned(t *testing.T, mail, orders, all *worker) (p *program, url string) {
	t.Helper()
	address := programtest.FreeAddress(t)
	p = launch(t, env{
		"CARRIER_ADMIN_ADDRESS": programtest.FreeAddress(t), "CARRIER_ROUTES": "mail,orders,all",
		"CARRIER_INGEST_ADDRESS": address, "CARRIER_INGEST_DATA_DIR": t.TempDir(),
		"CARRIER_ROUTE_MAIL_INGEST_TOPIC": "/mail/", "CARRIER_ROUTE_ORDERS_INGEST_TOPIC": "/orders",
		"CARRIER_ROUTE_ALL_INGEST_TOPIC":      "/mail/,/orders",
		"CARRIER_ROUTE_MAIL_WEBHOOK_ENDPOINT": mail.endpoint(), "CARRIER_ROUTE_ORDERS_WEBHOOK_ENDPOINT": orders.endpoint(),
		"CARRIER_ROUTE_ALL_WEBHOOK_ENDPOINT": all.endpoint(),
	})
	p.awaitReady()
	return p, "http://" + address
}

func TestEachSubscriptionGetsItsTopics(t *testing.T) {
	t.Parallel()
	mail, orders, all := newWorker(t, always(says(200))), newWorker(t, always(says(200))), newWorker(t, always(says(200)))
	p, url := fanned(t, mail, orders, all)
	m := stored(t, send(t, http.MethodPost, url+"/mail/new", "m"))
	o := stored(t, send(t, http.MethodPost, url+"/orders", "o"))
	isProblem(t, "nobody's path", send(t, http.MethodPost, url+"/orders/x", "n"), 404)
	all.await(2)
	mail.await(1)
	orders.await(1)
	until(t, "all is settled", func() bool { return p.settled("delivered") == 4 })
	if len(mail.of(m)) != 1 || len(orders.of(o)) != 1 || len(mail.got()) != 1 || len(orders.got()) != 1 || len(all.got()) != 2 {
		t.Errorf("mail %d, orders %d, all %d posts", len(mail.got()), len(orders.got()), len(all.got()))
	}
	if n := p.metric("carrier_ingest_queue_messages", `route="all"`); n != 0 {
		t.Errorf("%v messages wait", n)
	}
	if _, there := p.metrics()[`carrier_ingest_requests_total{code="200"}`]; !there {
		t.Error("the requests of producers have a route")
	}
	p.stop()
}
