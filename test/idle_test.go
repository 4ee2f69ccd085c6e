package test

import "testing"

// Section 11: job mode.

func TestAJobEndsWhenItsSourceIsEmpty(t *testing.T) {
	t.Parallel()
	onEverySource(t, func(t *testing.T, kind string) {
		w := newWorker(t, always(says(200)))
		b := newBench(t, kind, w, env{"CARRIER_EXIT_WHEN_IDLE": "3s", "CARRIER_SQS_WAIT_TIME": "1s"})
		b.putAll("a", "b", "c")
		b.program.wait()
		if b.program.code != 0 || len(w.got()) != 3 {
			t.Errorf("it ended with %d after %d posts, want 0 after 3", b.program.code, len(w.got()))
		}
		if len(b.logged("CARRIER_EXIT_WHEN_IDLE")) == 0 {
			t.Error("it does not say why it stops")
		}
	})
}
