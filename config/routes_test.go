package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"carrier/config/routenames"
	"carrier/internal/redact"
)

// mailAndOrders is an environment with two routes and more.
func mailAndOrders(more map[string]string) map[string]string {
	vars := map[string]string{"CARRIER_ROUTES": "mail,orders-eu"}
	for name, value := range more {
		vars[name] = value
	}
	return vars
}

func TestWithoutRoutesThereIsOneWithoutAName(t *testing.T) {
	c := good(t, nil)
	if len(c.Routes) != 1 || c.Routes[0].Name != "" || !c.Routes[0].Readiness {
		t.Errorf("routes %+v", c.Routes)
	}
}

func TestRouteReadsItsOwnVariableThenTheProcessesThenTheDefault(t *testing.T) {
	c := good(t, mailAndOrders(map[string]string{
		"CARRIER_ROUTE_MAIL_WEBHOOK_ENDPOINT":        "http://mailer/hook",
		"CARRIER_WEBHOOK_REQUEST_TIMEOUT":            "10s",
		"CARRIER_ROUTE_ORDERS_EU_CONCURRENCY":        "7",
		"CARRIER_CONCURRENCY":                        "3",
		"CARRIER_ROUTE_MAIL_WEIGHT":                  "0",
		"CARRIER_MAX_IN_FLIGHT":                      "5",
		"CARRIER_ROUTE_MAIL_INGEST_TOPIC":            "/mail/, /news",
		"CARRIER_ROUTE_MAIL_SUBSCRIPTION_FULL":       "drop-oldest",
		"CARRIER_SUBSCRIPTION_MAX_MESSAGES":          "9",
		"CARRIER_ROUTE_MAIL_WEBHOOK_HEADERS":         "A:b",
		"CARRIER_ROUTE_ORDERS_EU_RETRY_MAX_ATTEMPTS": "0",
	}))
	mail, orders := c.Routes[0], c.Routes[1]
	for what, ok := range map[string]bool{
		"names in their order": mail.Name == "mail" && orders.Name == "orders-eu",
		"its own":              mail.Webhook.Endpoints.String() == "http://mailer/hook" && orders.Concurrency == 7,
		"the process's":        mail.Webhook.RequestTimeout == 10*time.Second && orders.Webhook.RequestTimeout == 10*time.Second && mail.Concurrency == 3,
		"the default":          orders.Webhook.Endpoints.String() == "http://localhost:9000" && mail.Retry.InitialInterval == time.Second,
		"weights":              mail.Weight == 0 && orders.Weight == 1,
		"the process":          c.MaxInFlight == 5 && c.MostInFlight() == 5,
		"topics":               slices.Equal(mail.Ingest.Topics, []string{"/mail/", "/news"}) && slices.Equal(orders.Ingest.Topics, []string{"/"}),
		"subscriptions":        mail.Subscription.Full == DropOldest && orders.Subscription.Full == Refuse && mail.Subscription.MaxMessages == 9 && orders.Subscription.MaxBytes == c.Ingest.MaxBytes,
		"a secret":             len(mail.Webhook.ExtraHeaders()) == 1 && orders.Webhook.ExtraHeaders() == nil,
		"zero that is said":    mail.Retry.MaxAttempts == 20 && orders.Retry.MaxAttempts == 0,
		"where it came from":   mail.Variable("CARRIER_CONCURRENCY") == "CARRIER_CONCURRENCY" && orders.Variable("CARRIER_CONCURRENCY") == "CARRIER_ROUTE_ORDERS_EU_CONCURRENCY" && mail.Variable("CARRIER_PREFETCH") == "CARRIER_ROUTE_MAIL_PREFETCH",
	} {
		if !ok {
			t.Errorf("%s: %+v", what, c)
		}
	}
}

