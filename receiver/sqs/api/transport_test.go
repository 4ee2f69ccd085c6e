package api

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

func TestServerIsVerified(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Proto)
	}))
	defer s.Close()
	base, err := url.Parse(s.URL)
	must(t, err)
	known := x509.NewCertPool()
	known.AddCert(s.Certificate())
	for name, c := range map[string]struct {
		roots *x509.CertPool
		host  string
		want  string
	}{
		"one of a known authority": {known, base.Host, "HTTP/1.1"},
		"one of an unknown one":    {x509.NewCertPool(), base.Host, ""},
		"one of another name":      {known, "localhost:" + base.Port(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			transport := http.DefaultTransport.(*http.Transport).Clone()
			transport.TLSClientConfig = &tls.Config{RootCAs: c.roots, MinVersion: tls.VersionTLS12}
			exchange, end := exchangerTo(transport, &http.Request{URL: &url.URL{Scheme: "https", Host: c.host}})
			defer end()
			body := ""
			err := exchange(t.Context(), []byte("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), func(resp *http.Response) error {
				b, err := io.ReadAll(resp.Body)
				body = string(b)
				return err
			})
			if body != c.want || (err == nil) != (c.want != "") {
				t.Errorf("answer %q, %v", body, err)
			}
		})
	}
}

func TestProxyOfTheEnvironmentIsUsed(t *testing.T) {
	var seen *http.Request
	var body []byte
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, "{}")
	}))
	defer proxy.Close()
	at, err := url.Parse(proxy.URL)
	must(t, err)
	c, _ := connected(t, nil)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = http.ProxyURL(at)
	template := c.template
	template.request = template.request.Clone(t.Context())
	template.request.URL, template.request.Host = &url.URL{Scheme: "http", Host: "sqs.test", Path: "/"}, "sqs.test"
	template.head = headOf(template.request)
	through := newCaller(transport, template, c.credentials)
	defer transport.CloseIdleConnections()
	must(t, through.call(t.Context(), action{name: "ReceiveMessage", request: newRequest([]byte("body")), read: func(answer) error { return nil }}))
	if seen.RequestURI != "http://sqs.test/" || string(body) != "body" || seen.Header.Get("Authorization") == "" {
		t.Errorf("the proxy saw %s %q %v", seen.RequestURI, body, seen.Header)
	}
}
