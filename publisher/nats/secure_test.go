package nats_test

import (
	"testing"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"carrier/internal/testkit/natstest"
	"carrier/message"
	publishernats "carrier/publisher/nats"
	"carrier/receiver"
)

// What a server asks for before it lets anybody in.
func TestServerIsShownWhatItAsksFor(t *testing.T) {
	cert, key := natstest.Certificate(t)
	foreign, foreignKey := natstest.Certificate(t)
	accounts, credentials := natstest.Accounts(t)
	_, otherCredentials := natstest.Accounts(t)
	token := func(is string) func() string { return func() string { return is } }
	secret := func(o *natsserver.Options) { o.Authorization = "secret" }
	tls, both := natstest.TLS(t, cert, key, false), natstest.TLS(t, cert, key, true)
	type changes []func(*natsserver.Options)
	type o = publishernats.Options
	for name, c := range map[string]struct {
		server changes
		test   []nats.Option // of the test's own connection
		shown  o
		class  receiver.Class // of the error; none where it is let in
	}{
		"TLS of a known authority":          {changes{tls}, []nats.Option{nats.RootCAs(cert)}, o{CAFile: cert}, ""},
		"TLS of another authority":          {changes{tls}, []nats.Option{nats.RootCAs(cert)}, o{CAFile: foreign}, receiver.Other},
		"TLS of an authority of nobody":     {changes{tls}, []nats.Option{nats.RootCAs(cert)}, o{}, receiver.Other},
		"TLS that is not there":             {nil, nil, o{CAFile: cert}, receiver.Other},
		"a client's certificate":            {changes{both}, []nats.Option{nats.RootCAs(cert), nats.ClientCert(cert, key)}, o{CAFile: cert, ClientCertFile: cert, ClientKeyFile: key}, ""},
		"another client's certificate":      {changes{both}, []nats.Option{nats.RootCAs(cert), nats.ClientCert(cert, key)}, o{CAFile: cert, ClientCertFile: foreign, ClientKeyFile: foreignKey}, receiver.Network},
		"no client's certificate":           {changes{both}, []nats.Option{nats.RootCAs(cert), nats.ClientCert(cert, key)}, o{CAFile: cert}, receiver.Network},
		"a token":                           {changes{secret}, []nats.Option{nats.Token("secret")}, o{Token: token("secret")}, ""},
		"another token":                     {changes{secret}, []nats.Option{nats.Token("secret")}, o{Token: token("other")}, receiver.Credentials},
		"a token over TLS":                  {changes{tls, secret}, []nats.Option{nats.RootCAs(cert), nats.Token("secret")}, o{CAFile: cert, Token: token("secret")}, ""},
		"credentials":                       {changes{accounts}, []nats.Option{nats.UserCredentials(credentials)}, o{CredentialsFile: credentials}, ""},
		"credentials over TLS":              {changes{tls, accounts}, []nats.Option{nats.RootCAs(cert), nats.UserCredentials(credentials)}, o{CAFile: cert, CredentialsFile: credentials}, ""},
		"credentials of another's":          {changes{accounts}, []nats.Option{nats.UserCredentials(credentials)}, o{CredentialsFile: otherCredentials}, receiver.Credentials},
		"none where credentials are wanted": {changes{accounts}, []nats.Option{nats.UserCredentials(credentials)}, o{}, receiver.Credentials},
	} {
		t.Run(name, func(t *testing.T) {
			s := natstest.Start(t, c.server...).Connect(t, c.test...)
			s.Stream(t, "S")
			c.shown.URL, c.shown.Subject = s.URL, "S.x"
			p := publishernats.New(c.shown)
			t.Cleanup(func() { must(t, p.Close()) })
			err := p.Open(t.Context())
			if (err == nil) != (c.class == "") || err != nil && receiver.ClassOf(err) != c.class {
				t.Fatalf("Open = %v of class %s, want %q", err, receiver.ClassOf(err), c.class)
			}
			if err != nil {
				return
			}
			if r := p.Publish(t.Context(), []*message.Message{{Body: []byte("a")}})[0]; r.Err != nil || s.Left(t, "S") != 1 {
				t.Errorf("result %+v, and %d messages in the stream", r, s.Left(t, "S"))
			}
		})
	}
}
