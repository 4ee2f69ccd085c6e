package ingest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"carrier/receiver"
	"carrier/receiver/ingest/request"
)

// writePair writes a new certificate of that name for this machine, and its key.
func writePair(t *testing.T, certFile, keyFile, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// shown connects and returns the name in the certificate, and the connection.
func shown(t *testing.T, r single) (string, net.Conn) {
	t.Helper()
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // its name is what is looked at
	nc, err := dialer.DialContext(t.Context(), "tcp", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(time.Minute))
	return nc.(*tls.Conn).ConnectionState().PeerCertificates[0].Subject.CommonName, nc
}

func TestProducersAreServedOverTLS(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "c"), filepath.Join(dir, "k")
	writePair(t, certFile, keyFile, "first")
	var log testLog
	r := start(t, Options{TLSCertFile: certFile, TLSKeyFile: keyFile, Warn: log.warn})
	name, nc := shown(t, r)
	w := newWire(nc)
	w.ask(t)
	w.ask(t) // on the same connection
	if name != "first" {
		t.Errorf("the certificate is %s", name)
	}
	writePair(t, certFile, keyFile, "the second one")
	if name, nc := shown(t, r); name != "the second one" {
		t.Errorf("the certificate is %s after a change", name)
	} else {
		newWire(nc).ask(t)
	}
	if err := os.WriteFile(keyFile, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if name, _ := shown(t, r); name != "the second one" {
			t.Errorf("the certificate is %s after a change that is none", name)
		}
	}
	if got := log.text(); strings.Count(got, "changed TLS files cannot be used; the previous ones stay in force") != 1 {
		t.Errorf("logged %q, want one warning", got)
	}
	w.ask(t)
	_, nc = shown(t, r)
	bad := newWire(nc)
	bad.say(t, "hello\r\n\r\n")
	bad.hear(t).problem(t, 400)
}

func TestPlainTextIsNotServedOverTLS(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "c"), filepath.Join(dir, "k")
	writePair(t, certFile, keyFile, "it")
	r := start(t, Options{TLSCertFile: certFile, TLSKeyFile: keyFile})
	w := dial(t, r)
	w.say(t, oneByte)
	heard, _ := io.ReadAll(w)
	if strings.Contains(string(heard), "200") {
		t.Errorf("heard %q", heard)
	}
	wantStored(t, r, 0)
}

func TestSilentHandshakeIsLeft(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "c"), filepath.Join(dir, "k")
	writePair(t, certFile, keyFile, "it")
	var p pipes
	bubble(t, Options{TLSCertFile: certFile, TLSKeyFile: keyFile}, &p, func(t *testing.T, _ single) {
		nc := p.dial()
		begun := time.Now()
		_, _ = io.ReadAll(nc)
		if stayed := time.Since(begun); stayed < request.HeadTimeout-time.Second || stayed > request.HeadTimeout+drainTimeout {
			t.Errorf("left after %v, want %v", stayed, request.HeadTimeout)
		}
	})
}

func TestCertificateThatCannotBeUsedEndsTheStart(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "c"), filepath.Join(dir, "k")
	writePair(t, certFile, keyFile, "it")
	for name, o := range map[string]Options{
		"a certificate alone": {TLSCertFile: certFile},
		"a key alone":         {TLSKeyFile: keyFile},
		"no such file":        {TLSCertFile: certFile + "x", TLSKeyFile: keyFile},
		"no certificate":      {TLSCertFile: keyFile, TLSKeyFile: keyFile},
	} {
		t.Run(name, func(t *testing.T) {
			o.Address, o.DataDir = "127.0.0.1:0", t.TempDir()
			r := newSingle(o)
			if err := r.Open(t.Context()); receiver.ClassOf(err) != receiver.Invalid {
				t.Errorf("Open = %v of class %s, want invalid", err, receiver.ClassOf(err))
			}
			if err := r.Close(); err != nil {
				t.Errorf("Close = %v", err)
			}
		})
	}
}
