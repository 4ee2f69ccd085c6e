package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path"
	"runtime"
)

// anyone is the user that carrier's images run as.
const anyone = 65532

// caBundle is Debian's.
const caBundle = "/etc/ssl/certs/ca-certificates.crt"

// An image holds one program, as the Dockerfile's images do.
type image struct {
	name    string   // and tag
	program string   // the file on this machine; its base name is the entrypoint
	user    string   // uid:gid
	workdir string   // made, and given to anyone
	env     []string // NAME=value
	files   []string // taken over as they are, under the same paths
}

// images is what the pods are made of, and what every sandbox runs.
func images(bin string) []image {
	const nonroot = "65532:65532"
	return []image{
		{name: sandboxImage, program: path.Join(bin, "pause"), user: "65535:65535"},
		{name: "localhost/carrier:dev", program: path.Join(bin, "carrier"), user: nonroot, workdir: "/var/lib/carrier", files: []string{caBundle}},
		{name: workerImage, program: path.Join(bin, "worker-go"), user: nonroot, env: []string{"WORKER_ADDRESS=0.0.0.0:9000"}},
	}
}

// write writes the image as an archive of `docker save`, which containerd imports.
func (i image) write(to io.Writer) error {
	layer, err := i.layer()
	if err != nil {
		return err
	}
	digest := sha256.Sum256(layer)
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux",
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + hex.EncodeToString(digest[:])}},
		"config": map[string]any{"User": i.user, "WorkingDir": i.workdir, "Env": i.env, "Entrypoint": []string{"/" + path.Base(i.program)}},
	})
	if err != nil {
		return err
	}
	manifest, err := json.Marshal([]map[string]any{{"Config": "config.json", "RepoTags": []string{i.name}, "Layers": []string{"layer.tar"}}})
	if err != nil {
		return err
	}
	w := tar.NewWriter(to)
	return errors.Join(
		put(w, "config.json", 0o644, config), put(w, "layer.tar", 0o644, layer),
		put(w, "manifest.json", 0o644, manifest), w.Close())
}

// layer is the image's one layer.
func (i image) layer() ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	if i.workdir != "" {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: i.workdir[1:] + "/", Mode: 0o755, Uid: anyone, Gid: anyone}); err != nil {
			return nil, err
		}
	}
	for _, file := range append([]string{i.program}, i.files...) {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		name, mode := file[1:], int64(0o644)
		if file == i.program {
			name, mode = path.Base(file), 0o755
		}
		if err := put(w, name, mode, content); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), w.Close()
}

func put(w *tar.Writer, name string, mode int64, content []byte) error {
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(content))}); err != nil {
		return err
	}
	_, err := w.Write(content)
	return err
}
