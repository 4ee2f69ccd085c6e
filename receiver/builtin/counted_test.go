//go:build !noingest

package builtin_test

import (
	"net"
	"strings"
	"testing"

	"go.uber.org/zap"

	"carrier/config"
	"carrier/receiver"
	"carrier/receiver/builtin"
)

func TestAddressThatIsTakenNamesItsVariable(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	var c config.Config
	c.Ingest.Address, c.Ingest.DataDir = l.Addr().String(), t.TempDir()
	c.Ingest.MaxBody, c.Ingest.MaxBytes, c.Ingest.MaxMessages = 1<<20, 1<<20, 10
	sources, err := builtin.New(c, []builtin.Route{{
		Route: &config.Route{Receiver: config.Ingest}, Observer: receiver.NoObserver{}, Log: zap.NewNop(),
	}}, builtin.Options{Answered: func(int) {}, Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	source := sources[0]
	err = source.Open(t.Context())
	want := "ingest: listen tcp " + c.Ingest.Address + ": bind: address already in use (CARRIER_INGEST_ADDRESS)"
	if err == nil || err.Error() != want || receiver.ClassOf(err) != receiver.Invalid {
		t.Errorf("error %v, want %s", err, want)
	}
	if err := source.Close(); err != nil && !strings.Contains(err.Error(), "closed") {
		t.Error(err)
	}
}
