package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"carrier/internal/standardwebhooks"
)

// TestEachVariableHasItsLimits sets one variable at a time; the faults must name it and
// no other.
func TestEachVariableHasItsLimits(t *testing.T) {
	for name, values := range map[string]struct{ good, bad []string }{
		"CARRIER_CONCURRENCY":                     {[]string{"1", "10000"}, []string{"0", "-1", "10001", "x", "1.5", "99999999999999999999"}},
		"CARRIER_PREFETCH":                        {[]string{"auto", "AUTO", "0", "50"}, []string{"-1", "many", "10001"}},
		"CARRIER_DRAIN_TIMEOUT":                   {[]string{"0", "0s", "1h"}, []string{"-1s", "20", "soon", "13h"}},
		"CARRIER_LOG_LEVEL":                       {[]string{"debug", "WARN"}, []string{"fatal", "inf"}},
		"CARRIER_REJECT_ACTION":                   {[]string{"retry", "drop", "dead-letter"}, []string{"deadletter", "ack"}},
		"CARRIER_MESSAGE_TIMEOUT":                 {[]string{"0", "1s", "1000h"}, []string{"-1h", "1ms"}},
		"CARRIER_ADMIN_ADDRESS":                   {[]string{":0", "127.0.0.1:9010", "[::1]:1"}, []string{"9010", ":x", ":70000", "a:b:c", "http://h:1"}},
		"CARRIER_ADMIN_TOKEN":                     {[]string{"abc"}, []string{"a b", "a\n", "ä"}},
		"CARRIER_STAT_LOG_TIMER":                  {[]string{"1s"}, []string{"0", "-1s"}},
		"CARRIER_INGEST_ADDRESS":                  {[]string{"localhost:80", "[::1]:80", "127.1.2.3:80"}, []string{":80", "0.0.0.0:80", "example.org:80", "80"}},
		"CARRIER_INGEST_MAX_BODY":                 {[]string{"1", "512KiB", "1GiB", "64KB", "2MB", "1GB", "7B"}, []string{"0", "-1", "2GiB", "1kib", "1TiB", "1 MiB", "9223372036854775807KiB", "KiB"}},
		"CARRIER_INGEST_MAX_MESSAGES":             {[]string{"1"}, []string{"0", "-5"}},
		"CARRIER_INGEST_MAX_BYTES":                {[]string{"1MiB"}, []string{"0", "1MiBs", "1023KiB"}},
		"CARRIER_INGEST_LEASE":                    {[]string{"1s", "12h"}, []string{"0", "999ms", "13h"}},
		"CARRIER_INGEST_MAX_CONNECTIONS":          {[]string{"1", "65536"}, []string{"0", "65537"}},
		"CARRIER_INGEST_MAX_DEAD_LETTERS":         {[]string{"1"}, []string{"0"}},
		"CARRIER_INGEST_MAX_DEAD_BYTES":           {[]string{"1MiB"}, []string{"0", "1023KiB"}},
		"CARRIER_INGEST_DEAD_LETTER_FULL":         {[]string{"keep", "DROP-OLDEST"}, []string{"drop", "refuse"}},
		"CARRIER_WEBHOOK_MAX_HEADER_BYTES":        {[]string{"2KiB", "1MiB"}, []string{"0", "2047", "2MiB"}},
		"CARRIER_RETRY_JITTER":                    {[]string{"equal", "Full", "none"}, []string{"half"}},
		"CARRIER_INGEST_REPLAY":                   {[]string{"true", "1", "f"}, []string{"yes", "on"}},
		"CARRIER_WEBHOOK_ENDPOINT":                {[]string{"https://h:1/p?q=1", "http://[::1]:80/", "unix:///run/w.sock", "unix:///run/w.sock:/hook", "http://a,http://b", "http://a,unix:///run/w.sock:/hook"}, []string{"localhost:9000", "HTTP://h", "UNIX:///w.sock", "http://", "http://h:x", "http://h:", "http://h:70000", "unix://run/w.sock", "unix:///w.sock:hook", "unix:///" + strings.Repeat("x", 107), "http://a,b", "http://a,", "http://a, http://b", "http://h#f", "ftp://h", "http://h /", "\x7f"}},
		"CARRIER_WEBHOOK_DEFAULT_CONTENT_TYPE":    {[]string{"text/plain; charset=utf-8"}, []string{"text", "a b/c", "text/plain\r\nX: y"}},
		"CARRIER_WEBHOOK_REQUEST_TIMEOUT":         {[]string{"1ms", "12h"}, []string{"0", "-1s", "13h"}},
		"CARRIER_WEBHOOK_REQUEST_TIMEOUTS":        {[]string{"1ms", "12h"}, []string{"0", "-1s", "13h", "x", "1s,", "1s,2s"}},
		"CARRIER_EXIT_WHEN_IDLE":                  {[]string{"0", "1s", "1h"}, []string{"-1s", "999ms", "soon"}},
		"CARRIER_DEFER_HOLD":                      {[]string{"0", "30s", "12h"}, []string{"-1s", "13h", "30"}},
		"CARRIER_WEBHOOK_HEADERS":                 {[]string{"Authorization:Bearer x", "A:1,B: 2,A:3", "A:"}, []string{"A", "A:1,", ":v", "A b:c", "Host:x", "X-Carrier-Source:x", "x_carrier_source:x", "traceparent:x", "content-length:3", "Idempotency-Key:x", "A:\x01"}},
		"CARRIER_WEBHOOK_HEALTH_CHECK_ENDPOINT":   {[]string{"http://h/healthz"}, []string{"/healthz"}},
		"CARRIER_WEBHOOK_HEALTH_CHECK_INTERVAL":   {[]string{"1ms"}, []string{"0"}},
		"CARRIER_WEBHOOK_HEALTH_CHECK_TIMEOUT":    {[]string{"1s"}, []string{"-1s"}},
		"CARRIER_WEBHOOK_OFFLINE_THRESHOLD_COUNT": {[]string{"1"}, []string{"0"}},
		"CARRIER_WEBHOOK_CA_FILE":                 {nil, []string{"/nowhere", "/dev/null", "/"}},
		"CARRIER_RETRY_INITIAL_INTERVAL":          {[]string{"1ms", "15m"}, []string{"0", "-1s"}},
		"CARRIER_RETRY_MULTIPLIER":                {[]string{"1", "1.5"}, []string{"0.9", "NaN", "Inf", "-Inf", "1001"}},
		"CARRIER_RETRY_MAX_INTERVAL":              {[]string{"1s"}, []string{"999ms", "x"}},
		"CARRIER_RETRY_MAX_ATTEMPTS":              {[]string{"0", "1"}, []string{"-1"}},
		"CARRIER_FALLBACK":                        {nil, []string{"a", ",", "-"}},
		"CARRIER_CHANNEL_TIMEOUT":                 {[]string{"1s", "1000h"}, []string{"0", "999ms", "-1s", "soon"}},
		"CARRIER_TRANSMITTER":                     {[]string{"webhook"}, []string{"stream"}},
	} {
		limits(t, name, nil, values.good, values.bad)
	}
}

