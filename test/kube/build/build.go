// Package build compiles the programs that the cluster and its images are made of.
package build

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// helmVersion is the Helm that installs the chart.
const helmVersion = "v4.3.1"

// All compiles all that the cluster and its images are made of into bin. Kubernetes
// takes long the first time; the build cache has it afterwards.
func All(ctx context.Context, root, bin string) error {
	version, err := kubernetesVersion(ctx)
	if err != nil {
		return err
	}
	fmt.Println("== building Kubernetes", version, "(the first time takes long), carrier, the SQS server and the worker")
	if err := compile(ctx, ".", bin, append([]string{"-ldflags", versionFlags(version), "./pause"}, kubernetes()...)...); err != nil {
		return err
	}
	return compile(ctx, root, bin, "-trimpath", "-ldflags", "-s -w", ".", "./internal/testkit/sqstest/devsqs", "./examples/worker-go")
}

// kubernetes is the packages of the programs that are pinned in go.mod.
func kubernetes() []string {
	var packages []string
	for _, name := range []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kubectl"} {
		packages = append(packages, "k8s.io/kubernetes/cmd/"+name)
	}
	return packages
}

// compile builds packages of the module in dir, as static programs: they run in images
// that hold nothing else.
func compile(ctx context.Context, dir, bin string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"build", "-o", bin + string(filepath.Separator)}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("building %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// kubernetesVersion is the one that go.mod names.
func kubernetesVersion(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Version}}", "k8s.io/kubernetes").Output()
	if err != nil {
		return "", fmt.Errorf("asking for the version of Kubernetes: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// versionFlags tells the programs their version, as Kubernetes' own build does: without
// it each takes itself for v0.0.0, and the kubelet's node says so.
func versionFlags(version string) string {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	flags := "-s -w"
	for _, in := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		flags += fmt.Sprintf(" -X %s.gitVersion=%s -X %s.gitMajor=%s -X %s.gitMinor=%s", in, version, in, parts[0], in, parts[1])
	}
	return flags
}

// Helm installs Helm into bin, unless it is there.
func Helm(ctx context.Context, bin string) error {
	if built, err := buildinfo.ReadFile(filepath.Join(bin, "helm")); err == nil && built.Main.Version == helmVersion {
		return nil
	}
	fmt.Println("== building Helm", helmVersion)
	cmd := exec.CommandContext(ctx, "go", "install", "helm.sh/helm/v4/cmd/helm@"+helmVersion)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOBIN="+bin)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("building Helm: %w", err)
	}
	return nil
}
