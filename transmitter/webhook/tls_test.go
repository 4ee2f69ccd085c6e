package webhook_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"carrier/message"
	"carrier/transmitter/webhook"
)

func TestOnlyTheGivenAuthorityIsTrusted(t *testing.T) {
	dir := t.TempDir()
	good, other := newAuthority(t), newAuthority(t)
	e := listenTLS(t, good, nil)
	cases := map[string]struct {
		tls       webhook.TLS
		delivered bool
	}{
		"its own authority":  {webhook.TLS{CAFile: write(t, dir, "good.pem", good.pem())}, true},
		"another authority":  {webhook.TLS{CAFile: write(t, dir, "other.pem", other.pem())}, false},
		"the system's":       {webhook.TLS{}, false},
		"nobody is verified": {webhook.TLS{InsecureSkipVerify: true}, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			tr := open(t, webhook.Options{Endpoint: e, TLS: c.tls})
			o := tr.Transmit(t.Context(), newMessage("a", "x"))
			if c.delivered != (o.Verdict == message.Delivered) {
				t.Fatalf("outcome %+v", o)
			}
			if !c.delivered && (o.Cause != message.Unreached || o.Code != "refused" || !strings.HasPrefix(o.Reason, "worker not reached: tls: failed")) {
				t.Errorf("outcome %+v", o)
			}
		})
	}
}

func TestTrustingAnyoneIsWarnedOf(t *testing.T) {
	var warnings []string
	open(t, webhook.Options{
		Endpoint: endpoint(t, "https://127.0.0.1:9"),
		TLS:      webhook.TLS{InsecureSkipVerify: true},
		Warn:     func(_, what string) { warnings = append(warnings, what) },
	})
	if len(warnings) != 1 {
		t.Errorf("warnings %q", warnings)
	}
}

func TestClientCertificateIsShown(t *testing.T) {
	dir, authority := t.TempDir(), newAuthority(t)
	e := listenTLS(t, authority, authority)
	cert, key := authority.issue(t)
	opts := webhook.TLS{CAFile: write(t, dir, "ca.pem", authority.pem())}
	if o := open(t, webhook.Options{Endpoint: e, TLS: opts}).Transmit(t.Context(), newMessage("a", "x")); o.Cause != message.Unreached {
		t.Errorf("without a certificate: %+v", o)
	}
	opts.ClientCertFile, opts.ClientKeyFile = write(t, dir, "cert.pem", cert), write(t, dir, "key.pem", key)
	if o := open(t, webhook.Options{Endpoint: e, TLS: opts}).Transmit(t.Context(), newMessage("a", "x")); o.Verdict != message.Delivered {
		t.Errorf("with a certificate: %+v", o)
	}
}

func TestFilesAreReadAgainWhenTheyChange(t *testing.T) {
	dir := t.TempDir()
	old, fresh := newAuthority(t), newAuthority(t)
	e := listenTLS(t, fresh, fresh)
	oldCert, oldKey := old.issue(t)
	opts := webhook.TLS{
		CAFile:         write(t, dir, "ca.pem", old.pem()),
		ClientCertFile: write(t, dir, "cert.pem", oldCert),
		ClientKeyFile:  write(t, dir, "key.pem", oldKey),
	}
	var warnings []string
	tr := open(t, webhook.Options{Endpoint: e, TLS: opts, Warn: func(_, what string) { warnings = append(warnings, what) }})
	delivered := func() bool {
		return tr.Transmit(t.Context(), newMessage("a", "x")).Verdict == message.Delivered
	}
	if delivered() {
		t.Fatal("delivered under the old authority")
	}
	write(t, dir, "ca.pem", "half written")
	for range 2 {
		if delivered() || len(warnings) != 1 {
			t.Fatalf("a broken file was used, or not warned of once: %q", warnings)
		}
	}
	cert, key := fresh.issue(t)
	write(t, dir, "ca.pem", fresh.pem())
	write(t, dir, "cert.pem", cert)
	write(t, dir, "key.pem", key)
	if !delivered() {
		t.Errorf("not delivered under the new authority; warnings %q", warnings)
	}
}

// A session that is resumed is not checked against the authorities again.
func TestSessionsAreResumedAsLongAsTheFilesAreTheSame(t *testing.T) {
	dir, authority := t.TempDir(), newAuthority(t)
	e := listenTLS(t, authority, nil)
	ca := write(t, dir, "ca.pem", authority.pem())
	tr := open(t, webhook.Options{Endpoint: e, TLS: webhook.TLS{CAFile: ca}})
	for i, want := range []int{200, resumed, resumed} {
		if o := tr.Transmit(t.Context(), newMessage("a", "x")); o.Status != want {
			t.Errorf("message %d: %+v, want status %d", i, o, want)
		}
	}
	write(t, dir, "ca.pem", newAuthority(t).pem())
	if o := tr.Transmit(t.Context(), newMessage("a", "x")); o.Cause != message.Unreached {
		t.Errorf("under another authority: %+v", o)
	}
}

