package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// withFallbacks is an environment with two routes that receive, two that may be named, and more.
func withFallbacks(more map[string]string) map[string]string {
	vars := map[string]string{"CARRIER_ROUTES": "orders,mail,backup,archive"}
	maps.Copy(vars, more)
	return vars
}

func TestARouteThatIsNamedReceivesNothing(t *testing.T) {
	for name, tt := range map[string]struct {
		vars map[string]string
		want string // each route's name, receiver and fallbacks
	}{
		"by one route":                       {map[string]string{"CARRIER_ROUTE_ORDERS_FALLBACK": "backup, archive"}, "orders ingest [backup archive], mail ingest [], backup  [], archive  []"},
		"whatever is set":                    {map[string]string{"CARRIER_ROUTE_ORDERS_FALLBACK": "backup", "CARRIER_ROUTE_BACKUP_RECEIVER": "sqs", "CARRIER_ROUTE_BACKUP_SQS_BATCH_SIZE": "3"}, "orders ingest [backup], mail ingest [], backup  [], archive ingest []"},
		"whatever is set for all":            {map[string]string{"CARRIER_ROUTE_ORDERS_FALLBACK": "backup", "CARRIER_SQS_QUEUE_NAME": "q"}, "orders sqs [backup], mail sqs [], backup  [], archive sqs []"},
		"by two, each in its own order":      {map[string]string{"CARRIER_ROUTE_ORDERS_FALLBACK": "backup,archive", "CARRIER_ROUTE_MAIL_FALLBACK": "archive,backup"}, "orders ingest [backup archive], mail ingest [archive backup], backup  [], archive  []"},
		"by all that receive":                {map[string]string{"CARRIER_FALLBACK": "backup,archive"}, "orders ingest [backup archive], mail ingest [backup archive], backup  [], archive  []"},
		"one says otherwise than the others": {map[string]string{"CARRIER_FALLBACK": "backup", "CARRIER_ROUTE_MAIL_FALLBACK": "archive"}, "orders ingest [backup], mail ingest [archive], backup  [], archive  []"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, r := range good(t, withFallbacks(tt.vars)).Routes {
				got = append(got, fmt.Sprint(r.Name, " ", r.Receiver, " ", []string(r.Fallback.Names)))
			}
			if all := strings.Join(got, ", "); all != tt.want {
				t.Errorf("got  %s\nwant %s", all, tt.want)
			}
		})
	}
}

func TestFallbacksThatCannotBeAreFaults(t *testing.T) {
	const chain = "must not be set: the route receives nothing itself, since that of the route "
	var nine []string
	for i := range 9 {
		nine = append(nine, fmt.Sprintf("r%d", i))
	}
	for name, tt := range map[string]struct {
		vars map[string]string
		want []string
	}{
		"no routes":              {map[string]string{"CARRIER_FALLBACK": "backup"}, []string{`CARRIER_FALLBACK="backup": must not be set without CARRIER_ROUTES, whose routes it names`}},
		"names that are unknown": {withFallbacks(map[string]string{"CARRIER_ROUTE_ORDERS_FALLBACK": "backup,spare,,Mail"}), []string{`CARRIER_ROUTE_ORDERS_FALLBACK="backup,spare,,Mail": must be names of routes that CARRIER_ROUTES has, each once; "spare" is none, "" is none, "Mail" is none`}},
		"unknown for all, once":  {withFallbacks(map[string]string{"CARRIER_FALLBACK": "spare"}), []string{`CARRIER_FALLBACK="spare": must be names of routes that CARRIER_ROUTES has, each once; "spare" is none`}},
		"named twice":            {withFallbacks(map[string]string{"CARRIER_ROUTE_ORDERS_FALLBACK": "backup,backup"}), []string{`each once; "backup" is named twice`}},
		"the route itself":       {withFallbacks(map[string]string{"CARRIER_ROUTE_ORDERS_FALLBACK": "backup,orders"}), []string{`CARRIER_ROUTE_ORDERS_FALLBACK="backup,orders": must not name the route itself`}},
		"a chain":                {withFallbacks(map[string]string{"CARRIER_ROUTE_ORDERS_FALLBACK": "backup", "CARRIER_ROUTE_BACKUP_FALLBACK": "archive"}), []string{`CARRIER_ROUTE_BACKUP_FALLBACK="archive": ` + chain + `orders names it`}},
		"a circle":               {withFallbacks(map[string]string{"CARRIER_ROUTE_ORDERS_FALLBACK": "mail", "CARRIER_ROUTE_MAIL_FALLBACK": "orders"}), []string{`CARRIER_ROUTE_ORDERS_FALLBACK="mail": ` + chain + `mail`, `CARRIER_ROUTE_MAIL_FALLBACK="orders": ` + chain + `orders`}},
		"nobody is left":         {withFallbacks(map[string]string{"CARRIER_FALLBACK": "orders,mail,backup,archive"}), []string{`CARRIER_FALLBACK="orders,mail,backup,archive": must leave a route that receives messages itself`}},
		"too many":               {map[string]string{"CARRIER_ROUTES": "orders," + strings.Join(nine, ","), "CARRIER_ROUTE_ORDERS_FALLBACK": strings.Join(nine, ",")}, []string{`must be at most 8 names; there are 9`}},
		"routes that are wrong":  {map[string]string{"CARRIER_ROUTES": "orders,Backup", "CARRIER_ROUTE_ORDERS_FALLBACK": "Backup"}, []string{`CARRIER_ROUTES="orders,Backup"`}},
		"everything at once":     {withFallbacks(map[string]string{"CARRIER_ROUTE_ORDERS_FALLBACK": "spare", "CARRIER_ROUTE_ORDERS_CHANNEL_TIMEOUT": "0", "CARRIER_ROUTE_MAIL_FALLBACK": "mail"}), []string{`"spare" is none`, `CARRIER_ROUTE_ORDERS_CHANNEL_TIMEOUT="0"`, `must not name the route itself`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, faults := load(t, tt.vars)
			if len(faults) != len(tt.want) {
				t.Fatalf("%d faults, want %d:\n%v", len(faults), len(tt.want), faults)
			}
			for i, want := range tt.want {
				if !strings.Contains(faults[i].String(), want) {
					t.Errorf("fault %s, want %s", faults[i], want)
				}
			}
		})
	}
}

