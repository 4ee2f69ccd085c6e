package test

import (
	"net/http"
	"testing"
)

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

// A job of which somebody has paused a route does not end: nobody knows what its source has. A second
// one that began later tells that the time is over.
func TestAPausedJobDoesNotEnd(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	job := env{"CARRIER_EXIT_WHEN_IDLE": "2s", "CARRIER_ADMIN_TOKEN": adminToken}
	paused := newBench(t, ofIngest, w, job)
	paused.awaitReady()
	ask := func(what string) int {
		address := "http://" + paused.env["CARRIER_ADMIN_ADDRESS"] + "/v1/routes/default/" + what
		return send(t, http.MethodPost, address, "", "Authorization", "Bearer "+adminToken).Status
	}
	if code := ask("pause"); code != 204 {
		t.Fatalf("pause: %d", code)
	}
	newBench(t, ofIngest, w, job).wait()
	if code := ask("resume"); code != 204 {
		t.Errorf("resume: %d", code)
	}
	paused.wait()
	if paused.code != 0 {
		t.Errorf("it ended with %d", paused.code)
	}
}
