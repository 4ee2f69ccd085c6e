package charts

import (
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
)

// selectors are the labels by which the objects find their pods, by the objects' kinds.
func selectors(objects []runtime.Object) map[string]map[string]string {
	found := map[string]map[string]string{}
	for _, object := range objects {
		switch o := object.(type) {
		case *corev1.Service:
			found["Service "+o.Name] = o.Spec.Selector
		case *appsv1.Deployment:
			found["Deployment"] = o.Spec.Selector.MatchLabels
		case *appsv1.StatefulSet:
			found["StatefulSet"] = o.Spec.Selector.MatchLabels
		case *policyv1.PodDisruptionBudget:
			found["PodDisruptionBudget"] = o.Spec.Selector.MatchLabels
		case *networkingv1.NetworkPolicy:
			found["NetworkPolicy"] = o.Spec.PodSelector.MatchLabels
		}
	}
	return found
}

func TestEverySelectorFindsThePods(t *testing.T) {
	for name, values := range cases(t) {
		t.Run(name, func(t *testing.T) {
			objects := rendered(t, values)
			pod := labels.Set(podOf(t, objects).Labels)
			for kind, selector := range selectors(objects) {
				if len(selector) == 0 || !labels.SelectorFromSet(selector).Matches(pod) {
					t.Errorf("%s selects %v, the pods are %v", kind, selector, pod)
				}
			}
		})
	}
}

func TestEveryServicePortIsAContainers(t *testing.T) {
	for name, values := range cases(t) {
		t.Run(name, func(t *testing.T) {
			objects := rendered(t, values)
			var open []int32
			for _, port := range container(t, podOf(t, objects), "carrier").Ports {
				open = append(open, port.ContainerPort)
			}
			for _, service := range of[*corev1.Service](objects) {
				for _, port := range service.Spec.Ports {
					if !slices.Contains(open, port.TargetPort.IntVal) {
						t.Errorf("%s leads to %v, open are %v", service.Name, port.TargetPort, open)
					}
				}
			}
		})
	}
}

func TestEveryMountHasItsVolume(t *testing.T) {
	for name, values := range cases(t) {
		t.Run(name, func(t *testing.T) {
			objects := rendered(t, values)
			pod := podOf(t, objects)
			for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
				for _, mount := range c.VolumeMounts {
					if !slices.Contains(volumes(objects, pod), mount.Name) {
						t.Errorf("%s mounts %s, which is no volume", c.Name, mount.Name)
					}
				}
			}
			for _, volume := range pod.Spec.Volumes {
				if claim := volume.PersistentVolumeClaim; claim != nil && at(values, "persistence.existingClaim") == nil {
					if made := only[*corev1.PersistentVolumeClaim](t, objects); made.Name != claim.ClaimName {
						t.Errorf("the claim is %s, the volume's %s", made.Name, claim.ClaimName)
					}
				}
			}
		})
	}
}

func volumes(objects []runtime.Object, pod corev1.PodTemplateSpec) []string {
	var names []string
	for _, volume := range pod.Spec.Volumes {
		names = append(names, volume.Name)
	}
	for _, set := range of[*appsv1.StatefulSet](objects) {
		for _, claim := range set.Spec.VolumeClaimTemplates {
			names = append(names, claim.Name)
		}
	}
	return names
}

// TestIngestIsKeptOnAClaimOfEachPod: a queue file has one carrier, and outlives its pod.
func TestIngestIsKeptOnAClaimOfEachPod(t *testing.T) {
	objects := rendered(t, cases(t)["ingest"])
	set := only[*appsv1.StatefulSet](t, objects)
	if len(set.Spec.VolumeClaimTemplates) != 1 || *set.Spec.Replicas != 2 {
		t.Errorf("%d claims for each of %d pods", len(set.Spec.VolumeClaimTemplates), *set.Spec.Replicas)
	}
	services := of[*corev1.Service](objects)
	if !slices.ContainsFunc(services, func(s *corev1.Service) bool { return s.Name == set.Spec.ServiceName && s.Spec.ClusterIP == "None" }) {
		t.Errorf("the governing Service %s is not there", set.Spec.ServiceName)
	}
}

// TestOneClaimHasOneCarrier at any time, also during a rollout.
func TestOneClaimHasOneCarrier(t *testing.T) {
	deployment := only[*appsv1.Deployment](t, rendered(t, cases(t)["ingest-deployment"]))
	if *deployment.Spec.Replicas != 1 || deployment.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
		t.Errorf("%d pods, strategy %s", *deployment.Spec.Replicas, deployment.Spec.Strategy.Type)
	}
}

func TestServiceAccountsAreAnnotatedForTheirCloud(t *testing.T) {
	for name, annotation := range map[string][2]string{
		"sqs":    {"eks.amazonaws.com/role-arn", "arn:aws:iam::123456789012:role/orders"},
		"pubsub": {"iam.gke.io/gcp-service-account", "orders@my-project.iam.gserviceaccount.com"},
	} {
		objects := rendered(t, cases(t)[name])
		account := only[*corev1.ServiceAccount](t, objects)
		if account.Annotations[annotation[0]] != annotation[1] || podOf(t, objects).Spec.ServiceAccountName != account.Name {
			t.Errorf("%s: %v of %s", name, account.Annotations, account.Name)
		}
	}
}

func TestNetworkPolicyOpensTheTwoPortsAlone(t *testing.T) {
	var open []int32
	for _, rule := range only[*networkingv1.NetworkPolicy](t, rendered(t, cases(t)["ingest"])).Spec.Ingress {
		if len(rule.From) == 0 {
			t.Errorf("%v is open to everybody", rule.Ports)
		}
		for _, port := range rule.Ports {
			open = append(open, port.Port.IntVal)
		}
	}
	if !slices.Equal(open, []int32{9010, 8080}) {
		t.Errorf("open are %v", open)
	}
}

func TestImagesAreTheOnesThatWereNamed(t *testing.T) {
	digest := "@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for name, want := range map[string][2]string{
		"sqs":        {"registry.example.com/carrier:v1", "registry.example.com/orders:7"},
		"minimal":    {"carrier:dev", "carrier-worker:dev"}, // the chart's appVersion
		"ingest":     {"carrier:dev", "registry.example.com/orders" + digest},
		"everything": {"carrier" + digest, "registry.example.com/orders:v2"},
	} {
		pod := podOf(t, rendered(t, cases(t)[name]))
		if got := [2]string{container(t, pod, "carrier").Image, container(t, pod, "worker").Image}; got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if image := container(t, podOf(t, parent(t, "oneline", nil)), "carrier").Image; image != "carrier:dev" {
		t.Errorf("in another chart: %s", image)
	}
}
