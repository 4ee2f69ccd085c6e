package charts

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
)

// TestAFallbackRouteIsNoIngestRoute: what receives nothing needs neither a volume nor a port for
// producers.
func TestAFallbackRouteIsNoIngestRoute(t *testing.T) {
	orders := map[string]any{"name": "orders", "config": map[string]any{"CARRIER_SQS_QUEUE_NAME": "q"}}
	named := map[string]any{"name": "orders", "config": map[string]any{"CARRIER_SQS_QUEUE_NAME": "q", "CARRIER_FALLBACK": "backup, archive"}}
	backup, archive := map[string]any{"name": "backup"}, map[string]any{"name": "archive", "config": map[string]any{"CARRIER_WEBHOOK_ENDPOINT": "https://archive.example.com"}}
	for name, c := range map[string]struct {
		values  map[string]any
		ingests bool
	}{
		"named by a route":  {with(cases(t)["minimal"], "routes", []any{named, backup, archive}), false},
		"named for all":     {with(with(cases(t)["minimal"], "routes", []any{orders, backup, archive}), "config.CARRIER_FALLBACK", "backup,archive"), false},
		"one that is not":   {with(with(cases(t)["minimal"], "routes", []any{orders, backup, archive}), "config.CARRIER_FALLBACK", "backup"), true},
		"nobody falls back": {with(cases(t)["minimal"], "routes", []any{orders, backup}), true},
	} {
		t.Run(name, func(t *testing.T) {
			objects := rendered(t, c.values)
			stateful := len(of[*appsv1.StatefulSet](objects)) > 0
			volumes := 0
			for _, mount := range container(t, podOf(t, objects), "carrier").VolumeMounts {
				if mount.Name == "carrier-data" {
					volumes++
				}
			}
			if stateful != c.ingests || (volumes > 0) != c.ingests {
				t.Errorf("a StatefulSet: %v, volumes of the queue: %d; want %v", stateful, volumes, c.ingests)
			}
		})
	}
}
