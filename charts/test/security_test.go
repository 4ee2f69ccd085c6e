package charts

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// violations are what the Pod Security Standard "restricted" has against a pod.
func violations(t *testing.T, pod corev1.PodTemplateSpec) []string {
	t.Helper()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	var found []string
	for _, result := range evaluator.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec) {
		if !result.Allowed {
			found = append(found, result.ForbiddenReason+": "+result.ForbiddenDetail)
		}
	}
	return found
}

func TestEveryPodIsWithinRestricted(t *testing.T) {
	for name, values := range cases(t) {
		t.Run(name, func(t *testing.T) {
			pod := podOf(t, rendered(t, values))
			if found := violations(t, pod); len(found) > 0 {
				t.Errorf("%s", strings.Join(found, "\n"))
			}
			if pod.Spec.AutomountServiceAccountToken == nil || *pod.Spec.AutomountServiceAccountToken {
				t.Error("the pod holds a token of the Kubernetes API")
			}
		})
	}
}

func TestEvaluatorSeesEachViolation(t *testing.T) {
	for name, spoil := range map[string]func(*corev1.PodTemplateSpec, *corev1.Container){
		"a capability": func(_ *corev1.PodTemplateSpec, c *corev1.Container) { c.SecurityContext.Capabilities = nil },
		"root":         func(_ *corev1.PodTemplateSpec, c *corev1.Container) { c.SecurityContext.RunAsNonRoot = new(bool) },
		"escalation":   func(_ *corev1.PodTemplateSpec, c *corev1.Container) { c.SecurityContext.AllowPrivilegeEscalation = nil },
		"no seccomp": func(p *corev1.PodTemplateSpec, c *corev1.Container) {
			p.Spec.SecurityContext.SeccompProfile, c.SecurityContext.SeccompProfile = nil, nil
		},
	} {
		pod := podOf(t, rendered(t, cases(t)["minimal"]))
		spoil(&pod, &pod.Spec.InitContainers[0])
		if len(violations(t, pod)) == 0 {
			t.Errorf("%s is not seen", name)
		}
	}
}

// TestCarrierIsRestrictedInAnyPod looks at the container alone: included in another
// chart, its pod may say nothing.
func TestCarrierIsRestrictedInAnyPod(t *testing.T) {
	for name, values := range cases(t) {
		t.Run(name, func(t *testing.T) {
			carrier := container(t, podOf(t, rendered(t, values)), "carrier")
			alone := corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{carrier}}}
			if found := violations(t, alone); len(found) > 0 {
				t.Errorf("%s", strings.Join(found, "\n"))
			}
			if readOnly := carrier.SecurityContext.ReadOnlyRootFilesystem; readOnly == nil || !*readOnly {
				t.Error("the root file system can be written")
			}
		})
	}
}

// TestMemoryIsLimitedAndLeftToCarrier: carrier takes nine tenths of the container's limit
// as the collector's; a GOMEMLIMIT would take its place.
func TestMemoryIsLimitedAndLeftToCarrier(t *testing.T) {
	for name, values := range cases(t) {
		t.Run(name, func(t *testing.T) {
			carrier := container(t, podOf(t, rendered(t, values)), "carrier")
			if carrier.Resources.Limits.Memory().IsZero() || carrier.Resources.Requests.Memory().IsZero() {
				t.Errorf("resources %v", carrier.Resources)
			}
			if slices.ContainsFunc(carrier.Env, func(e corev1.EnvVar) bool { return e.Name == "GOMEMLIMIT" }) {
				t.Error("GOMEMLIMIT is set")
			}
		})
	}
}
