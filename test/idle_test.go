package test

import "testing"

// Section 11: job mode.

func TestAJobEndsWhenItsSourceIsEmpty(t *testing.T) {
	t.Parallel()
	onEverySourceAndWay(t, func(t *testing.T, kind string, by way) {
		w := by.newWorker(t, always(says(200)))
		b := newBench(t, kind, w, env{"CARRIER_EXIT_WHEN_IDLE": "3s", "CARRIER_SQS_WAIT_TIME": "1s"})
		b.putAll("a", "b", "c")
		b.wait()
		if b.code != 0 || len(w.got()) != 3 {
			t.Errorf("it ended with %d after %d posts, want 0 after 3", b.code, len(w.got()))
		}
		if lines := b.logged("stopping"); len(lines) != 1 || lines[0].text("cause") != "nothing to do (CARRIER_EXIT_WHEN_IDLE)" {
			t.Errorf("it says of its stop %v", lines)
		}
	})
}
