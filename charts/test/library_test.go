package charts

import (
	"os"
	"path/filepath"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"carrier/charts/test/render"
)

// parent is a chart of testdata with carrier as its dependency, as helm dependency update
// leaves it, rendered with both Helms; they must agree.
func parent(t *testing.T, name string, values map[string]any) []runtime.Object {
	t.Helper()
	dir := t.TempDir()
	for from, to := range map[string]string{"testdata/" + name: dir, chart: filepath.Join(dir, "charts", "carrier")} {
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	var objects []runtime.Object
	for version, helm := range render.Helms() {
		manifests, err := helm(dir, release(values))
		if err != nil {
			t.Fatalf("%s: %v", version, err)
		}
		objects = decoded(t, manifests)
	}
	return objects
}

func TestOneLineAddsTheSidecarToAnotherChart(t *testing.T) {
	objects := parent(t, "oneline", nil)
	if len(objects) != 1 {
		t.Errorf("carrier's chart adds objects of its own: %d in all", len(objects))
	}
	carrier := podOf(t, objects).Spec.InitContainers[0]
	if *carrier.RestartPolicy != corev1.ContainerRestartPolicyAlways || carrier.Env[0].Value != "orders" {
		t.Errorf("%+v", carrier)
	}
	isDrain(t, "carrier's hook", preStop(carrier), 9010)
}

func TestParentsPodDrainsLikeTheChartsOwn(t *testing.T) {
	for name, native := range map[string]bool{"native sidecar": true, "plain container": false} {
		t.Run(name, func(t *testing.T) {
			pod := podOf(t, parent(t, "parent", with(nil, "carrier.sidecar.native", native)))
			if grace := *pod.Spec.TerminationGracePeriodSeconds; grace != 20+5+30 {
				t.Errorf("grace period %d s", grace)
			}
			if (len(pod.Spec.InitContainers) == 1) != native || (len(pod.Spec.Containers) == 1) != native {
				t.Errorf("%d init containers, %d containers", len(pod.Spec.InitContainers), len(pod.Spec.Containers))
			}
			isDrain(t, "the worker's hook", preStop(container(t, pod, "worker")), 9010)
			isDrain(t, "carrier's hook", preStop(container(t, pod, "carrier")), 9010)
		})
	}
}

func TestParentsPodsAreServedAndKeepTheirQueue(t *testing.T) {
	values := with(nil, "carrier.config.CARRIER_INGEST_ADDRESS", ":8080")
	values = with(values, "carrier.secrets.CARRIER_INGEST_TOKEN", map[string]any{"name": "shop", "key": "token", "file": true})
	values = with(with(values, "carrier.podDisruptionBudget.enabled", true), "carrier.networkPolicy.enabled", true)
	objects := parent(t, "parent", values)
	for kind, selector := range selectors(objects) {
		if selector["app"] != "shop" || len(selector) != 1 {
			t.Errorf("%s selects %v", kind, selector)
		}
	}
	claim := only[*corev1.PersistentVolumeClaim](t, objects)
	found := map[string]bool{}
	for _, volume := range only[*appsv1.Deployment](t, objects).Spec.Template.Spec.Volumes {
		found[volume.Name] = volume.Projected != nil || volume.PersistentVolumeClaim != nil && volume.PersistentVolumeClaim.ClaimName == claim.Name
	}
	if len(found) != 2 || !found["carrier-data"] || !found["carrier-secrets"] {
		t.Errorf("volumes %v", found)
	}
	if accounts := of[*corev1.ServiceAccount](objects); len(accounts) > 0 {
		t.Error("a service account that no pod uses")
	}
}

func TestParentsStatefulSetHasAClaimForEachPod(t *testing.T) {
	objects := parent(t, "stateful", nil)
	set := only[*appsv1.StatefulSet](t, objects)
	claims := set.Spec.VolumeClaimTemplates
	if len(objects) != 1 || len(claims) != 1 || claims[0].Spec.Resources.Requests.Storage().String() != "3Gi" {
		t.Fatalf("%d objects, claims %v", len(objects), claims)
	}
	mounts := container(t, set.Spec.Template, "carrier").VolumeMounts
	if len(mounts) != 1 || mounts[0].Name != claims[0].Name || len(set.Spec.Template.Spec.Volumes) != 0 {
		t.Errorf("mounts %v, volumes %v", mounts, set.Spec.Template.Spec.Volumes)
	}
}
