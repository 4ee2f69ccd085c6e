// Package keys issues the certificates and keys by which the parts of a cluster know one another.
package keys

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// validity is longer than a run, and no longer than it needs to be.
const validity = 24 * time.Hour

// An Authority signs the certificates by which the parts know one another. It writes
// NAME.crt and NAME.key into its directory.
type Authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes dir and the authority's own certificate, ca.crt.
func NewAuthority(dir string) (*Authority, error) {
	a := &Authority{dir: dir}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return a, a.issue("ca", &x509.Certificate{
		Subject: pkix.Name{CommonName: "carrier-kube"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	})
}

// Client issues a certificate that says who somebody is: user, and a group of users.
func (a *Authority) Client(name, user, group string) error {
	return a.issue(name, &x509.Certificate{
		Subject:     pkix.Name{CommonName: user, Organization: []string{group}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

// Server issues a certificate for a server at address.
func (a *Authority) Server(name, address string) error {
	return a.issue(name, &x509.Certificate{
		Subject:     pkix.Name{CommonName: name},
		IPAddresses: []net.IP{net.ParseIP(address)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
}

// Signer makes a pair of keys that sign the tokens of service accounts.
func (a *Authority) Signer(name string) error {
	return a.issue(name, &x509.Certificate{Subject: pkix.Name{CommonName: name}})
}

// issue makes a key, and completes and signs c; the first c is the authority's own.
func (a *Authority) issue(name string, c *x509.Certificate) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	if c.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62)); err != nil {
		return err
	}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Minute), time.Now().Add(validity)
	c.KeyUsage |= x509.KeyUsageDigitalSignature
	if a.cert == nil {
		a.cert, a.key = c, key
	}
	signed, err := x509.CreateCertificate(rand.Reader, c, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(a.write(name+".crt", "CERTIFICATE", signed), a.write(name+".key", "PRIVATE KEY", secret))
}

func (a *Authority) write(file, kind string, der []byte) error {
	return os.WriteFile(filepath.Join(a.dir, file), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
