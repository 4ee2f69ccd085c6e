package trail

import (
	"bytes"
	"encoding/json"
	"io"
)

// maxLines is how many bytes of lines are gathered before they are written.
const maxLines = 64 << 10

// A sink takes whole lines.
type sink interface {
	// write takes lines, each with its line break.
	write(lines []byte) error
	close() error
}

// write encodes what waits and hands it on, all that is there in one write.
func (t *Trail) write(to sink) {
	defer close(t.done)
	var lines bytes.Buffer
	count := uint64(0)
	failing := false
	flush := func() {
		if count == 0 {
			return
		}
		err := to.write(lines.Bytes())
		if err != nil {
			t.dropped.Add(count)
		}
		if err != nil && !failing {
			t.options.Failed(err)
		}
		failing = err != nil
		lines.Reset()
		count = 0
	}
	for record := range t.waiting {
		if encode(&lines, record) {
			count++
		} else {
			t.dropped.Add(1)
		}
		if len(t.waiting) == 0 || lines.Len() >= maxLines {
			flush()
		}
	}
	flush()
	if err := to.close(); err != nil && !failing {
		t.options.Failed(err)
	}
}

// encode appends record as one line of JSON.
func encode(lines *bytes.Buffer, record any) bool {
	line, err := json.Marshal(record)
	if err != nil {
		return false
	}
	lines.Write(line)
	lines.WriteByte('\n')
	return true
}

// stdout writes to a writer that others write to as well.
type stdout struct{ w io.Writer }

func (s stdout) write(lines []byte) error {
	_, err := s.w.Write(lines)
	return err
}

func (s stdout) close() error { return nil }
