package message

import (
	"testing"
	"unsafe"
)

// TestOutcomeStaysSmall: an outcome lies on the stack of each layer of a POST, once or twice. What it
// grows by, a thousand goroutines pay for many times over.
func TestOutcomeStaysSmall(t *testing.T) {
	if size := unsafe.Sizeof(Outcome{}); size > 120 {
		t.Errorf("an Outcome takes %d bytes, at most 120 are agreed: pack small fields together", size)
	}
}
