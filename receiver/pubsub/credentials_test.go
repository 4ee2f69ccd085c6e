package pubsub

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"

	"carrier/receiver"
)

// googleHost is where carrier calls when nothing else is configured.
const googleHost = "pubsub.googleapis.com"

// A google is a server that has Google's name, and the key to a certificate for it, on
// 127.0.0.1.
type google struct {
	roots *x509.CertPool
	dial  grpc.DialOption

	mu    sync.Mutex
	heads []metadata.MD // of all calls
}

func newGoogle(t *testing.T) *google {
	t.Helper()
	certificate, roots := certificateFor(t, googleHost)
	g := &google{roots: roots}
	fake := pstest.NewServer()
	s := grpc.NewServer(grpc.Creds(credentials.NewServerTLSFromCert(&certificate)), grpc.UnaryInterceptor(
		func(ctx context.Context, in any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
			head, _ := metadata.FromIncomingContext(ctx)
			g.mu.Lock()
			g.heads = append(g.heads, head)
			g.mu.Unlock()
			return handle(ctx, in)
		}))
	pubsubpb.RegisterSubscriberServer(s, &fake.GServer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.Serve(l) })
	t.Cleanup(func() { s.Stop(); serving.Wait(); must(t, fake.Close()) })
	names := manual.NewBuilderWithScheme("dns") // this machine's may not know Google
	names.InitialState(resolver.State{Addresses: []resolver.Address{{Addr: l.Addr().String()}}})
	g.dial = grpc.WithResolvers(names)
	_, err = fake.GServer.CreateTopic(t.Context(), &pubsubpb.Topic{Name: "projects/p/topics/t"})
	must(t, err)
	_, err = fake.GServer.CreateSubscription(t.Context(), &pubsubpb.Subscription{Name: "projects/p/subscriptions/s", Topic: "projects/p/topics/t"})
	must(t, err)
	_, err = fake.GServer.Publish(t.Context(), &pubsubpb.PublishRequest{Topic: "projects/p/topics/t", Messages: []*pubsubpb.PubsubMessage{{Data: []byte("a")}}})
	must(t, err)
	return g
}

// trusted is how a client that knows g's authority dials.
func (g *google) trusted() []grpc.DialOption {
	return []grpc.DialOption{g.dial, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: g.roots, MinVersion: tls.VersionTLS12}))}
}

// shown lists what all calls had under a name.
func (g *google) shown(name string) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var values []string
	for _, head := range g.heads {
		values = append(values, strings.Join(head.Get(name), ","))
	}
	return values
}