// A worker that will not have us, or that we will not have, is not there.
func TestProbeGoesThroughTheHandshake(t *testing.T) {
	dir, authority := t.TempDir(), newAuthority(t)
	e := listenTLS(t, authority, authority)
	cert, key := authority.issue(t)
	good := webhook.TLS{
		CAFile:         write(t, dir, "ca.pem", authority.pem()),
		ClientCertFile: write(t, dir, "cert.pem", cert), ClientKeyFile: write(t, dir, "key.pem", key),
	}
	for name, c := range map[string]struct {
		tls  webhook.TLS
		want string
	}{
		"all is well":       {good, ""},
		"another authority": {webhook.TLS{CAFile: write(t, dir, "other.pem", newAuthority(t).pem())}, "tls: failed to verify"},
		"no certificate":    {webhook.TLS{CAFile: good.CAFile}, "tls: remote error: tls: certificate required"},
	} {
		err := open(t, webhook.Options{Endpoint: e, TLS: c.tls}).Probe(t.Context())
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), "worker not reached: "+c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestFilesAtFaultAreNamedAtOpen(t *testing.T) {
	dir := t.TempDir()
	cases := map[string]struct {
		tls   webhook.TLS
		names []string
	}{
		"no such files":         {webhook.TLS{CAFile: dir + "/no-ca", ClientCertFile: dir + "/no-cert", ClientKeyFile: dir + "/key"}, []string{"no-ca", "no-cert"}},
		"no certificate in it":  {webhook.TLS{CAFile: write(t, dir, "empty.pem", "")}, []string{"empty.pem"}},
		"a certificate, no key": {webhook.TLS{ClientCertFile: dir + "/cert"}, []string{"go together"}},
		"a key, no certificate": {webhook.TLS{ClientKeyFile: dir + "/key"}, []string{"go together"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := webhook.Open(webhook.Options{Endpoint: endpoint(t, "https://127.0.0.1:9"), TLS: c.tls})
			if err == nil {
				t.Fatal("no error")
			}
			for _, n := range c.names {
				if !strings.Contains(err.Error(), n) {
					t.Errorf("%q does not name %s", err, n)
				}
			}
		})
	}
}

func TestHealthCheckWantsA2xx(t *testing.T) {
	cases := map[string]struct {
		status  int
		healthy bool
	}{
		"200": {200, true}, "204": {204, true}, "302": {302, false}, "404": {404, false}, "500": {500, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var asked []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r.Method+" "+r.RequestURI)
				w.Header().Set("Location", "/ok")
				w.WriteHeader(c.status)
			}))
			defer server.Close()
			tr := open(t, webhook.Options{Endpoint: endpoint(t, server.URL)})
			err := tr.HealthCheck(endpoint(t, server.URL+"/health?x=1"))(t.Context())
			if (err == nil) != c.healthy {
				t.Errorf("check says %v", err)
			}
			if len(asked) != 1 || asked[0] != "GET /health?x=1" {
				t.Errorf("asked for %q", asked)
			}
		})
	}
}

func TestHealthCheckOfNobodyFails(t *testing.T) {
	tr := open(t, webhook.Options{Endpoint: endpoint(t, "http://127.0.0.1:9")})
	if err := tr.HealthCheck(endpoint(t, "unix://"+t.TempDir()+"/none.sock"))(t.Context()); err == nil {
		t.Error("healthy")
	}
}

// An authority issues certificates for 127.0.0.1, to servers and clients alike.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{key: newKey(t)}
	template := certificate()
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *authority) pem() string { return encodePEM("CERTIFICATE", a.cert.Raw) }

// issue returns a certificate and its key, in PEM.
func (a *authority) issue(t *testing.T) (cert, key string) {
	t.Helper()
	own := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, certificate(), a.cert, own.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	return encodePEM("CERTIFICATE", der), encodePEM("PRIVATE KEY", keyDER)
}

func certificate() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: "test"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func encodePEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// write replaces a file, and makes sure that the change can be seen.
func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	old, statErr := os.Stat(path)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if statErr == nil {
		later := old.ModTime().Add(time.Second)
		if err := os.Chtimes(path, later, later); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// resumed is the status by which listenTLS answers on a session that was resumed.
const resumed = http.StatusNonAuthoritativeInfo

// listenTLS serves HTTPS, with a connection for each request, with a certificate of server, to clients of the authority
// client where one is given.
func listenTLS(t *testing.T, server, client *authority) webhook.Endpoint {
	t.Helper()
	cert, key := server.issue(t)
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 1 {
			w.WriteHeader(http.StatusHTTPVersionNotSupported)
		}
		w.Header().Set("Connection", "close")
		if r.TLS.DidResume {
			w.WriteHeader(resumed)
		}
	}))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	if client != nil {
		pool := x509.NewCertPool()
		pool.AddCert(client.cert)
		s.TLS.ClientCAs, s.TLS.ClientAuth = pool, tls.RequireAndVerifyClientCert
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return endpoint(t, s.URL)
}
