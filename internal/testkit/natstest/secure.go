package natstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Certificate writes a certificate for 127.0.0.1, which is its own authority and good for server and
// client, and its key. They are PEM files.
func Certificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	must(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600))
	must(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	return certFile, keyFile
}

// TLS makes a server speak TLS by what Certificate has written. With clients it wants to see the same
// certificate of them.
func TLS(t *testing.T, certFile, keyFile string, clients bool) func(*natsserver.Options) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	must(t, err)
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	if clients {
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		config.ClientCAs.AddCert(pair.Leaf)
	}
	return func(o *natsserver.Options) { o.TLS, o.TLSConfig, o.TLSTimeout = true, config, 10 }
}

// Accounts makes a server let in the users of one account, which has JetStream, and returns the file of
// credentials of such a user.
func Accounts(t *testing.T) (change func(*natsserver.Options), credentialsFile string) {
	t.Helper()
	operator, operatorID := newKey(t, nkeys.CreateOperator)
	account, accountID := newKey(t, nkeys.CreateAccount)
	_, systemID := newKey(t, nkeys.CreateAccount)
	user, userID := newKey(t, nkeys.CreateUser)
	limits := jwt.NewAccountClaims(accountID)
	limits.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: jwt.NoLimit, DiskStorage: jwt.NoLimit, Streams: jwt.NoLimit, Consumer: jwt.NoLimit}
	accounts := &natsserver.MemAccResolver{}
	for id, claims := range map[string]*jwt.AccountClaims{accountID: limits, systemID: jwt.NewAccountClaims(systemID)} {
		token, err := claims.Encode(operator)
		must(t, err)
		must(t, accounts.Store(id, token))
	}
	token, err := jwt.NewUserClaims(userID).Encode(account)
	must(t, err)
	seed, err := user.Seed()
	must(t, err)
	text, err := jwt.FormatUserConfig(token, seed)
	must(t, err)
	credentialsFile = filepath.Join(t.TempDir(), "user.creds")
	must(t, os.WriteFile(credentialsFile, text, 0o600))
	claims := jwt.NewOperatorClaims(operatorID)
	_, err = claims.Encode(operator) // which fills in the rest
	must(t, err)
	return func(o *natsserver.Options) {
		o.TrustedOperators, o.AccountResolver, o.SystemAccount = []*jwt.OperatorClaims{claims}, accounts, systemID
	}, credentialsFile
}

func newKey(t *testing.T, create func() (nkeys.KeyPair, error)) (key nkeys.KeyPair, id string) {
	t.Helper()
	key, err := create()
	must(t, err)
	id, err = key.PublicKey()
	must(t, err)
	return key, id
}