func TestRoutesSecretsMayBeInFiles(t *testing.T) {
	file := func(secret string) string {
		path := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	own, shared := file("A:own"), file("A:shared")
	for name, tt := range map[string]struct {
		vars         map[string]string
		mail, orders string
	}{
		"its own file wins over the process's value": {map[string]string{"CARRIER_ROUTE_MAIL_WEBHOOK_HEADERS_FILE": own, "CARRIER_WEBHOOK_HEADERS": "A:shared"}, "own", "shared"},
		"its own value wins over the process's file": {map[string]string{"CARRIER_ROUTE_MAIL_WEBHOOK_HEADERS": "A:own", "CARRIER_WEBHOOK_HEADERS_FILE": shared}, "own", "shared"},
		"the process's file is for all":              {map[string]string{"CARRIER_WEBHOOK_HEADERS_FILE": shared}, "shared", "shared"},
	} {
		t.Run(name, func(t *testing.T) {
			c := good(t, mailAndOrders(tt.vars))
			for i, want := range []string{tt.mail, tt.orders} {
				if got := c.Routes[i].Webhook.ExtraHeaders(); len(got) != 1 || got[0].Value != want {
					t.Errorf("route %s: %v, want %s", c.Routes[i].Name, got, want)
				}
			}
		})
	}
}

func TestReceiverOfARouteIsInferred(t *testing.T) {
	for name, tt := range map[string]struct {
		vars     map[string]string
		receiver [2]string
	}{
		"nothing is ingest":                     {nil, [2]string{Ingest, Ingest}},
		"its own variable":                      {map[string]string{"CARRIER_ROUTE_MAIL_SQS_QUEUE_URL": "http://h/q"}, [2]string{SQS, Ingest}},
		"its own before the process's":          {map[string]string{"CARRIER_ROUTE_MAIL_PUBSUB_SUBSCRIPTION": "jobs", "CARRIER_SQS_QUEUE_NAME": "jobs"}, [2]string{PubSub, SQS}},
		"the process's names of a source":       {map[string]string{"CARRIER_PUBSUB_SUBSCRIPTION": "jobs"}, [2]string{PubSub, PubSub}},
		"the process's others decide nothing":   {map[string]string{"CARRIER_SQS_BATCH_SIZE": "5", "CARRIER_SQS_ENDPOINT": "http://h"}, [2]string{Ingest, Ingest}},
		"its own word":                          {map[string]string{"CARRIER_ROUTE_MAIL_RECEIVER": "ingest", "CARRIER_SQS_QUEUE_NAME": "jobs"}, [2]string{Ingest, SQS}},
		"a Service's names decide nothing":      {map[string]string{"CARRIER_ROUTE_MAIL_SQS_SERVICE_HOST": "10.0.0.1"}, [2]string{Ingest, Ingest}},
		"a queue's name and a process's server": {map[string]string{"CARRIER_ROUTE_MAIL_SQS_QUEUE_NAME": "mail", "CARRIER_SQS_ENDPOINT": "http://h"}, [2]string{SQS, Ingest}},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, mailAndOrders(tt.vars))
			c, _, err := Load(all)
			if err != nil || c.Routes[0].Receiver != tt.receiver[0] || c.Routes[1].Receiver != tt.receiver[1] {
				t.Errorf("%s and %s, %v; want %v", c.Routes[0].Receiver, c.Routes[1].Receiver, err, tt.receiver)
			}
		})
	}
}

