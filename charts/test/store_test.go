package charts

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// TestQueueAloneNeedsNoVolume: any number of pods of a Deployment, without a claim or an emptyDir;
// a store with a file beside the queue has its claim as ever.
func TestQueueAloneNeedsNoVolume(t *testing.T) {
	values := cases(t)["ingest-queue"]
	objects := rendered(t, values)
	kind, _, replicas := workload(t, objects)
	if kind != "Deployment" || replicas == nil || *replicas != 3 {
		t.Errorf("%s of %v pods, want a Deployment of 3", kind, replicas)
	}
	if n := len(of[*corev1.PersistentVolumeClaim](objects)); n != 0 {
		t.Errorf("%d claims", n)
	}
	for _, v := range podOf(t, objects).Spec.Volumes {
		if v.Name == "carrier-data" {
			t.Error("there is a volume for a queue file")
		}
	}
	kind, _, _ = workload(t, rendered(t, with(values, "config.CARRIER_INGEST_STORE", "queue+file")))
	if kind != "StatefulSet" {
		t.Errorf("queue+file is a %s, want a StatefulSet with a claim for each pod", kind)
	}
}