func TestARouteThatIsNamedServesThoseThatNameIt(t *testing.T) {
	c := good(t, withFallbacks(map[string]string{
		"CARRIER_FALLBACK": "backup,archive", "CARRIER_ROUTE_ORDERS_CONCURRENCY": "3", "CARRIER_ROUTE_MAIL_CONCURRENCY": "4",
		"CARRIER_ROUTE_ARCHIVE_CONCURRENCY": "2", "CARRIER_ROUTE_ARCHIVE_READINESS": "true",
		"CARRIER_ROUTE_MAIL_CHANNEL_TIMEOUT": "1m",
	}))
	orders, mail, backup, archive := c.Routes[0], c.Routes[1], c.Routes[2], c.Routes[3]
	for what, ok := range map[string]bool{
		"half an hour":               orders.Fallback.ChannelTimeout == 30*time.Minute,
		"its own time":               mail.Fallback.ChannelTimeout == time.Minute,
		"as many as those hold":      backup.Concurrency == 7 && backup.Webhook.BreakerFailures == 7,
		"what is set":                archive.Concurrency == 2 && archive.Webhook.BreakerFailures == 5,
		"it does not count":          !backup.Readiness && archive.Readiness && orders.Readiness,
		"nor is it in flight":        c.MostInFlight() == 7,
		"whose it is":                slices.Equal(backup.Fallback.For, []string{"orders", "mail"}) && backup.IsFallback() && !orders.IsFallback(),
		"no fallback without a name": good(t, nil).Routes[0].Fallback.ChannelTimeout == 0,
	} {
		if !ok {
			t.Errorf("%s: %+v", what, c.Routes)
		}
	}
	if out := written(t, c); !strings.Contains(out, "CARRIER_ROUTE_ORDERS_FALLBACK=backup,archive\n") || !strings.Contains(out, "CARRIER_ROUTE_BACKUP_RECEIVER=\n") ||
		!strings.Contains(out, "CARRIER_ROUTE_BACKUP_CHANNEL_TIMEOUT=\n") {
		t.Errorf("written:\n%s", out)
	}
}

func TestWhatHasNoEffectWithFallbacksIsWarnedAbout(t *testing.T) {
	named := map[string]string{"CARRIER_ROUTE_ORDERS_FALLBACK": "backup"}
	with := func(more map[string]string) map[string]string {
		maps.Copy(more, named)
		return withFallbacks(more)
	}
	const nothing = ": has no effect, the route receives nothing itself: it is in CARRIER_FALLBACK of the route orders"
	for name, tt := range map[string]struct {
		vars map[string]string
		want []string
	}{
		"a receiver":                  {with(map[string]string{"CARRIER_ROUTE_BACKUP_SQS_QUEUE_NAME": "q"}), []string{"CARRIER_ROUTE_BACKUP_SQS_QUEUE_NAME" + nothing}},
		"a subscription":              {with(map[string]string{"CARRIER_ROUTE_BACKUP_INGEST_TOPIC": "/a"}), []string{"CARRIER_ROUTE_BACKUP_INGEST_TOPIC" + nothing}},
		"retries":                     {with(map[string]string{"CARRIER_ROUTE_BACKUP_RETRY_MAX_ATTEMPTS": "2"}), []string{"CARRIER_ROUTE_BACKUP_RETRY_MAX_ATTEMPTS" + nothing}},
		"its transmitter's":           {with(map[string]string{"CARRIER_ROUTE_BACKUP_WEBHOOK_RATE_LIMIT": "1/s", "CARRIER_ROUTE_BACKUP_CONCURRENCY": "2", "CARRIER_ROUTE_BACKUP_INGEST_REPLAY": "true"}), nil},
		"a source for all":            {with(map[string]string{"CARRIER_SQS_BATCH_SIZE": "2"}), []string{"CARRIER_SQS_BATCH_SIZE: has no effect, no route has the sqs receiver"}},
		"a time without a fallback":   {withFallbacks(map[string]string{"CARRIER_CHANNEL_TIMEOUT": "1m"}), []string{"CARRIER_CHANNEL_TIMEOUT: has no effect without CARRIER_FALLBACK"}},
		"a time of one without":       {with(map[string]string{"CARRIER_ROUTE_MAIL_CHANNEL_TIMEOUT": "1m"}), []string{"CARRIER_ROUTE_MAIL_CHANNEL_TIMEOUT: has no effect without CARRIER_FALLBACK"}},
		"a time for all, used by one": {with(map[string]string{"CARRIER_CHANNEL_TIMEOUT": "1m"}), nil},
		"given up before": {with(map[string]string{"CARRIER_MESSAGE_TIMEOUT": "20m"}), []string{
			"CARRIER_ROUTE_ORDERS_CHANNEL_TIMEOUT: a message is given up after CARRIER_MESSAGE_TIMEOUT, 20m0s, before its age has it go on to backup after 30m0s"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, warnings, faults := load(t, tt.vars)
			if faults != nil || !slices.Equal(warnings, tt.want) {
				t.Errorf("warnings %q, faults %v; want %q", warnings, faults, tt.want)
			}
		})
	}
}
