package charts

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"carrier/config"
)

// task is the task definition of examples/ecs, read strictly: a field that ECS does not
// know is an error.
func task(t *testing.T) types.TaskDefinition {
	t.Helper()
	text, err := os.ReadFile("../../examples/ecs/task-definition.json")
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var definition types.TaskDefinition
	if err := decoder.Decode(&definition); err != nil {
		t.Fatal(err)
	}
	return definition
}

// taskContainer is one of the task's containers.
func taskContainer(t *testing.T, name string) types.ContainerDefinition {
	t.Helper()
	for _, c := range task(t).ContainerDefinitions {
		if aws.ToString(c.Name) == name {
			return c
		}
	}
	t.Fatalf("the task has no container %s", name)
	return types.ContainerDefinition{}
}

// taskEnvironment is what the task gives to carrier.
func taskEnvironment(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, e := range taskContainer(t, "carrier").Environment {
		all[aws.ToString(e.Name)] = aws.ToString(e.Value)
	}
	return all
}

// TestTaskStopsCarrierBeforeItsWorker: ECS stops containers in the opposite order of their
// dependencies, and kills each after its stop timeout.
func TestTaskStopsCarrierBeforeItsWorker(t *testing.T) {
	carrier, worker := taskContainer(t, "carrier"), taskContainer(t, "worker")
	if len(carrier.DependsOn) != 1 || aws.ToString(carrier.DependsOn[0].ContainerName) != "worker" || len(worker.DependsOn) > 0 {
		t.Errorf("carrier depends on %v, the worker on %v", carrier.DependsOn, worker.DependsOn)
	}
	const most = 120 * time.Second // on Fargate
	least := duration(t, taskEnvironment(t)["CARRIER_DRAIN_TIMEOUT"]) + settling
	if stop := time.Duration(aws.ToInt32(carrier.StopTimeout)) * time.Second; stop < least || stop > most {
		t.Errorf("carrier is killed after %v, its drain may take %v", stop, least)
	}
}

func TestTaskIsOneThatFargateTakes(t *testing.T) {
	definition := task(t)
	if definition.NetworkMode != types.NetworkModeAwsvpc || definition.RuntimePlatform.OperatingSystemFamily != types.OSFamilyLinux {
		t.Errorf("network mode %s, platform %v", definition.NetworkMode, definition.RuntimePlatform)
	}
	if !slices.Equal(definition.RequiresCompatibilities, []types.Compatibility{types.CompatibilityFargate}) {
		t.Errorf("it requires %v", definition.RequiresCompatibilities)
	}
	sizes := map[string][]string{"256": {"512", "1024", "2048"}, "512": {"1024", "2048", "3072", "4096"}}
	if !slices.Contains(sizes[aws.ToString(definition.Cpu)], aws.ToString(definition.Memory)) {
		t.Errorf("Fargate has no task of %s CPU units and %s MiB", aws.ToString(definition.Cpu), aws.ToString(definition.Memory))
	}
}

func TestTaskRunsCarrierLikeTheOtherExamples(t *testing.T) {
	carrier := taskContainer(t, "carrier")
	if aws.ToString(carrier.User) != "65532:65532" || !aws.ToBool(carrier.ReadonlyRootFilesystem) || !aws.ToBool(carrier.Essential) {
		t.Errorf("user %s, read-only %v, essential %v", aws.ToString(carrier.User), aws.ToBool(carrier.ReadonlyRootFilesystem), aws.ToBool(carrier.Essential))
	}
	if aws.ToInt32(carrier.Memory) != 256 || aws.ToInt32(carrier.MemoryReservation) != 32 {
		t.Errorf("memory %d, reserved %d", aws.ToInt32(carrier.Memory), aws.ToInt32(carrier.MemoryReservation))
	}
	for name, value := range taskEnvironment(t) {
		t.Setenv(name, value)
	}
	if _, warnings, err := config.Load([]string{config.SQS, config.PubSub, config.Ingest}); err != nil || len(warnings) > 0 {
		t.Errorf("%v %v", warnings, err)
	}
}