func TestEachSQSVariableHasItsLimits(t *testing.T) {
	queue := map[string]string{"CARRIER_SQS_QUEUE_NAME": "q", "CARRIER_RECEIVER": "sqs"}
	none := map[string]string{"CARRIER_RECEIVER": "sqs"}
	for name, values := range map[string]struct {
		rest      map[string]string
		good, bad []string
	}{
		"CARRIER_SQS_QUEUE_NAME":         {none, []string{"q", "a-b_C9.fifo", strings.Repeat("x", 80)}, []string{"a.b", "a/b", ".fifo", strings.Repeat("x", 81)}},
		"CARRIER_SQS_QUEUE_URL":          {none, []string{"https://sqs.eu-west-1.amazonaws.com/1/q"}, []string{"q", "sqs.eu-west-1.amazonaws.com/1/q"}},
		"CARRIER_SQS_QUEUE_OWNER":        {queue, []string{"123456789012"}, []string{"1", "12345678901x"}},
		"CARRIER_SQS_ENDPOINT":           {queue, []string{"http://localhost:9324"}, []string{"localhost:9324", "unix:///x"}},
		"CARRIER_SQS_BATCH_SIZE":         {queue, []string{"1", "10"}, []string{"0", "11"}},
		"CARRIER_SQS_RECEIVERS":          {queue, []string{"1", "1000"}, []string{"0", "1001"}},
		"CARRIER_SQS_RECEIVER_WORKERS":   {queue, []string{"1", "10000"}, []string{"0", "10001"}},
		"CARRIER_SQS_VISIBILITY_TIMEOUT": {queue, []string{"0", "1s", "12h"}, []string{"500ms", "12h1s", "-1s"}},
		"CARRIER_SQS_WAIT_TIME":          {queue, []string{"0", "20s", "0.5s"}, []string{"21s", "20.1s", "-1s"}},
		"CARRIER_DEAD_LETTER_QUEUE_URL":  {queue, []string{"http://h/q"}, []string{"q"}},
	} {
		limits(t, name, values.rest, values.good, values.bad)
	}
}