func TestFaultNamesTheVariableThatWasRead(t *testing.T) {
	long := strings.Repeat("x", 33)
	many := make([]string, 65)
	for i := range many {
		many[i] = fmt.Sprintf("r%d", i)
	}
	for name, tt := range map[string]struct {
		vars map[string]string
		want []string
	}{
		"its own":                 {mailAndOrders(map[string]string{"CARRIER_ROUTE_MAIL_CONCURRENCY": "x", "CARRIER_CONCURRENCY": "3"}), []string{`CARRIER_ROUTE_MAIL_CONCURRENCY="x": must be a whole number`}},
		"the process's, once":     {mailAndOrders(map[string]string{"CARRIER_CONCURRENCY": "x"}), []string{`CARRIER_CONCURRENCY="x": must be a whole number`}},
		"a rule, and both names":  {mailAndOrders(map[string]string{"CARRIER_ROUTE_ORDERS_EU_RETRY_MAX_INTERVAL": "1ms"}), []string{`CARRIER_ROUTE_ORDERS_EU_RETRY_MAX_INTERVAL="1ms": must be at least CARRIER_ROUTE_ORDERS_EU_RETRY_INITIAL_INTERVAL, 1s`}},
		"a rule over two levels":  {mailAndOrders(map[string]string{"CARRIER_ROUTE_MAIL_RETRY_MAX_INTERVAL": "1m", "CARRIER_RETRY_INITIAL_INTERVAL": "2m"}), []string{`CARRIER_ROUTE_MAIL_RETRY_MAX_INTERVAL="1m": must be at least CARRIER_RETRY_INITIAL_INTERVAL, 2m0s`}},
		"what is not set":         {mailAndOrders(map[string]string{"CARRIER_ROUTE_MAIL_RECEIVER": "sqs"}), []string{`CARRIER_ROUTE_MAIL_SQS_QUEUE_NAME (not set): must be set, or CARRIER_ROUTE_MAIL_SQS_QUEUE_URL`}},
		"a file":                  {mailAndOrders(map[string]string{"CARRIER_ROUTE_MAIL_WEBHOOK_HEADERS_FILE": "/nowhere"}), []string{`CARRIER_ROUTE_MAIL_WEBHOOK_HEADERS_FILE="/nowhere": must be a readable file`}},
		"a value and a file":      {mailAndOrders(map[string]string{"CARRIER_ROUTE_MAIL_WEBHOOK_HEADERS_FILE": "/nowhere", "CARRIER_ROUTE_MAIL_WEBHOOK_HEADERS": "A:b"}), []string{`CARRIER_ROUTE_MAIL_WEBHOOK_HEADERS_FILE="/nowhere": must not be set together with CARRIER_ROUTE_MAIL_WEBHOOK_HEADERS`}},
		"topics without a slash":  {mailAndOrders(map[string]string{"CARRIER_ROUTE_MAIL_INGEST_TOPIC": "mail/,/ok,*"}), []string{`CARRIER_ROUTE_MAIL_INGEST_TOPIC="mail/,/ok,*": must be paths that begin with a slash, comma-separated, without * ? # .. or a host; not "mail/", "*"`}},
		"topics of no request":    {mailAndOrders(map[string]string{"CARRIER_ROUTE_MAIL_INGEST_TOPIC": "/a/../b,/a/%2E%2e,/a/%252e%252e,/a\\..\\b,/%2,//a,/a..b/...,/bücher/,/b%C3%BCcher/"}), []string{`CARRIER_ROUTE_MAIL_INGEST_TOPIC="/a/../b,/a/%2E%2e,/a/%252e%252e,/a\\..\\b,/%2,//a,/a..b/...,/bücher/,/b%C3%BCcher/": must be paths that begin with a slash, comma-separated, without * ? # .. or a host; not "/a/../b", "/a/%2E%2e", "/a/%252e%252e", "/a\\..\\b", "/%2", "//a"`}},
		"a small quota":           {mailAndOrders(map[string]string{"CARRIER_ROUTE_MAIL_SUBSCRIPTION_MAX_BYTES": "1KiB"}), []string{`CARRIER_ROUTE_MAIL_SUBSCRIPTION_MAX_BYTES="1KiB": must be at least CARRIER_INGEST_MAX_BODY, 1MiB`}},
		"a negative weight":       {mailAndOrders(map[string]string{"CARRIER_ROUTE_MAIL_WEIGHT": "-1"}), []string{`CARRIER_ROUTE_MAIL_WEIGHT="-1": must be a whole number, 0 to 1000`}},
		"a route named twice":     {map[string]string{"CARRIER_ROUTES": "a,b,a,a"}, []string{`CARRIER_ROUTES="a,b,a,a": must name each route once; "a" is named twice`}},
		"a name that is none":     {map[string]string{"CARRIER_ROUTES": "Mail,a--b,1a," + long}, []string{`; "Mail" is none`, `; "a--b" is none`, `; "1a" is none`, `; "` + long + `" is none`}},
		"nothing but empty names": {map[string]string{"CARRIER_ROUTES": ","}, []string{`CARRIER_ROUTES=",": must be a list of names`}},
		"a wrong name, twice":     {map[string]string{"CARRIER_ROUTES": "a,B,B"}, []string{`; "B" is none`}},
		"an empty name":           {map[string]string{"CARRIER_ROUTES": "a,,b"}, []string{`; "" is none`}},
		"the default":             {map[string]string{"CARRIER_ROUTES": "default"}, []string{`must not name a route "default"`}},
		"a name within another":   {map[string]string{"CARRIER_ROUTES": "mail,mail-sqs,mailer"}, []string{`must not name both "mail" and "mail-sqs": the variables of both begin with CARRIER_ROUTE_MAIL_`}},
		"too many":                {map[string]string{"CARRIER_ROUTES": strings.Join(many, ",")}, []string{`must be at most 64 names; there are 65`}},
		"everything at once":      {map[string]string{"CARRIER_ROUTES": "a,a,B,c", "CARRIER_ROUTE_C_PREFETCH": "x", "CARRIER_LOG_LEVEL": "x"}, []string{`"a" is named twice`, `"B" is none`, `CARRIER_LOG_LEVEL="x"`, `CARRIER_ROUTE_C_PREFETCH="x"`}},
		"dead letters to nowhere": {mailAndOrders(map[string]string{"CARRIER_ROUTE_MAIL_PUBSUB_SUBSCRIPTION": "jobs", "CARRIER_REJECT_ACTION": "dead-letter"}), []string{`CARRIER_REJECT_ACTION="dead-letter": needs a topic for dead letters with the pubsub receiver: CARRIER_ROUTE_MAIL_DEAD_LETTER_TOPIC`}},
		"two sources of its own":  {mailAndOrders(map[string]string{"CARRIER_ROUTE_MAIL_PUBSUB_SUBSCRIPTION": "jobs", "CARRIER_ROUTE_MAIL_SQS_WAIT_TIME": "1s"}), []string{`CARRIER_ROUTE_MAIL_RECEIVER (not set): must be set where both CARRIER_ROUTE_MAIL_SQS_WAIT_TIME and CARRIER_ROUTE_MAIL_PUBSUB_SUBSCRIPTION are`}},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, tt.vars)
			_, _, err := Load(all)
			lines := strings.Split(fmt.Sprint(err), "\n")
			if len(lines) != len(tt.want) {
				t.Fatalf("%d faults, want %d:\n%v", len(lines), len(tt.want), err)
			}
			for i, want := range tt.want {
				if !strings.Contains(lines[i], want) {
					t.Errorf("fault %s, want %s", lines[i], want)
				}
			}
		})
	}
}

