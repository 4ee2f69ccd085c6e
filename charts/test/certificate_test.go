package charts

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// certificate is a file that holds a new certificate and its key: what a Secret of type
// kubernetes.io/tls holds in two.
func certificate(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"orders.shop"}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tls")
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestIngestServesTheCertificateOfItsSecret: both files are of the one Secret, and where
// carrier is told they are.
func TestIngestServesTheCertificateOfItsSecret(t *testing.T) {
	objects := rendered(t, cases(t)["ingest-tls"])
	pod := podOf(t, objects)
	mounted := slices.ContainsFunc(container(t, pod, "carrier").VolumeMounts, func(m corev1.VolumeMount) bool {
		return m.Name == "carrier-tls" && m.MountPath == "/run/secrets/carrier-tls" && m.SubPath == "" // a sub-path is never renewed
	})
	from := slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool {
		return v.Name == "carrier-tls" && v.Secret != nil && v.Secret.SecretName == "orders-tls"
	})
	if !mounted || !from {
		t.Errorf("mounts %v, volumes %v", container(t, pod, "carrier").VolumeMounts, pod.Spec.Volumes)
	}
	for name, file := range map[string]string{"CARRIER_INGEST_TLS_CERT_FILE": "tls.crt", "CARRIER_INGEST_TLS_KEY_FILE": "tls.key"} {
		if got := variable(t, cases(t)["ingest-tls"], name).Value; got != "/run/secrets/carrier-tls/"+file {
			t.Errorf("%s is %q", name, got)
		}
	}
}
