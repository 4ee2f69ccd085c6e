package workerapi

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"carrier/message"
)

func TestSourceThatStaysSilentIs504UntilItAgrees(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, m := newBench(Options{}), &message.Message{ID: "a"}
		go func() {
			time.Sleep(time.Second)
			b.table.Transmit(t.Context(), m)
		}()
		ack := "/v1/messages/" + b.do(t, "GET", "/v1/next", "").Header().Get(tokenHeader) + "/ack"
		begun := time.Now()
		w := b.do(t, "POST", ack, "")
		if took := time.Since(begun); w.Code != 504 || !strings.Contains(w.Body.String(), "urn:carrier:unconfirmed") || took != 10*time.Second {
			t.Errorf("%d %s after %v", w.Code, w.Body, took)
		}
		b.table.Settled(m, nil)
		if w := b.do(t, "POST", ack, ""); w.Code != 204 {
			t.Errorf("asked again: %d %s", w.Code, w.Body)
		}
	})
}
