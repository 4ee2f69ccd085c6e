package charts

import (
	"maps"
	"strings"
	"testing"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/runtime"
)

// workload returns what an autoscaler may scale: kind, name and replicas.
func workload(t *testing.T, objects []runtime.Object) (kind, name string, replicas *int32) {
	t.Helper()
	if sets := of[*appsv1.StatefulSet](objects); len(sets) > 0 {
		return "StatefulSet", sets[0].Name, sets[0].Spec.Replicas
	}
	d := only[*appsv1.Deployment](t, objects)
	return "Deployment", d.Name, d.Spec.Replicas
}

// TestKEDAScalesTheWorkload, on what is waiting and in flight, and takes nobody's queue away.
func TestKEDAScalesTheWorkload(t *testing.T) {
	for name, want := range map[string]struct {
		kind     string
		min      int32
		trigger  string
		metadata map[string]string
		in       autoscalingv2.HPAScalingRules
	}{
		"scaled-sqs": {
			kind: "Deployment", trigger: "aws-sqs-queue",
			metadata: map[string]string{
				"queueURL":  "https://sqs.eu-central-1.amazonaws.com/123456789012/orders",
				"awsRegion": "eu-central-1", "queueLength": "10", "scaleOnInFlight": "true",
			},
			in: window(300),
		},
		"scaled-pubsub": {
			kind: "Deployment", min: 1, trigger: "prometheus",
			metadata: map[string]string{
				"serverAddress": "https://monitoring.googleapis.com/v1/projects/my-project/location/global/prometheus",
				"query":         `sum(pubsub_googleapis_com:subscription_num_undelivered_messages{monitored_resource="pubsub_subscription",subscription_id="orders"})`,
				"threshold":     "50", "ignoreNullValues": "false",
			},
			in: window(600),
		},
		"scaled-nats": {
			kind: "Deployment", min: 1, trigger: "nats-jetstream",
			metadata: map[string]string{
				"natsServerMonitoringEndpoint": "nats.nats.svc:8222", "account": "$G", "stream": "ORDERS", "consumer": "worker", "lagThreshold": "8", "useHttps": "false",
			},
			in: window(300),
		},
		"scaled-ingest": {
			kind: "StatefulSet", min: 1, trigger: "prometheus",
			metadata: map[string]string{
				"serverAddress": "http://prometheus-operated.monitoring.svc:9090",
				"query":         `sum(carrier_ingest_queue_messages{namespace="shop",pod=~"orders-carrier-[0-9]+"})`,
				"threshold":     "1000", "ignoreNullValues": "false",
			},
			in: autoscalingv2.HPAScalingRules{SelectPolicy: new(autoscalingv2.DisabledPolicySelect)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			objects := rendered(t, cases(t)[name])
			scaled := only[*keda.ScaledObject](t, objects)
			kind, called, replicas := workload(t, objects)
			if target := scaled.Spec.ScaleTargetRef; kind != want.kind || target.Kind != kind || target.Name != called || target.APIVersion != "apps/v1" {
				t.Errorf("it scales %+v, there is %s %s", target, kind, called)
			}
			if replicas != nil {
				t.Errorf("the workload says itself that it has %d pods", *replicas)
			}
			if *scaled.Spec.MinReplicaCount != want.min || len(scaled.Spec.Triggers) != 1 {
				t.Fatalf("at least %d pods, triggers %v", *scaled.Spec.MinReplicaCount, scaled.Spec.Triggers)
			}
			if got := scaled.Spec.Triggers[0]; got.Type != want.trigger || !maps.Equal(got.Metadata, want.metadata) {
				t.Errorf("trigger %s %v", got.Type, got.Metadata)
			}
			sameRules(t, *scaled.Spec.Advanced.HorizontalPodAutoscalerConfig.Behavior.ScaleDown, want.in)
			valid(t, scaled)
		})
	}
}

// valid asks KEDA's own checks, which its admission webhook makes.
func valid(t *testing.T, scaled *keda.ScaledObject) {
	t.Helper()
	for _, err := range []error{
		keda.CheckReplicaCountBoundsAreValid(scaled), keda.CheckFallbackValid(scaled), keda.ValidateTriggers(scaled.Spec.Triggers),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	if len(scaled.Spec.Triggers) == 1 && scaled.Spec.Triggers[0].AuthenticationRef == nil && scaled.Spec.Triggers[0].Type != "nats-jetstream" && !strings.Contains(scaled.Spec.Triggers[0].Metadata["query"], "carrier_") {
		t.Error("a cloud is asked without credentials")
	}
}

func window(seconds int32) autoscalingv2.HPAScalingRules {
	return autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: &seconds}
}

