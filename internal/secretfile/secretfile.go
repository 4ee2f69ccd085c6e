// Package secretfile reads the small files that secrets and certificates are kept in.
package secretfile

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

const maxSize = 1 << 20

// Read returns the secret kept in the file at path, without the newline at its end. The error names
// neither the path nor anything that is in the file.
func Read(path string) (string, error) {
	data, err := ReadBytes(path)
	if err != nil {
		return "", err
	}
	value := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if value == "" {
		return "", errors.New("the file is empty")
	}
	return value, nil
}

// ReadBytes reads a regular file of at most 1 MiB. Anything else could make the start wait for ever.
// The error does not name the path.
func ReadBytes(path string) ([]byte, error) {
	about, err := os.Stat(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	if !about.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	if about.Size() > maxSize {
		return nil, errors.New("larger than 1MiB")
	}
	data, err := os.ReadFile(path)
	return data, withoutPath(err)
}

func withoutPath(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
