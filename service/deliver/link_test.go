package deliver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// link is a connection through us, which is cut when so many bytes went out.
type link struct {
	net.Listener
	to    string
	mu    sync.Mutex
	left  int64 // bytes that still pass; <0: all
	conns map[net.Conn]bool
}

func newLink(t *testing.T, to string) *link {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k := &link{Listener: l, to: to, left: -1, conns: map[net.Conn]bool{}}
	t.Cleanup(func() { l.Close(); k.cut() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go k.carry(c)
		}
	}()
	return k
}

func (k *link) carry(c net.Conn) {
	s, err := net.Dial("tcp", k.to)
	if err != nil {
		c.Close()
		return
	}
	k.mu.Lock()
	k.conns[c], k.conns[s] = true, true
	k.mu.Unlock()
	go func() { io.Copy(c, s); c.Close(); s.Close() }()
	buf := make([]byte, 16<<10)
	for {
		n, err := c.Read(buf)
		if n > 0 && !k.pass(n) || err != nil {
			break
		}
		if _, err := s.Write(buf[:n]); err != nil {
			break
		}
	}
	c.Close()
	s.Close()
}

func (k *link) pass(n int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.left < 0 {
		return true
	}
	k.left = max(0, k.left-int64(n))
	return k.left > 0
}

// allow says how many bytes more may pass until everything is cut; -1: all.
func (k *link) allow(n int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.left = n
}

func (k *link) cut() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for c := range k.conns {
		c.Close()
	}
	clear(k.conns)
}

func (k *link) port() int { return k.Addr().(*net.TCPAddr).Port }

// certificate makes an authority and a certificate of 127.0.0.1 below it, as files.
func certificate(t *testing.T) (cert, key, ca, pin string) {
	dir := t.TempDir()
	make := func(name string, isCA bool, parent *x509.Certificate, by *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey, []byte) {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: isCA, BasicConstraintsValid: true,
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"store.example"}}
		if parent == nil {
			parent, by = c, k
		}
		der, err := x509.CreateCertificate(rand.Reader, c, parent, &k.PublicKey, by)
		if err != nil {
			t.Fatal(err)
		}
		if c, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
		return c, k, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	}
	root, rootKey, rootPEM := make("authority", true, nil, nil)
	_, leafKey, leafPEM := make("server", false, root, rootKey)
	der, err := x509.MarshalPKCS8PrivateKey(leafKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"cert": append(leafPEM, rootPEM...), "key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), "ca": rootPEM} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sum := sha256.Sum256(root.Raw)
	return filepath.Join(dir, "cert"), filepath.Join(dir, "key"), filepath.Join(dir, "ca"), hex.EncodeToString(sum[:])
}
