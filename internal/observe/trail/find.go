package trail

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"
)

// maxLine is the longest line that is read.
const maxLine = 1 << 20

// Find writes the lines of the files in dir that match q to w, the oldest first, as they are. What is
// no line of the trail is passed over. The files may be written to meanwhile.
func Find(dir string, q Query, w io.Writer) error {
	older, err := olderFiles(dir)
	if err != nil {
		return err
	}
	var paths []string
	for _, n := range older {
		paths = append(paths, olderPath(dir, n))
	}
	out := bufio.NewWriter(w)
	for _, path := range append(paths, filepath.Join(dir, current)) {
		if err := findIn(path, q, out); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return out.Flush()
}

func findIn(path string, q Query, out *bufio.Writer) error {
	file, err := os.Open(path) //nolint:gosec // a file of the trail's own directory
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	for lines.Scan() {
		line := lines.Bytes()
		if !q.line(line) {
			continue
		}
		if _, err := out.Write(append(bytes.Clone(line), '\n')); err != nil {
			return err
		}
	}
	return lines.Err()
}

// line says whether q wants a line.
func (q Query) line(line []byte) bool {
	var r struct {
		Time      time.Time `json:"time"`
		Event     string    `json:"event"`
		Route     string    `json:"route"`
		MessageID string    `json:"message_id"`
		Outcome   string    `json:"outcome"`
	}
	if json.Unmarshal(line, &r) != nil || r.Event != attempted && r.Event != settled {
		return false
	}
	return q.matches(r.MessageID, r.Route, r.Outcome, r.Time)
}
