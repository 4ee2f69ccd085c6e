// Package image packs programs into container images, without a container engine.
package image

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

// An Image holds one program, as the Dockerfile's images do.
type Image struct {
	Name    string   // and tag
	Program string   // the file on this machine; its base name is the entrypoint
	User    string   // uid:gid
	Workdir string   // made, and given to anyone
	Env     []string // NAME=value
	Files   []string // taken over as they are, under the same paths
}

// Write writes the image as an archive of `docker save`, which containerd imports.
func (i Image) Write(to io.Writer) error {
	layer, err := i.layer()
	if err != nil {
		return err
	}
	digest := sha256.Sum256(layer)
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux",
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + hex.EncodeToString(digest[:])}},
		"config": map[string]any{"User": i.User, "WorkingDir": i.Workdir, "Env": i.Env, "Entrypoint": []string{"/" + path.Base(i.Program)}},
	})
	if err != nil {
		return err
	}
	manifest, err := json.Marshal([]map[string]any{{"Config": "config.json", "RepoTags": []string{i.Name}, "Layers": []string{"layer.tar"}}})
	if err != nil {
		return err
	}
	w := tar.NewWriter(to)
	return errors.Join(
		put(w, "config.json", 0o644, config), put(w, "layer.tar", 0o644, layer),
		put(w, "manifest.json", 0o644, manifest), w.Close())
}

// layer is the image's one layer.
func (i Image) layer() ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	if i.Workdir != "" {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: i.Workdir[1:] + "/", Mode: 0o755, Uid: anyone, Gid: anyone}); err != nil {
			return nil, err
		}
	}
	for _, file := range append([]string{i.Program}, i.Files...) {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		name, mode := file[1:], int64(0o644)
		if file == i.Program {
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
