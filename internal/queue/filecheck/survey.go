package filecheck

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"carrier/internal/queue/record"
)

// A Report says what was found in a file.
type Report struct {
	// TX is the number of the last commit; 0 where both meta pages are damaged.
	TX uint64
	// Vouched and Damaged count keys whose values are as they were written, and which are not.
	Vouched, Damaged record.Counts
	// Sealed is what the last commit counted; nil where that is not known.
	Sealed *record.Counts
	// Subscriptions are those that the file names; none where it does not say.
	Subscriptions []record.Subscription
	// Problems says what is wrong, the first hundred in words; More counts the others.
	Problems []string
	More     int
	// Copied counts what Salvage wrote, Orphans how much of it lay on pages that nothing refers
	// to: it was found in place of lost pages and may have been removed before.
	Copied  record.Counts
	Orphans int
}

// maxProblems is how many problems are said in words.
const maxProblems = 100

func (r *Report) problem(format string, args ...any) {
	if len(r.Problems) == maxProblems {
		r.More++
		return
	}
	r.Problems = append(r.Problems, strings.TrimPrefix(fmt.Sprintf(format, args...), ErrDamaged.Error()+": "))
}

// Sound says that nothing is wrong.
func (r *Report) Sound() bool { return len(r.Problems) == 0 }

// Missing is how many keys of bucket b the last commit counted and nobody found.
func (r *Report) Missing(b record.Bucket) uint64 {
	if r.Sealed == nil || r.Sealed[b] <= r.Vouched[b]+r.Damaged[b] {
		return 0
	}
	return r.Sealed[b] - r.Vouched[b] - r.Damaged[b]
}

// Check reads the whole file of size bytes, values included. An error is one of reading it.
func Check(r io.ReaderAt, size int64) (Report, error) {
	s := newSurvey(r, size)
	err := s.run()
	return s.report, err
}

// A survey reads a file that may be damaged.
type survey struct {
	file   *File
	walk   *walk
	report Report
	lost   []Lost
	// found, if not nil, is told of what a checksum vouches for.
	found func(b record.Bucket, key, value []byte) error
}

func newSurvey(r io.ReaderAt, size int64) *survey {
	s := &survey{}
	file, err := Open(r, size)
	if err != nil {
		s.report.problem("%v", err)
		// What is left is to look at every page, of the size that is the usual one.
		file = &File{r: r, size: size, pageSize: 4096, badMeta: -1}
		file.meta = meta{pageSize: 4096, highWater: uint64(size / 4096), freelist: noFreelist}
	} else if n, bad := file.BadMeta(); bad {
		s.report.problem("meta page %d is damaged; commit %d is the last one that can be read", n, file.TX())
		if lost := file.LostCommit(); lost != nil {
			s.report.problem("commit %d was found without it", lost.TX())
			file = lost
		}
	}
	s.file, s.report.TX = file, file.meta.tx
	s.walk = file.newWalk(s.visit, s.note)
	return s
}

// surveyOrder has dead letters before messages, and states and ends last, so that what is copied
// once need not be looked at again.
func surveyOrder() []record.Bucket {
	return []record.Bucket{
		record.Meta, record.Dead, record.Plain, record.Indexed, record.Keys, record.Expiry,
		record.Quarantined, record.States, record.Ends,
	}
}

func (s *survey) run() error {
	roots, err := s.walk.roots()
	if err != nil {
		return err
	}
	begun := len(roots) > 0 || len(s.lost) > 0 || s.file.meta.root == 0
	for _, b := range surveyOrder() {
		switch header, there := roots[b]; {
		case there:
			err = s.walk.bucket(b, header)
		case begun && !b.Optional():
			s.note(Lost{Bucket: b, Err: damaged("there is no bucket %s", b.Name())})
		}
		if err != nil {
			return err
		}
	}
	for b := range record.NumBuckets {
		if n := s.report.Missing(b); n > 0 {
			s.report.problem("%d of %d keys of bucket %s are missing", n, s.report.Sealed[b], b.Name())
		}
	}
	return nil
}

func (s *survey) note(l Lost) {
	s.lost = append(s.lost, l)
	s.report.problem("%v", l.Err)
}

// visit looks at one key of the file.
func (s *survey) visit(b record.Bucket, key []byte, v Value) error {
	value, err := v.Bytes()
	if err != nil && !errors.Is(err, ErrDamaged) {
		return err
	}
	if err == nil {
		err = Vouched(b, key, value)
	}
	switch {
	case b == record.Quarantined: // nothing in it was vouched for when it came there
		s.report.Damaged[b]++
		return nil
	case err != nil:
		s.report.Damaged[b]++
		s.report.problem("bucket %s: the value of key %x: %v", b.Name(), key, err)
		return nil
	}
	s.report.Vouched[b]++
	if b == record.Meta {
		s.meta(key, value)
	}
	if s.found != nil {
		return s.found(b, key, value)
	}
	return nil
}

func (s *survey) meta(key, value []byte) {
	switch string(key) {
	case record.FormatKey:
		s.report.Subscriptions, _ = record.DecodeTable(value)
	case record.CountsKey:
		if c, tx, err := record.DecodeCounts(value); err == nil && tx == s.file.meta.tx {
			s.report.Sealed = &c
		}
	}
}
