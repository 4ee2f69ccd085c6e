package load

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestBodyIsJSONOfTheSizeAskedFor(t *testing.T) {
	for _, size := range []int{MinSize, MinSize + 1, 128, 1024, 1025, 1 << 20} {
		b := append(AppendHead(nil, 42, 1_700_000_000_000_000_000), Rest(size)...)
		if len(b) != size {
			t.Errorf("asked for %d bytes, got %d", size, len(b))
		}
		if !json.Valid(b) {
			t.Errorf("%d bytes are no JSON: %.80s", size, b)
		}
	}
}

func TestHeadIsReadBack(t *testing.T) {
	for _, n := range []uint64{0, 1, 1 << 40, 1<<64 - 1} {
		b := AppendHead(nil, n, 1_700_000_000_123_456_789)
		if len(b) != HeadLen {
			t.Fatalf("the head has %d bytes, not %d", len(b), HeadLen)
		}
		got, sent, err := ParseHead(b)
		if got != n || sent != 1_700_000_000_123_456_789 || err != nil {
			t.Errorf("%d came back as %d, %d, %v", n, got, sent, err)
		}
	}
	for _, b := range [][]byte{nil, []byte("{}"), bytes.Repeat([]byte("z"), HeadLen)} {
		if _, _, err := ParseHead(b); err == nil {
			t.Errorf("%q was taken for a body", b)
		}
	}
}

func TestEscapedBodyIsTheSameString(t *testing.T) {
	b := append(AppendHead(nil, 7, 8), Rest(1024)...)
	var got string
	if err := json.Unmarshal([]byte(`"`+string(Escaped(b))+`"`), &got); err != nil || got != string(b) {
		t.Errorf("%v: %.80q", err, got)
	}
}

func TestQuantileIsAtMostAHundredthTooLong(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	all := make([]time.Duration, 10_001)
	for i := range all {
		all[i] = time.Duration(random.ExpFloat64() * float64(3*time.Millisecond))
		h.Add(all[i])
	}
	slices.Sort(all)
	for _, q := range []float64{0.01, 0.5, 0.99, 0.999} {
		exact := all[int(q*float64(len(all)))]
		if got := h.Quantile(q); got < exact || float64(got) > 1.01*float64(exact)+1 {
			t.Errorf("quantile %v: %v, exactly %v", q, got, exact)
		}
	}
}

func TestHistogramHoldsTheExtremes(t *testing.T) {
	var h Histogram
	if h.Quantile(0.5) != 0 {
		t.Error("an empty histogram has a median")
	}
	h.Add(-time.Second)
	if h.Quantile(1) != 0 {
		t.Error("a negative duration does not count as zero")
	}
	h.Add(1<<63 - 1)
	if got := h.Quantile(1); got != 1<<63-1 {
		t.Errorf("the longest duration came back as %v", got)
	}
	h.Reset()
	if h.Count() != 0 || h.Sum() != 0 {
		t.Error("it remembers after Reset")
	}
}
