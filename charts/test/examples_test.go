package charts

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"carrier/config"
)

const (
	manifestDir = "../../examples/kubernetes"
	kustomized  = "kustomize/orders"
)

// examples are the objects of the manifests that are used without Helm, by their path.
func examples(t *testing.T) map[string][]runtime.Object {
	t.Helper()
	paths, err := filepath.Glob(manifestDir + "/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no manifests: %v", err)
	}
	all := map[string][]runtime.Object{kustomized: kustomize(t, filepath.Join(manifestDir, kustomized))}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(path)] = decoded(t, map[string]string{path: string(text)})
	}
	return all
}

// kustomize does what kubectl kustomize does.
func kustomize(t *testing.T, dir string) []runtime.Object {
	t.Helper()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatal(err)
	}
	text, err := built.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return decoded(t, map[string]string{dir: string(text)})
}

// environment is what the example gives to carrier, with a word in place of each secret.
func environment(t *testing.T, objects []runtime.Object) map[string]string {
	t.Helper()
	all := map[string]string{}
	carrier := container(t, podOf(t, objects), "carrier")
	for _, from := range carrier.EnvFrom {
		found := false
		for _, values := range of[*corev1.ConfigMap](objects) {
			if values.Name == from.ConfigMapRef.Name {
				found = true
				for name, value := range values.Data {
					all[name] = value
				}
			}
		}
		if !found {
			t.Errorf("there is no ConfigMap %s", from.ConfigMapRef.Name)
		}
	}
	for _, e := range carrier.Env {
		all[e.Name] = e.Value
		if e.ValueFrom != nil {
			all[e.Name] = "s3cret"
		}
	}
	return all
}

func TestExamplesAreWithinRestricted(t *testing.T) {
	for name, objects := range examples(t) {
		t.Run(name, func(t *testing.T) {
			pod := podOf(t, objects)
			if found := violations(t, pod); len(found) > 0 {
				t.Errorf("%s", strings.Join(found, "\n"))
			}
			for kind, selector := range selectors(objects) {
				if len(selector) == 0 || !labels.SelectorFromSet(selector).Matches(labels.Set(pod.Labels)) {
					t.Errorf("%s selects %v, the pods are %v", kind, selector, pod.Labels)
				}
			}
		})
	}
}

func TestExamplesStartAndDrainInOrder(t *testing.T) {
	for name, objects := range examples(t) {
		t.Run(name, func(t *testing.T) {
			pod := podOf(t, objects)
			carrier, worker := container(t, pod, "carrier"), container(t, pod, "worker")
			if links := pod.Spec.EnableServiceLinks; links == nil || *links {
				t.Error("a Service called carrier-something would set carrier's variables")
			}
			if carrier.RestartPolicy == nil || *carrier.RestartPolicy != corev1.ContainerRestartPolicyAlways || len(pod.Spec.InitContainers) != 1 {
				t.Error("carrier is no native sidecar")
			}
			asks(t, "startup", carrier.StartupProbe, "/livez", 9010)
			asks(t, "liveness", carrier.LivenessProbe, "/livez", 9010)
			isDrain(t, "carrier's hook", preStop(carrier), 9010)
			isDrain(t, "the worker's hook", preStop(worker), 9010)
			const ownEnd = 10 * time.Second
			least := duration(t, environment(t, objects)["CARRIER_DRAIN_TIMEOUT"]) + settling + ownEnd
			if grace := time.Duration(*pod.Spec.TerminationGracePeriodSeconds) * time.Second; grace < least {
				t.Errorf("grace period %v, less than %v", grace, least)
			}
		})
	}
}

// TestExamplesTakeProducersInWhileTheWorkerIsAway: /readyz then says no, and a pod that is
// not ready is no longer behind its Service.
func TestExamplesTakeProducersInWhileTheWorkerIsAway(t *testing.T) {
	for name, objects := range examples(t) {
		t.Run(name, func(t *testing.T) {
			carrier, worker := container(t, podOf(t, objects), "carrier"), container(t, podOf(t, objects), "worker")
			if len(of[*corev1.Service](objects)) == 0 {
				asks(t, "readiness", carrier.ReadinessProbe, "/readyz", 9010)
				return
			}
			door := carrier.ReadinessProbe.TCPSocket
			if door == nil || door.Port.IntVal != 8080 || worker.ReadinessProbe != nil {
				t.Errorf("ready by %v and %v", carrier.ReadinessProbe, worker.ReadinessProbe)
			}
		})
	}
}

func TestCarrierAcceptsTheEnvironmentOfTheExamples(t *testing.T) {
	for name, objects := range examples(t) {
		t.Run(name, func(t *testing.T) {
			for variable, value := range environment(t, objects) {
				t.Setenv(variable, value)
			}
			if _, warnings, err := config.Load([]string{config.SQS, config.PubSub, config.Ingest}); err != nil || len(warnings) > 0 {
				t.Errorf("%v %v", warnings, err)
			}
		})
	}
}

// TestComponentOnlyAdds compares the application with what it was before.
func TestComponentOnlyAdds(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(manifestDir, kustomized, "deployment.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	before := only[*appsv1.Deployment](t, decoded(t, map[string]string{"deployment.yaml": string(text)}))
	after := only[*appsv1.Deployment](t, examples(t)[kustomized])
	pod := &after.Spec.Template.Spec
	pod.InitContainers, pod.TerminationGracePeriodSeconds, pod.EnableServiceLinks, pod.Containers[0].Lifecycle = nil, nil, nil, nil
	if !equality.Semantic.DeepEqual(before, after) {
		t.Errorf("before %v\nafter %v", before, after)
	}
}
