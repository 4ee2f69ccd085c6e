package charts

import (
	"maps"
	"testing"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	corev1 "k8s.io/api/core/v1"
)

func isJob(values map[string]any) bool { return at(values, "workload.kind") == "ScaledJob" }

// jobs are the cases that are jobs.
func jobs(t *testing.T) map[string]map[string]any {
	t.Helper()
	all := cases(t)
	maps.DeleteFunc(all, func(_ string, values map[string]any) bool { return !isJob(values) })
	if len(all) == 0 {
		t.Fatal("no case is a job")
	}
	return all
}

// TestAJobHoldsItsWorkerUntilCarrierHasDrained: a job is over when its main containers have ended, and
// only then a native sidecar is sent SIGTERM. carrier gets its own first, and drains.
func TestAJobHoldsItsWorkerUntilCarrierHasDrained(t *testing.T) {
	for name, values := range jobs(t) {
		t.Run(name, func(t *testing.T) {
			spec := podOf(t, rendered(t, values)).Spec
			if len(spec.Containers) != 1 || spec.Containers[0].Name != "carrier" || spec.RestartPolicy != corev1.RestartPolicyNever {
				t.Errorf("restart policy %s, main containers %v", spec.RestartPolicy, spec.Containers)
			}
			if len(spec.InitContainers) != 1 || spec.InitContainers[0].Name != "worker" {
				t.Fatalf("init containers %v", spec.InitContainers)
			}
			worker := spec.InitContainers[0]
			if worker.RestartPolicy == nil || *worker.RestartPolicy != corev1.ContainerRestartPolicyAlways {
				t.Errorf("the worker is no sidecar: %v", worker.RestartPolicy)
			}
			if worker.Lifecycle != nil || spec.Containers[0].Lifecycle != nil || spec.Containers[0].RestartPolicy != nil {
				t.Errorf("hooks %v and %v, restart policy %v", worker.Lifecycle, spec.Containers[0].Lifecycle, spec.Containers[0].RestartPolicy)
			}
		})
	}
}

func TestCarrierEndsAJobThatHasNothingToDo(t *testing.T) {
	for name, want := range map[string]string{"job-sqs": "1m", "job-routes": "30s"} {
		carrier := container(t, podOf(t, rendered(t, cases(t)[name])), "carrier")
		found := ""
		for _, e := range carrier.Env {
			if e.Name == "CARRIER_EXIT_WHEN_IDLE" {
				found += e.Value
			}
		}
		if found != want {
			t.Errorf("%s: CARRIER_EXIT_WHEN_IDLE is %q, want %q", name, found, want)
		}
	}
}

// TestKEDAStartsJobsForTheMessages, and ends none when the values change.
func TestKEDAStartsJobsForTheMessages(t *testing.T) {
	jobs := map[string]*keda.ScaledJob{}
	for _, name := range []string{"job-sqs", "job-routes"} {
		objects := rendered(t, cases(t)[name])
		jobs[name] = only[*keda.ScaledJob](t, objects)
		if len(of[*keda.ScaledObject](objects)) > 0 || len(of[*corev1.Service](objects)) > 0 {
			t.Errorf("%s: there is more than jobs", name)
		}
		if err := keda.ValidateTriggers(jobs[name].Spec.Triggers); err != nil {
			t.Error(err)
		}
		if jobs[name].Spec.Rollout.Strategy != "gradual" || jobs[name].Spec.MinReplicaCount != nil {
			t.Errorf("%s: %+v", name, jobs[name].Spec)
		}
	}
	sqs, routes := jobs["job-sqs"].Spec, jobs["job-routes"].Spec
	want := map[string]string{
		"queueURL":  "https://sqs.eu-central-1.amazonaws.com/123456789012/reports",
		"awsRegion": "eu-central-1", "queueLength": "1", "scaleOnInFlight": "true",
	}
	if len(sqs.Triggers) != 1 || !maps.Equal(sqs.Triggers[0].Metadata, want) || sqs.Triggers[0].AuthenticationRef.Name != "keda-aws" {
		t.Errorf("triggers %v", sqs.Triggers)
	}
	if *sqs.MaxReplicaCount != 20 || *sqs.JobTargetRef.ActiveDeadlineSeconds != 3600 || *sqs.JobTargetRef.BackoffLimit != 3 || sqs.ScalingStrategy.Strategy != "eager" {
		t.Errorf("%+v", sqs)
	}
	if len(routes.Triggers) != 2 || routes.Triggers[0].Metadata["consumer"] != "daily" || routes.Triggers[1].Metadata["consumer"] != "weekly" ||
		routes.JobTargetRef.ActiveDeadlineSeconds != nil || *routes.FailedJobsHistoryLimit != 3 || *routes.SuccessfulJobsHistoryLimit != 3 {
		t.Errorf("%+v", routes)
	}
}

func TestTriggersOfOnesOwnStartJobs(t *testing.T) {
	values := with(cases(t)["job-sqs"], "keda.triggers", []any{map[string]any{"type": "cron", "metadata": map[string]any{"timezone": "UTC", "start": "0 8 * * *", "end": "0 9 * * *", "desiredReplicas": "1"}}})
	job := only[*keda.ScaledJob](t, rendered(t, values))
	if len(job.Spec.Triggers) != 1 || job.Spec.Triggers[0].Type != "cron" {
		t.Errorf("triggers %v", job.Spec.Triggers)
	}
}