func TestWhatNobodyReadsIsWarnedAboutWithRoutes(t *testing.T) {
	for name, tt := range map[string]struct {
		vars map[string]string
		want []string
	}{
		"a name of a route that is unknown": {mailAndOrders(map[string]string{"CARRIER_ROUTE_MAIL_CONCURENCY": "1"}), []string{"CARRIER_ROUTE_MAIL_CONCURENCY: unknown variable, the nearest known one is CARRIER_ROUTE_MAIL_CONCURRENCY"}},
		"a process-wide one that is":        {mailAndOrders(map[string]string{"CARRIER_CONCURENCY": "1"}), []string{"CARRIER_CONCURENCY: unknown variable, the nearest known one is CARRIER_CONCURRENCY"}},
		"a route's of the process":          {mailAndOrders(map[string]string{"CARRIER_ROUTE_MAIL_DRAIN_TIMEOUT": "1s"}), []string{"CARRIER_ROUTE_MAIL_DRAIN_TIMEOUT: has no effect, it is not a route's but the process's: CARRIER_DRAIN_TIMEOUT"}},
		"a route that is not named":         {mailAndOrders(map[string]string{"CARRIER_ROUTE_MIAL_CONCURRENCY": "1"}), []string{"CARRIER_ROUTE_MIAL_CONCURRENCY: has no effect, it begins like no route of CARRIER_ROUTES"}},
		"no routes":                         {map[string]string{"CARRIER_ROUTE_MAIL_CONCURRENCY": "1"}, []string{"CARRIER_ROUTE_MAIL_CONCURRENCY: has no effect without CARRIER_ROUTES"}},
		"a topic without routes":            {map[string]string{"CARRIER_INGEST_TOPIC": "/a"}, []string{"CARRIER_INGEST_TOPIC: has no effect without CARRIER_ROUTES"}},
		"a weight for all":                  {mailAndOrders(map[string]string{"CARRIER_WEIGHT": "1"}), []string{"CARRIER_WEIGHT: is read for a route alone: CARRIER_ROUTE_<NAME>_WEIGHT"}},
		"a source that the route has not":   {mailAndOrders(map[string]string{"CARRIER_ROUTE_MAIL_SQS_QUEUE_NAME": "q", "CARRIER_ROUTE_MAIL_INGEST_LEASE": "1m"}), []string{"CARRIER_ROUTE_MAIL_INGEST_LEASE: has no effect with the sqs receiver"}},
		"a source that no route has":        {mailAndOrders(map[string]string{"CARRIER_SQS_BATCH_SIZE": "1"}), []string{"CARRIER_SQS_BATCH_SIZE: has no effect, no route has the sqs receiver"}},
		"a source that one route has":       {mailAndOrders(map[string]string{"CARRIER_ROUTE_MAIL_SQS_QUEUE_NAME": "q", "CARRIER_SQS_BATCH_SIZE": "1"}), nil},
		"a risk of one":                     {mailAndOrders(map[string]string{"CARRIER_ROUTE_MAIL_WEBHOOK_TLS_INSECURE_SKIP_VERIFY": "true"}), []string{"CARRIER_ROUTE_MAIL_WEBHOOK_TLS_INSECURE_SKIP_VERIFY: the worker's certificate is not checked"}},
		"a risk of all, once":               {mailAndOrders(map[string]string{"CARRIER_WEBHOOK_TLS_INSECURE_SKIP_VERIFY": "true"}), []string{"CARRIER_WEBHOOK_TLS_INSECURE_SKIP_VERIFY: the worker's certificate is not checked"}},
		"what Kubernetes makes":             {mailAndOrders(map[string]string{"CARRIER_ROUTE_MAIL_SERVICE_HOST": "10.0.0.1", "CARRIER_SERVICE_HOST": "10.0.0.1"}), nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, warnings, faults := load(t, tt.vars)
			if faults != nil || len(warnings) != len(tt.want) {
				t.Fatalf("warnings %q, faults %v; want %q", warnings, faults, tt.want)
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(warnings[i], want) {
					t.Errorf("warning %s, want %s", warnings[i], want)
				}
			}
		})
	}
}

