//go:build unix

package fauxqs_test

import (
	"net/http"
	"testing"

	"carrier/internal/testkit/sqstest/fauxqs"
)

func TestServerAnswersAndIsGoneAfterItsTest(t *testing.T) {
	var endpoint string
	t.Run("started", func(t *testing.T) { endpoint = fauxqs.Start(t) })
	resp, err := http.Get(endpoint + "/health")
	if err == nil {
		_ = resp.Body.Close()
		t.Errorf("%s still answers: %s", endpoint, resp.Status)
	}
}
