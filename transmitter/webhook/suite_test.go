package webhook_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"carrier/transmitter"
	"carrier/transmitter/transmittertest"
	"carrier/transmitter/webhook"
)

func TestWebhookKeepsThePromises(t *testing.T) {
	transmittertest.Run(t, func(t *testing.T, worker transmittertest.Worker) transmitter.Transmitter {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			answer(w, worker(r.Header.Get("X-Carrier-Message-Id"), body))
		}))
		t.Cleanup(server.Close)
		return open(t, webhook.Options{Endpoint: endpoint(t, server.URL), Concurrency: 8})
	})
}

func answer(w http.ResponseWriter, word transmittertest.Word) {
	switch word {
	case transmittertest.Fail:
		w.WriteHeader(http.StatusInternalServerError)
	case transmittertest.Later:
		w.Header().Set("Retry-After", strconv.Itoa(int(transmittertest.DeferredFor/time.Second)))
		w.WriteHeader(http.StatusServiceUnavailable)
	case transmittertest.Never:
		w.WriteHeader(http.StatusUnprocessableEntity)
	}
}
