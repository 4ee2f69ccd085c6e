package ingest

import (
	"crypto/tls"
	"errors"
	"fmt"

	"carrier/internal/reload"
)

// openCertificate returns the TLS configuration of o; nil where none is named. The files are
// looked at again for each handshake; what cannot be used leaves the last good ones in force.
func openCertificate(o Options) (*tls.Config, error) {
	if o.TLSCertFile == "" && o.TLSKeyFile == "" {
		return nil, nil
	}
	if o.TLSCertFile == "" || o.TLSKeyFile == "" {
		return nil, errors.New("a TLS certificate and its key go together")
	}
	load := func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(o.TLSCertFile, o.TLSKeyFile)
		if err != nil {
			return nil, fmt.Errorf("TLS certificate: %w", err)
		}
		return &pair, nil
	}
	failed := func(err error) { o.Warn("", "changed TLS files cannot be used; the previous ones stay in force", err) }
	pair, err := reload.Open(load, failed, o.TLSCertFile, o.TLSKeyFile)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair.Current(), nil },
	}, nil
}