// certificateFor makes a certificate for host and the authority that vouches for it.
func certificateFor(t *testing.T, host string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	leaf, err := x509.ParseCertificate(der)
	must(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// An issuer is a server that gives tokens, in the manners of the metadata server, of OAuth and of
// the token exchange.
type issuer struct {
	*httptest.Server
	mu     sync.Mutex
	status int // of every answer, where it is not 200
	asked  []string
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		must(t, r.ParseForm())
		i.mu.Lock()
		i.asked = append(i.asked, r.URL.Path+" "+r.Form.Encode())
		status := i.status
		i.mu.Unlock()
		w.Header().Set("Metadata-Flavor", "Google")
		w.Header().Set("Content-Type", "application/json")
		switch {
		case status != 0:
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"error":"invalid_grant"}`))
		case strings.HasSuffix(r.URL.Path, "/project/project-id"):
			_, _ = w.Write([]byte("p"))
		default:
			_, _ = fmt.Fprintf(w, `{"access_token":"token-of%s","token_type":"Bearer","issued_token_type":"urn:ietf:params:oauth:token-type:access_token","expires_in":3600}`, r.URL.Path)
		}
	}))
	t.Cleanup(i.Close)
	return i
}

// everything is a client for which every host is the issuer.
func (i *issuer) everything(t *testing.T) *http.Client {
	t.Helper()
	return &http.Client{Transport: redirected(i.Listener.Addr().String())}
}

type redirected string

func (to redirected) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL = &url.URL{Scheme: "http", Host: string(to), Path: "/" + r.URL.Hostname() + r.URL.Path}
	return http.DefaultTransport.RoundTrip(r)
}

// was reports whether something was asked for at path, with all of parts.
func (i *issuer) was(path string, parts ...string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, asked := range i.asked {
		found := strings.HasPrefix(asked, path+" ")
		for _, part := range parts {
			found = found && strings.Contains(asked, part)
		}
		if found {
			return true
		}
	}
	return false
}

// credentialsFile makes content, as JSON, the Application Default Credentials.
func credentialsFile(t *testing.T, content map[string]any) {
	t.Helper()
	b, err := json.Marshal(content)
	must(t, err)
	path := filepath.Join(t.TempDir(), "credentials.json")
	must(t, os.WriteFile(path, b, 0o600))
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", path)
}

// federated is the configuration of a workload identity pool that takes the token in a file.
func federated(t *testing.T, i *issuer) map[string]any {
	t.Helper()
	path := filepath.Join(t.TempDir(), "subject")
	must(t, os.WriteFile(path, []byte("subject-token"), 0o600))
	return map[string]any{
		"type": "external_account", "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/a/providers/b",
		"subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": i.URL + "/sts",
		"credential_source": map[string]any{"file": path},
	}
}

// Every call over TLS to Google's name shows a token, from wherever the Application Default
// Credentials are.
func TestEachKindOfCredentialsReachesTheServer(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	i := newIssuer(t)
	for name, c := range map[string]struct {
		set     func(t *testing.T)
		project string // where the credentials do not name one
		want    func(token string) bool
		quota   string
		asked   []string
	}{
		"a service account's key signs its own token": {
			set: func(t *testing.T) {
				der, err := x509.MarshalPKCS8PrivateKey(key)
				must(t, err)
				credentialsFile(t, map[string]any{
					"type": "service_account", "project_id": "p", "client_email": "a@p.iam.gserviceaccount.com", "private_key_id": "k",
					"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": i.URL + "/unused",
				})
			},
			want: func(token string) bool { return signedBy(t, key, token) },
		},
		"a user's refresh token": {
			set: func(t *testing.T) {
				credentialsFile(t, map[string]any{
					"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r", "quota_project_id": "q",
				})
			},
			project: "p", want: is("token-of/oauth2.googleapis.com/token"), quota: "q",
			asked: []string{"/oauth2.googleapis.com/token", "grant_type=refresh_token", "refresh_token=r"},
		},
		"workload identity federation": {
			set:     func(t *testing.T) { credentialsFile(t, federated(t, i)) },
			project: "p", want: is("token-of/127.0.0.1/sts"),
			asked: []string{"/127.0.0.1/sts", "subject_token=subject-token", "auth%2Fpubsub"},
		},
		"the metadata server": {
			set: func(t *testing.T) {
				t.Setenv("HOME", t.TempDir()) // where gcloud keeps the user's
				t.Setenv("GCE_METADATA_HOST", i.Listener.Addr().String())
			},
			want:  is("token-of/computeMetadata/v1/instance/service-accounts/default/token"),
			asked: []string{"/computeMetadata/v1/instance/service-accounts/default/token", "auth%2Fpubsub"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.set(t)
			g := newGoogle(t)
			o := Options{Subscription: "s", Project: c.project, UserAgent: "carrier/test", dial: g.trusted(), tokenClient: i.everything(t)}
			r := New(o)
			t.Cleanup(func() { must(t, r.Close()) })
			must(t, r.Open(t.Context()))
			batch, err := r.Receive(t.Context(), 1)
			if err != nil || len(batch) != 1 {
				t.Fatalf("%d messages, %v", len(batch), err)
			}
			must(t, r.Settle(t.Context(), batch[0], delivered()))
			shown := g.shown("authorization")
			if len(shown) != 3 {
				t.Errorf("%d calls, want 3", len(shown))
			}
			for n, value := range shown {
				token, bearer := strings.CutPrefix(value, "Bearer ")
				if !bearer || !c.want(token) {
					t.Errorf("call %d shows %q", n, value)
				}
				if quota := g.shown("x-goog-user-project")[n]; quota != c.quota {
					t.Errorf("call %d is on %q's quota, want %q's", n, quota, c.quota)
				}
			}
			if c.asked != nil && !i.was(c.asked[0], c.asked[1:]...) {
				t.Errorf("not asked for as wanted: %q", i.asked)
			}
		})
	}
}

func is(want string) func(string) bool { return func(token string) bool { return token == want } }

// signedBy reports whether token is a JWT of key's for the scope of Pub/Sub.
func signedBy(t *testing.T, key *rsa.PrivateKey, token string) bool {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	must(t, err)
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	must(t, err)
	hash := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	return rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, hash[:], signature) == nil &&
		strings.Contains(string(claims), `"iss":"a@p.iam.gserviceaccount.com"`) && strings.Contains(string(claims), `"scope":"https://www.googleapis.com/auth/pubsub"`)
}

func TestServerThatNobodyVouchesForIsShownNoToken(t *testing.T) {
	i := newIssuer(t)
	credentialsFile(t, federated(t, i))
	g := newGoogle(t)
	r := New(Options{Subscription: "s", Project: "p", dial: []grpc.DialOption{g.dial}, tokenClient: i.everything(t)})
	if err := r.Open(t.Context()); receiver.ClassOf(err) != receiver.Network || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("Open = %v", err)
	}
	if shown := g.shown("authorization"); len(shown) != 0 {
		t.Errorf("it was shown %q", shown)
	}
}

// away stands for no answer at all.
const away = -1

func TestRefusedTokenIsToldFromOneThatCannotBeAskedFor(t *testing.T) {
	user := func(t *testing.T, _ *issuer) {
		credentialsFile(t, map[string]any{"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"})
	}
	pool := func(t *testing.T, i *issuer) { credentialsFile(t, federated(t, i)) }
	machine := func(t *testing.T, i *issuer) {
		t.Setenv("HOME", t.TempDir())
		t.Setenv("GCE_METADATA_HOST", i.Listener.Addr().String())
	}
	for name, c := range map[string]struct {
		set    func(*testing.T, *issuer)
		status int
		want   receiver.Class
	}{
		"a user's, refused":                    {user, http.StatusBadRequest, receiver.Credentials},
		"a user's, out of order":               {user, http.StatusServiceUnavailable, receiver.Network},
		"a pool's, refused":                    {pool, http.StatusForbidden, receiver.Credentials},
		"a pool's, out of order":               {pool, http.StatusServiceUnavailable, receiver.Network},
		"a pool's, too many":                   {pool, http.StatusTooManyRequests, receiver.Network},
		"a user's, away":                       {user, away, receiver.Network},
		"a pool's, away":                       {pool, away, receiver.Network},
		"the machine's, away":                  {machine, away, receiver.Network},
		"the machine's, none there":            {machine, http.StatusNotFound, receiver.Credentials},
		"the machine's, metadata out of order": {machine, http.StatusServiceUnavailable, receiver.Network},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			c.set(t, i)
			if i.status = c.status; c.status == away {
				i.Close()
			}
			g := newGoogle(t)
			err := New(Options{Subscription: "s", Project: "p", dial: g.trusted(), tokenClient: i.everything(t)}).Open(t.Context())
			if receiver.ClassOf(err) != c.want {
				t.Errorf("Open = %v of class %s, want %s", err, receiver.ClassOf(err), c.want)
			}
		})
	}
}
