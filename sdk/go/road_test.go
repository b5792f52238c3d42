package killcord_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"killcord.example/killcord"
)

func TestBehindAProxyOfHTTP11AStopIsHeardByHeartbeats(t *testing.T) {
	t.Parallel()
	to, _ := url.Parse(common.url)
	proxy := httptest.NewServer(quiet(httputil.NewSingleHostReverseProxy(to)))
	defer proxy.Close()
	c, said := client(t, common, killcord.Options{URL: proxy.URL})
	defer c.Close()
	session := start(t, c, killcord.StartOptions{Budgets: killcord.Budgets{MaxActions: killcord.Limit(9)}})
	if decision, err := session.Intercept(context.Background(), killcord.Action{Type: "x"}); err != nil || decision.Actions != 1 {
		t.Fatal(decision, err)
	}
	var refused *killcord.RequestRefused
	if _, err := session.Intercept(context.Background(), killcord.Action{}); !errors.As(err, &refused) || refused.Code() != "invalid_action_type" {
		t.Fatal(err)
	}
	common.kill(t, session.ID(), "by way of HTTP/1.1")
	if stop := stopOf(t, session); stop.Reason != "by way of HTTP/1.1" {
		t.Fatal(stop)
	}
	session.Close()
	common.sealed(t, "halt_confirmed", session.ID())
	if said.with("gRPC does not come through") != 1 {
		t.Fatal("not said once")
	}
}

func TestAProxyThatAnswersForTheServerIsNoServer(t *testing.T) {
	t.Parallel()
	to, _ := url.Parse("http://127.0.0.1:1")
	proxy := httptest.NewServer(quiet(httputil.NewSingleHostReverseProxy(to)))
	defer proxy.Close()
	c, said := client(t, common, killcord.Options{URL: proxy.URL, Timeout: 200 * time.Millisecond})
	_, err := c.StartSession(context.Background(), killcord.StartOptions{AgentID: "a"})
	if !isUnreachable(err) || said.with("gRPC does not come through") != 0 {
		t.Fatal(err)
	}
}

func TestHTTPSIsSpokenWithTheAuthoritiesThatAreGiven(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	authorities := certificate(t, folder)
	s, err := newServer(folder, "--tls-cert", filepath.Join(folder, "cert.pem"), "--tls-key", filepath.Join(folder, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	c, _ := client(t, s, killcord.Options{APIKey: s.adminKey, TLS: &tls.Config{RootCAs: authorities}})
	session := start(t, c, killcord.StartOptions{})
	if err := ask(session); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the watch", session.Watched)
	strange, _ := client(t, s, killcord.Options{APIKey: s.adminKey, Timeout: 200 * time.Millisecond})
	if _, err := strange.StartSession(context.Background(), killcord.StartOptions{AgentID: "a"}); !isUnreachable(err) {
		t.Fatal(err)
	}
}

func quiet(proxy *httputil.ReverseProxy) *httputil.ReverseProxy {
	proxy.ErrorLog = log.New(io.Discard, "", 0)
	return proxy
}

// certificate writes cert.pem and key.pem for 127.0.0.1.
func certificate(t *testing.T, folder string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	for name, block := range map[string][]byte{"cert.pem": text, "key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})} {
		if err := os.WriteFile(filepath.Join(folder, name), block, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return pool
}
