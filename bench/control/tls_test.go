package control_test

import (
	"crypto/tls"
	"io"
	"testing"

	"carrier/bench/control"
)

func TestClientTrustsTheListenersCertificate(t *testing.T) {
	dir := t.TempDir()
	if err := control.WriteCertificate(dir); err != nil {
		t.Fatal(err)
	}
	l, err := control.ListenTLS(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		if conn, err := l.Accept(); err == nil {
			_, _ = io.WriteString(conn, "hello")
			_ = conn.Close()
		}
	}()
	config, err := control.Trust(dir)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", l.Addr().String(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if got, err := io.ReadAll(conn); string(got) != "hello" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestListenerWithoutItsCertificateIsAnError(t *testing.T) {
	if l, err := control.ListenTLS(t.TempDir()); err == nil {
		_ = l.Close()
		t.Error("it listens without a certificate")
	}
}