func sameRules(t *testing.T, got, want autoscalingv2.HPAScalingRules) {
	t.Helper()
	value := func(r autoscalingv2.HPAScalingRules) (seconds int32, policy autoscalingv2.ScalingPolicySelect) {
		if r.StabilizationWindowSeconds != nil {
			seconds = *r.StabilizationWindowSeconds
		}
		if r.SelectPolicy != nil {
			policy = *r.SelectPolicy
		}
		return seconds, policy
	}
	gotSeconds, gotPolicy := value(got)
	wantSeconds, wantPolicy := value(want)
	if gotSeconds != wantSeconds || gotPolicy != wantPolicy {
		t.Errorf("in after %d s, %q; want %d s, %q", gotSeconds, gotPolicy, wantSeconds, wantPolicy)
	}
}

func TestHorizontalPodAutoscalerFollowsTheWorker(t *testing.T) {
	objects := rendered(t, cases(t)["scaled-cpu"])
	hpa := only[*autoscalingv2.HorizontalPodAutoscaler](t, objects)
	kind, name, replicas := workload(t, objects)
	if target := hpa.Spec.ScaleTargetRef; target.Kind != kind || target.Name != name || replicas != nil {
		t.Errorf("it scales %+v, there is %s %s with replicas %v", target, kind, name, replicas)
	}
	if len(hpa.Spec.Metrics) != 1 || hpa.Spec.Metrics[0].ContainerResource == nil {
		t.Fatalf("metrics %v", hpa.Spec.Metrics)
	}
	metric := hpa.Spec.Metrics[0].ContainerResource
	worker := container(t, podOf(t, objects), metric.Container)
	if metric.Name != "cpu" || metric.Container != "worker" || *metric.Target.AverageUtilization != 70 || worker.Resources.Requests.Cpu().IsZero() {
		t.Errorf("%s of %s at %v", metric.Name, metric.Container, metric.Target)
	}
	sameRules(t, *hpa.Spec.Behavior.ScaleDown, window(300))
}

// TestKEDALooksAtEachRoutesQueue: the routes of ingest share one.
func TestKEDALooksAtEachRoutesQueue(t *testing.T) {
	ingest := `sum(carrier_ingest_queue_messages{namespace="shop",pod=~"orders-carrier-[0-9]+"})`
	for name, want := range map[string][]map[string]string{
		"routes-sqs": {
			{"name": "high", "queue": "https://sqs.eu-central-1.amazonaws.com/123456789012/orders-high", "messages": "20", "authentication": "keda-aws"},
			{"name": "low", "queue": "https://sqs.eu-central-1.amazonaws.com/123456789012/orders-low", "messages": "5", "authentication": "keda-aws"},
		},
		"routes-ingest": {{"name": "", "queue": ingest, "messages": "1000", "authentication": ""}},
		"routes-mixed": {
			{"name": "orders", "queue": "https://sqs.eu-central-1.amazonaws.com/123456789012/orders", "messages": "10", "authentication": "keda-aws"},
			{"name": "", "queue": ingest, "messages": "1000", "authentication": ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			scaled := only[*keda.ScaledObject](t, rendered(t, cases(t)[name]))
			if len(scaled.Spec.Triggers) != len(want) {
				t.Fatalf("triggers %v", scaled.Spec.Triggers)
			}
			for i, trigger := range scaled.Spec.Triggers {
				m := trigger.Metadata
				got := map[string]string{"name": trigger.Name, "queue": m["queueURL"] + m["query"], "messages": m["queueLength"] + m["threshold"], "authentication": ""}
				if trigger.AuthenticationRef != nil {
					got["authentication"] = trigger.AuthenticationRef.Name
				}
				if !maps.Equal(got, want[i]) {
					t.Errorf("trigger %d is %v, not %v", i, got, want[i])
				}
			}
			valid(t, scaled)
		})
	}
}

func TestTriggersOfOnesOwnTakeThePlaceOfTheReceivers(t *testing.T) {
	values := with(cases(t)["scaled-ingest"], "keda.triggers", []any{
		map[string]any{"type": "cron", "metadata": map[string]any{"timezone": "UTC", "start": "0 8 * * *", "end": "0 18 * * *", "desiredReplicas": "3"}},
	})
	scaled := only[*keda.ScaledObject](t, rendered(t, values))
	if len(scaled.Spec.Triggers) != 1 || scaled.Spec.Triggers[0].Type != "cron" {
		t.Errorf("triggers %v", scaled.Spec.Triggers)
	}
}

// TestAnAutoscalerFindsAWorkloadOfOnesOwn: the chart as a library.
func TestAnAutoscalerFindsAWorkloadOfOnesOwn(t *testing.T) {
	values := with(cases(t)["scaled-sqs"], "workload", map[string]any{
		"enabled": false, "kind": "Deployment", "selectorLabels": map[string]any{"app": "orders"},
	})
	target := only[*keda.ScaledObject](t, rendered(t, with(values, "keda.workloadName", "mine"))).Spec.ScaleTargetRef
	if target.Name != "mine" || target.Kind != "Deployment" {
		t.Errorf("it scales %+v", target)
	}
}