func TestReadinessCountsAWorkerBesideCarrier(t *testing.T) {
	for endpoint, want := range map[string]bool{
		"http://localhost:9000": true, "http://127.0.0.2/x": true, "http://[::1]:80": true, "unix:///w.sock:/hook": true,
		"http://mailer/hook": false, "https://10.0.0.1": false,
	} {
		c := good(t, mailAndOrders(map[string]string{"CARRIER_ROUTE_MAIL_WEBHOOK_ENDPOINT": endpoint}))
		if c.Routes[0].Readiness != want || !c.Routes[1].Readiness {
			t.Errorf("%s: %v, want %v", endpoint, c.Routes[0].Readiness, want)
		}
	}
	c := good(t, mailAndOrders(map[string]string{
		"CARRIER_ROUTE_MAIL_WEBHOOK_ENDPOINT": "http://mailer", "CARRIER_ROUTE_MAIL_READINESS": "true", "CARRIER_ROUTE_ORDERS_EU_READINESS": "false",
	}))
	if !c.Routes[0].Readiness || c.Routes[1].Readiness {
		t.Error("what is set does not win")
	}
}

func TestConfigurationOfEveryRouteIsWritten(t *testing.T) {
	vars := mailAndOrders(map[string]string{"CARRIER_CONCURRENCY": "4", "CARRIER_ROUTE_MAIL_WEBHOOK_HEADERS": "A:hunter2", "CARRIER_ROUTE_MAIL_WEIGHT": "3"})
	out := written(t, good(t, vars))
	for _, line := range []string{
		"CARRIER_ROUTES=mail,orders-eu", "CARRIER_DRAIN_TIMEOUT=20s", "CARRIER_ROUTE_MAIL_CONCURRENCY=4", "CARRIER_ROUTE_ORDERS_EU_CONCURRENCY=4",
		"CARRIER_ROUTE_MAIL_WEBHOOK_HEADERS=REDACTED", "CARRIER_ROUTE_ORDERS_EU_WEBHOOK_HEADERS=", "CARRIER_ROUTE_MAIL_WEIGHT=3", "CARRIER_ROUTE_ORDERS_EU_READINESS=true",
		"CARRIER_ROUTE_MAIL_INGEST_TOPIC=/",
	} {
		if !strings.Contains(out, line+"\n") {
			t.Errorf("no %s in\n%s", line, out)
		}
	}
	if strings.Contains(out, "\nCARRIER_CONCURRENCY=") || strings.Contains(out, "hunter2") {
		t.Errorf("what is no route's, or a secret, is written:\n%s", out)
	}
	again := map[string]string{}
	for line := range strings.Lines(out) {
		if name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "="); value != "" && value != redact.Mark {
			again[name] = value
		}
	}
	again["CARRIER_ROUTE_MAIL_WEBHOOK_HEADERS"] = "A:hunter2"
	if second := written(t, good(t, again)); second != out {
		t.Errorf("read again\n%s\nwant\n%s", second, out)
	}
	if strings.Contains(written(t, good(t, nil)), "WEIGHT") {
		t.Error("a weight of the route without a name")
	}
}

