package webhook_test

import (
	"net"
	"testing"

	"carrier/message"
	"carrier/transmitter/webhook"
	"carrier/transmitter/webhook/format"
)

func Test102IsSuccessOfAPubSubPushAlone(t *testing.T) {
	const answer = "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
	for f, want := range map[format.Format]message.Outcome{
		format.PubSubPush: {Verdict: message.Delivered, Status: 102}, format.Raw: {Verdict: message.Retry, Status: 500},
	} {
		_, e := listenTCP(t, func(w *rawWorker, conn net.Conn) { answeringOnce(answer)(w, conn) })
		o := open(t, webhook.Options{Endpoint: e, Format: f}).Transmit(t.Context(), newMessage("m", "x"))
		if o.Verdict != want.Verdict || o.Status != want.Status {
			t.Errorf("%q: outcome %+v", f, o)
		}
	}
}
