package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"carrier/bench/control"
)

// A tlsFront speaks TLS for the benchmark's own servers, which speak plain HTTP: it passes the
// bytes of each connection on, in this process, so that what TLS costs the other side is not
// counted as the subject's.
type tlsFront struct {
	certificate tls.Certificate
	caFile      string // the file that a client is to trust
	listeners   []net.Listener
	connections sync.WaitGroup
}

// newTLSFront makes a certificate for 127.0.0.1 and writes it to dir.
func newTLSFront(dir string) (*tlsFront, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	f := &tlsFront{
		certificate: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		caFile:      filepath.Join(dir, "ca.pem"),
	}
	return f, os.WriteFile(f.caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
}

// before returns an address at which backend is reached over TLS.
func (f *tlsFront) before(backend string) (string, error) {
	l, err := control.Listen()
	if err != nil {
		return "", err
	}
	f.listeners = append(f.listeners, l)
	f.connections.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			f.connections.Go(func() {
				f.relay(tls.Server(conn, &tls.Config{
					Certificates: []tls.Certificate{f.certificate}, MinVersion: tls.VersionTLS12,
				}), backend)
			})
		}
	})
	return l.Addr().String(), nil
}

// relay passes bytes between the two until either ends.
func (f *tlsFront) relay(client net.Conn, backend string) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", backend) //nolint:noctx // on loopback
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	}()
	_, _ = io.Copy(client, server)
}

// close ends what before began; what is open ends with the programs at its ends.
func (f *tlsFront) close() {
	for _, l := range f.listeners {
		_ = l.Close()
	}
	f.connections.Wait()
}