// FuzzRoutes gives CARRIER_ROUTES and one variable of a route any value.
func FuzzRoutes(f *testing.F) {
	f.Add("mail,orders", "MAIL_WEBHOOK_HEADERS", "A:b")
	f.Add("a,,A,a-b,a", "A_B_SQS_QUEUE_URL", "http://u:p@h/")
	f.Add(strings.Repeat("x,", 70), "X_WEIGHT", "-1")
	f.Fuzz(func(t *testing.T, routes, name, value string) {
		clean := func(s string) string { return strings.NewReplacer("\x00", "", "=", "").Replace(s) }
		c, warnings, faults := load(t, map[string]string{"CARRIER_ROUTES": clean(routes), routenames.Prefix + clean(name): clean(value)})
		if faults == nil {
			written(t, c)
			if len(c.Routes) == 0 || len(c.Routes) > routenames.Most {
				t.Errorf("%d routes", len(c.Routes))
			}
		}
		for _, fault := range faults {
			if !strings.HasPrefix(fault.Variable, prefix) || fault.Want == "" || strings.Contains(fault.String(), "\n") {
				t.Errorf("fault %q", fault)
			}
		}
		_ = warnings
	})
}

func TestAFaultOfARouteHasNothingElseWarnedAbout(t *testing.T) {
	for name, c := range map[string]struct {
		vars map[string]string
		want []string
	}{
		"names that are none": {map[string]string{"CARRIER_ROUTES": "Mail", "CARRIER_INGEST_LEASE": "1m"}, nil},
		"a route that falls back to itself": {
			map[string]string{"CARRIER_ROUTES": "mail", "CARRIER_ROUTE_MAIL_FALLBACK": "mail", "CARRIER_INGEST_LEASE": "1m"},
			[]string{"CARRIER_INGEST_LEASE: has no effect, no route has the ingest receiver"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if _, warnings, faults := load(t, c.vars); len(faults) != 1 || !slices.Equal(warnings, c.want) {
				t.Errorf("faults %v, warnings %q; want one fault and %q", faults, warnings, c.want)
			}
		})
	}
}
