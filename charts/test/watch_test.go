package charts

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

func file(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chart, "files", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// alerts are those of files/alerts.yaml, by name.
func alerts(t *testing.T, spec monitoring.PrometheusRuleSpec) map[string]monitoring.Rule {
	t.Helper()
	all := map[string]monitoring.Rule{}
	for _, group := range spec.Groups {
		for _, rule := range group.Rules {
			all[rule.Alert] = rule
		}
	}
	return all
}

func plainAlerts(t *testing.T) map[string]monitoring.Rule {
	t.Helper()
	var spec monitoring.PrometheusRuleSpec
	if err := yaml.UnmarshalStrict([]byte(file(t, "alerts.yaml")), &spec); err != nil {
		t.Fatal(err)
	}
	return alerts(t, spec)
}

func TestPodMonitorFindsTheAdminPort(t *testing.T) {
	for _, name := range []string{"scaled-sqs", "scaled-ingest"} {
		t.Run(name, func(t *testing.T) {
			objects := rendered(t, cases(t)[name])
			monitor := only[*monitoring.PodMonitor](t, objects)
			pod := podOf(t, objects)
			selector := monitor.Spec.Selector.MatchLabels
			if len(selector) == 0 || !labels.SelectorFromSet(selector).Matches(labels.Set(pod.Labels)) {
				t.Errorf("it selects %v, the pods are %v", selector, pod.Labels)
			}
			endpoints := monitor.Spec.PodMetricsEndpoints
			if len(endpoints) != 1 || endpoints[0].Path != "/metrics" || endpoints[0].Port == nil {
				t.Fatalf("it scrapes %+v", endpoints)
			}
			ports := container(t, pod, "carrier").Ports
			if !slices.ContainsFunc(ports, func(p corev1.ContainerPort) bool { return p.Name == *endpoints[0].Port && p.ContainerPort == 9010 }) {
				t.Errorf("it scrapes %s, open are %v", *endpoints[0].Port, ports)
			}
		})
	}
}

func TestRulesAreTheFileWithWhatIsSet(t *testing.T) {
	plain := plainAlerts(t)
	if got := alerts(t, only[*monitoring.PrometheusRule](t, rendered(t, cases(t)["scaled-ingest"])).Spec); !reflect.DeepEqual(got, plain) {
		t.Errorf("the rules are not those of the file: %v", got)
	}
	got := alerts(t, only[*monitoring.PrometheusRule](t, rendered(t, cases(t)["scaled-sqs"])).Spec)
	if _, there := got["CarrierDeadLetters"]; there || len(got) != len(plain)-1 {
		t.Errorf("%d rules, of %d and one turned off", len(got), len(plain))
	}
	grown := got["CarrierAgeGrowing"]
	if *grown.For != "30m" || grown.Labels["severity"] != "critical" || grown.Expr != plain["CarrierAgeGrowing"].Expr {
		t.Errorf("what was set: %+v", grown)
	}
	for name, rule := range got {
		want := "https://git.example.com/carrier/blob/main/docs/operations.md#" + strings.ToLower(name)
		if name == "CarrierWorkerDown" {
			want = "https://wiki.example.com/worker"
		}
		if rule.Annotations["runbook_url"] != want || rule.Annotations["summary"] != plain[name].Annotations["summary"] {
			t.Errorf("%s: %v", name, rule.Annotations)
		}
	}
}

func TestDashboardIsTheFileForGrafanasSidecar(t *testing.T) {
	config := only[*corev1.ConfigMap](t, rendered(t, cases(t)["scaled-sqs"]))
	if config.Labels["grafana_dashboard"] != "1" || config.Namespace != "monitoring" || config.Annotations["grafana_folder"] != "queues" {
		t.Errorf("%s in %s, labels %v, annotations %v", config.Name, config.Namespace, config.Labels, config.Annotations)
	}
	if keys := slices.Collect(maps.Keys(config.Data)); !slices.Equal(keys, []string{"carrier.json"}) || strings.TrimSpace(config.Data["carrier.json"]) != strings.TrimSpace(file(t, "dashboard.json")) {
		t.Errorf("%v is not the file", keys)
	}
}

func TestNothingOfThisIsThereUnlessAskedFor(t *testing.T) {
	for _, name := range []string{"minimal", "sqs", "pubsub", "ingest"} {
		objects := rendered(t, cases(t)[name])
		n := len(of[*keda.ScaledObject](objects)) + len(of[*autoscalingv2.HorizontalPodAutoscaler](objects)) + len(of[*corev1.ConfigMap](objects)) +
			len(of[*monitoring.PodMonitor](objects)) + len(of[*monitoring.PrometheusRule](objects))
		if n != 0 {
			t.Errorf("%s: %d objects", name, n)
		}
	}
}
