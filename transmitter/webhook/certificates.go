package webhook

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"

	"carrier/internal/reload"
)

// TLS says whom to trust and who we are. The files are PEM and read again when they
// change.
type TLS struct {
	// InsecureSkipVerify trusts whoever answers.
	InsecureSkipVerify bool
	// CAFile holds the only authorities to trust; empty means the system's.
	CAFile string
	// ClientCertFile and ClientKeyFile are given together or not at all.
	ClientCertFile, ClientKeyFile string
}

// certificates holds the TLS configuration that the files gave last.
type certificates struct {
	config *reload.Value[*tls.Config]
}

func openCertificates(opts TLS, warn func(messageID, what string)) (*certificates, error) {
	failed := func(err error) {
		warn("", fmt.Sprintf("changed TLS files cannot be used; the previous ones stay in force: %v", err))
	}
	config, err := reload.Open(opts.load, failed, opts.CAFile, opts.ClientCertFile, opts.ClientKeyFile)
	return &certificates{config}, err
}

// current returns the configuration for one new connection to e, after another look at
// the files. Files that cannot be used leave the last good ones in force, with a
// warning for each change.
func (c *certificates) current(e Endpoint) *tls.Config {
	config := c.config.Current().Clone()
	config.ServerName, _, _ = net.SplitHostPort(e.address)
	return config
}

// ofProxy returns the configuration for one new connection to a proxy.
func (c *certificates) ofProxy() *tls.Config {
	return &tls.Config{RootCAs: c.config.Current().RootCAs, MinVersion: tls.VersionTLS12}
}

func (o TLS) load() (*tls.Config, error) {
	roots, rootsErr := o.roots()
	own, ownErr := o.own()
	if err := errors.Join(rootsErr, ownErr); err != nil {
		return nil, err
	}
	return &tls.Config{
		RootCAs:            roots,
		Certificates:       own,
		NextProtos:         []string{"http/1.1"},
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: o.InsecureSkipVerify,
		// One for each state of the files: a session is not checked against the authorities again.
		ClientSessionCache: tls.NewLRUClientSessionCache(1),
	}, nil
}

func (o TLS) roots() (*x509.CertPool, error) {
	if o.CAFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(o.CAFile)
	if err != nil {
		return nil, fmt.Errorf("CA file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("CA file: %s holds no certificate", o.CAFile)
	}
	return pool, nil
}

func (o TLS) own() ([]tls.Certificate, error) {
	if o.ClientCertFile == "" && o.ClientKeyFile == "" {
		return nil, nil
	}
	if o.ClientCertFile == "" || o.ClientKeyFile == "" {
		return nil, errors.New("client certificate: the certificate and its key go together")
	}
	pair, err := tls.LoadX509KeyPair(o.ClientCertFile, o.ClientKeyFile)
	if err != nil {
		return nil, fmt.Errorf("client certificate: %w", err)
	}
	return []tls.Certificate{pair}, nil
}
