package main

import (
	"path"

	"carrier/test/kube/image"
)

// caBundle is Debian's.
const caBundle = "/etc/ssl/certs/ca-certificates.crt"

// images is what the pods are made of, and what every sandbox runs.
func images(bin string) []image.Image {
	const nonroot = "65532:65532"
	return []image.Image{
		{Name: sandboxImage, Program: path.Join(bin, "pause"), User: "65535:65535"},
		{Name: "localhost/carrier:dev", Program: path.Join(bin, "carrier"), User: nonroot, Workdir: "/var/lib/carrier", Files: []string{caBundle}},
		{Name: workerImage, Program: path.Join(bin, "worker-go"), User: nonroot, Env: []string{"WORKER_ADDRESS=0.0.0.0:9000"}},
	}
}
