package httpapi

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestHostThatIsAForeignNameIsToldApart(t *testing.T) {
	for host, want := range map[string]bool{
		"127.0.0.1:9010": true, "10.0.0.1": true, "[::1]:9010": true, "[fe80::1%25eth0]:1": true, "localhost": true, "LocalHost:9010": true, "": true,
		"carrier.example:9010": true, "Carrier.Example.": true,
		"evil.example": false, "evil.example:9010": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		if got := HasLocalHost(r, []string{"carrier.example"}); got != want {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
}
