package charts

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"carrier/charts/test/render"
)

// drainHeader tells /drain that a hook asks, and not a page that a browser was led to.
var drainHeader = corev1.HTTPHeader{Name: "X-Carrier-Drain", Value: "yes"}

// settling is how long carrier may take past its drain timeout.
const settling = 5 * time.Second

// TestPodLivesUntilAllIsDrained holds every case's grace period against the times of its
// parts: carrier's drain first, and then the worker's own end.
func TestPodLivesUntilAllIsDrained(t *testing.T) {
	for name, values := range cases(t) {
		t.Run(name, func(t *testing.T) {
			drain := 20 * time.Second
			if text, ok := at(values, "config.CARRIER_DRAIN_TIMEOUT").(string); ok {
				drain = duration(t, text)
			}
			shutdown := 10.0
			if seconds, ok := at(values, "worker.shutdownSeconds").(float64); ok {
				shutdown = seconds
			}
			least := drain + settling + time.Duration(shutdown)*time.Second
			grace := time.Duration(*podOf(t, rendered(t, values)).Spec.TerminationGracePeriodSeconds) * time.Second
			if grace < least {
				t.Errorf("grace period %v, less than %v", grace, least)
			}
			if at(values, "pod.terminationGracePeriodSeconds") == nil && grace >= least+time.Second {
				t.Errorf("grace period %v for %v", grace, least)
			}
		})
	}
}

func TestGracePeriodRoundsUpAnyDuration(t *testing.T) {
	for text, want := range map[string]int64{
		"20s": 35, "0s": 15, "0": 15, "1m30s": 105, "1.5h": 5415, "12h": 43215, "1ms": 16, "1500ms": 17, "1s1ns": 17,
	} {
		values := with(cases(t)["minimal"], "config.CARRIER_DRAIN_TIMEOUT", text)
		if grace := *podOf(t, rendered(t, values)).Spec.TerminationGracePeriodSeconds; grace != want {
			t.Errorf("drain timeout %s: grace period %d s, want %d", text, grace, want)
		}
	}
}

// TestBothContainersWaitForTheDrain: both hooks start at once, and a native sidecar is
// sent its SIGTERM only when the worker has ended.
func TestBothContainersWaitForTheDrain(t *testing.T) {
	for name, values := range cases(t) {
		t.Run(name, func(t *testing.T) {
			if isJob(values) {
				return // TestAJobHoldsItsWorkerUntilCarrierHasDrained
			}
			pod := podOf(t, rendered(t, values))
			admin := adminPort(values)
			if hook := preStop(container(t, pod, "carrier")); hook != nil || len(pod.Spec.InitContainers) > 0 {
				isDrain(t, "carrier's hook", hook, admin)
			}
			worker := preStop(container(t, pod, "worker"))
			switch at(values, "worker.preStop") {
			case "none":
				if worker != nil {
					t.Errorf("the worker's hook is %v", worker)
				}
			case "sleep":
				grace := *pod.Spec.TerminationGracePeriodSeconds
				if worker == nil || worker.Sleep == nil || worker.Sleep.Seconds < 25 || worker.Sleep.Seconds >= grace {
					t.Errorf("the worker's hook is %v, grace period %d s", worker, grace)
				}
			default:
				isDrain(t, "the worker's hook", worker, admin)
			}
		})
	}
}

func preStop(c corev1.Container) *corev1.LifecycleHandler {
	if c.Lifecycle == nil {
		return nil
	}
	return c.Lifecycle.PreStop
}

// isDrain wants the port as a number: a name is looked up in the hook's own container. It
// wants the header too, without which /drain answers 403 to those who have no token.
func isDrain(t *testing.T, name string, hook *corev1.LifecycleHandler, port int32) {
	t.Helper()
	if hook == nil || hook.HTTPGet == nil || hook.HTTPGet.Path != "/drain" || hook.HTTPGet.Port.IntVal != port {
		t.Errorf("%s is %v", name, hook)
		return
	}
	if !slices.Contains(hook.HTTPGet.HTTPHeaders, drainHeader) {
		t.Errorf("%s sends %v", name, hook.HTTPGet.HTTPHeaders)
	}
}

func TestHooksSendTheAdminToken(t *testing.T) {
	values := with(cases(t)["minimal"], "secrets.CARRIER_ADMIN_TOKEN", map[string]any{"name": "orders-carrier", "key": "admin-token"})
	pod := podOf(t, rendered(t, values))
	for _, name := range []string{"carrier", "worker"} {
		headers := preStop(container(t, pod, name)).HTTPGet.HTTPHeaders
		if !slices.Equal(headers, []corev1.HTTPHeader{drainHeader, {Name: "Authorization", Value: "Bearer s3cret"}}) {
			t.Errorf("%s sends %v", name, headers)
		}
	}
}

// TestAdminTokenStaysOutOfThePodWithoutHooks is the way for clusters in which the chart is
// rendered elsewhere, and for those who want the token in no specification.
func TestAdminTokenStaysOutOfThePodWithoutHooks(t *testing.T) {
	values := with(cases(t)["minimal"], "secrets.CARRIER_ADMIN_TOKEN", map[string]any{"name": "orders-carrier", "key": "admin-token"})
	values = with(with(values, "sidecar.native", false), "worker.preStop", "sleep")
	r := release(values)
	for _, found := range []map[string]map[string]string{nil, secrets()} {
		r.Secrets = found
		manifests, err := render.Helm4(chart, r)
		if err != nil {
			t.Fatal(err)
		}
		if text := fmt.Sprint(manifests); strings.Contains(text, "s3cret") || strings.Contains(text, "Bearer") {
			t.Error("the token stands in the specification")
		}
	}
}

func TestProbesAskTheAdminPort(t *testing.T) {
	for name, values := range cases(t) {
		t.Run(name, func(t *testing.T) {
			carrier := container(t, podOf(t, rendered(t, values)), "carrier")
			if adminPort(values) == 0 {
				if carrier.StartupProbe != nil || carrier.LivenessProbe != nil || carrier.ReadinessProbe != nil {
					t.Error("a probe asks a port that is closed")
				}
				return
			}
			asks(t, "startup", carrier.StartupProbe, "/livez", adminPort(values)) // /readyz would wait for the worker, which waits for this
			asks(t, "liveness", carrier.LivenessProbe, "/livez", adminPort(values))
			asks(t, "readiness", carrier.ReadinessProbe, "/readyz", adminPort(values))
		})
	}
}

func asks(t *testing.T, name string, probe *corev1.Probe, path string, port int32) {
	t.Helper()
	if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Path != path || probe.HTTPGet.Port.IntVal != port {
		t.Errorf("the %s probe is %v", name, probe)
	}
}

// TestNativeSidecarStartsBeforeTheWorker: what makes it one is where it stands, and its
// restart policy; as a plain container it has neither.
func TestNativeSidecarStartsBeforeTheWorker(t *testing.T) {
	for name, values := range cases(t) {
		t.Run(name, func(t *testing.T) {
			if isJob(values) {
				return
			}
			pod := podOf(t, rendered(t, values))
			policy := container(t, pod, "carrier").RestartPolicy
			if native := at(values, "sidecar.native") != false; native {
				if pod.Spec.InitContainers[0].Name != "carrier" || policy == nil || *policy != corev1.ContainerRestartPolicyAlways {
					t.Errorf("restart policy %v in %v", policy, pod.Spec.InitContainers)
				}
			} else if policy != nil || len(pod.Spec.InitContainers) > 0 {
				t.Errorf("restart policy %v, init containers %v", policy, pod.Spec.InitContainers)
			}
		})
	}
}
