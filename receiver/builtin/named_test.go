//go:build !noingest

package builtin

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"carrier/receiver"
)

// An unopened receiver cannot be opened.
type unopened struct {
	receiver.Receiver
	err error
}

func (u unopened) Open(context.Context) error { return u.err }

func TestVariableIsNamedWhereItsAddressIsNotToBeHad(t *testing.T) {
	for op, named := range map[string]bool{"listen": true, "dial": false} {
		cause := &receiver.Error{Operation: "open", Class: receiver.Network, Err: &net.OpError{Op: op, Net: "tcp", Err: errors.New("refused")}}
		err := counted{Receiver: unopened{err: cause}}.Open(t.Context())
		if strings.Contains(err.Error(), "CARRIER_INGEST_ADDRESS") != named || receiver.ClassOf(err) != receiver.Network {
			t.Errorf("%s: %v of class %s, want the variable: %v", op, err, receiver.ClassOf(err), named)
		}
	}
}