func limits(t *testing.T, name string, rest map[string]string, good, bad []string) {
	t.Helper()
	for i, value := range append(good, bad...) {
		vars := map[string]string{name: value}
		for other, its := range rest {
			if other != name {
				vars[other] = its
			}
		}
		_, _, faults := load(t, vars)
		if i < len(good) && faults != nil {
			t.Errorf("%s=%q is refused: %v", name, value, faults)
		}
		if i >= len(good) && (len(faults) != 1 || faults[0].Variable != name) {
			t.Errorf("%s=%q: faults %v", name, value, faults)
		}
	}
}

func TestDerivedConcurrencyHasALimit(t *testing.T) {
	vars := map[string]string{"CARRIER_SQS_QUEUE_NAME": "q", "CARRIER_SQS_RECEIVERS": "1000", "CARRIER_SQS_RECEIVER_WORKERS": "11"}
	_, _, faults := load(t, vars)
	if len(faults) != 1 || faults[0].Variable != "CARRIER_SQS_RECEIVER_WORKERS" {
		t.Errorf("faults %v", faults)
	}
	vars["CARRIER_CONCURRENCY"] = "50"
	if c := good(t, vars); c.Routes[0].Concurrency != 50 {
		t.Errorf("concurrency %d", c.Routes[0].Concurrency)
	}
}

func TestOpenIngestNeedsATokenOrAWord(t *testing.T) {
	good(t, map[string]string{"CARRIER_INGEST_ADDRESS": ":80", "CARRIER_INGEST_TOKEN": "t"})
	good(t, map[string]string{"CARRIER_INGEST_ADDRESS": ":80", "CARRIER_INGEST_ALLOW_ANONYMOUS": "true"})
	good(t, map[string]string{"CARRIER_INGEST_ADDRESS": ":80", "CARRIER_INGEST_SIGNING_SECRETS": standardwebhooks.NewSecret()})
	good(t, map[string]string{"CARRIER_INGEST_ADDRESS": ":80", "CARRIER_SQS_QUEUE_NAME": "q"})
}

func TestCertificateAndKeyGoTogether(t *testing.T) {
	for _, names := range [][2]string{
		{"CARRIER_WEBHOOK_CLIENT_CERT_FILE", "CARRIER_WEBHOOK_CLIENT_KEY_FILE"},
		{"CARRIER_INGEST_TLS_CERT_FILE", "CARRIER_INGEST_TLS_KEY_FILE"},
	} {
		goTogether(t, names[0], names[1])
	}
}

func goTogether(t *testing.T, certName, keyName string) {
	t.Helper()
	cert, key, otherKey := filepath.Join(t.TempDir(), "c"), filepath.Join(t.TempDir(), "k"), filepath.Join(t.TempDir(), "o")
	pair(t, cert, otherKey)
	pair(t, cert, key)
	good(t, map[string]string{certName: cert, keyName: key, "CARRIER_WEBHOOK_CA_FILE": cert})
	for _, tt := range []struct{ cert, key, fault string }{
		{cert, "", keyName + " (not set)"},
		{"", key, certName + " (not set)"},
		{cert, otherKey, certName + "="},
		{cert, "/nowhere", keyName + "="},
		{key, key, certName + "="},
	} {
		_, _, faults := load(t, map[string]string{certName: tt.cert, keyName: tt.key})
		if len(faults) != 1 || !strings.HasPrefix(faults.Error(), tt.fault) {
			t.Errorf("cert %q, key %q: %v", tt.cert, tt.key, faults)
		}
	}
}

// pair writes a certificate and its key.
func pair(t *testing.T, certPath, keyPath string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, certPath, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	write(t, keyPath, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}

func TestExtraHeadersAreTakenApart(t *testing.T) {
	c := good(t, map[string]string{"CARRIER_WEBHOOK_HEADERS": "authorization:Bearer a:b, X-One: 1,x-one:2"})
	want := []Header{{Name: "authorization", Value: "Bearer a:b"}, {Name: "X-One", Value: "1"}, {Name: "x-one", Value: "2"}}
	if got := c.Routes[0].Webhook.ExtraHeaders(); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}
