package deliver

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"hozen/service/porttest"
)

// A peer is a destination in a test, with its other side.
type peer struct {
	place   Place
	options Options
	link    *link                              // nil: there is no connection that could be cut
	whole   func(name string) ([]byte, error)  // what has the name
	spoil   func(t *testing.T, name string)    // turns a bit in the beginning of what is stored and not ended
	plant   func(name string, b []byte) error  // somebody else's file
	vacate  func() error                       // takes the only file away; nil: there is room for many
	resumes bool                               // goes on where it stopped
	crash   func(t *testing.T)                 // kill -9 of the other side, which is started again
	files   func(t *testing.T) map[string]bool // all names that are stored
}

func (p *peer) open(t *testing.T) Destination {
	t.Helper()
	d, err := New(p.place, p.options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { Close(d) })
	return d
}

// peers makes each kind of destination, with its files below dir.
func peers() map[string]func(t *testing.T, dir string) *peer {
	return map[string]func(t *testing.T, dir string) *peer{
		"directory":    directoryPeer,
		"sftp":         func(t *testing.T, dir string) *peer { return sftpPeer(t, dir, "") },
		"sftp-openssh": func(t *testing.T, dir string) *peer { return sftpPeer(t, dir, sftpProgram(t)) },
		"https-parts":  func(t *testing.T, dir string) *peer { return webPeer(t, dir, "/in/") },
		"https-file":   func(t *testing.T, dir string) *peer { return webPeer(t, dir, "/in/one") },
		"s3":           s3Peer,
	}
}

func read(dir string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, name)) }
}

func write(dir string) func(string, []byte) error {
	return func(name string, b []byte) error { return os.WriteFile(filepath.Join(dir, name), b, 0o644) }
}

func names(dir string) func(*testing.T) map[string]bool {
	return func(t *testing.T) map[string]bool {
		all, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		m := map[string]bool{}
		for _, e := range all {
			m[e.Name()] = true
		}
		return m
	}
}

// spoilFile turns a bit of the file that the pattern finds.
func spoilFile(pattern string) func(*testing.T, string) {
	return func(t *testing.T, name string) {
		t.Helper()
		found, err := filepath.Glob(strings.ReplaceAll(pattern, "NAME", name))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: nothing is stored: %v", pattern, err)
		}
		b, err := os.ReadFile(found[0])
		if err != nil {
			t.Fatal(err)
		}
		b[100] ^= 1
		if err := os.WriteFile(found[0], b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func directoryPeer(t *testing.T, dir string) *peer {
	return &peer{place: Place{Kind: Directory, Path: dir}, whole: read(dir), plant: write(dir), resumes: true,
		spoil: spoilFile(filepath.Join(dir, "NAME.part")), files: names(dir)}
}

// sftpProgram finds OpenSSH's server of the subsystem.
func sftpProgram(t *testing.T) string {
	for _, name := range []string{"/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/libexec/sftp-server"} {
		if _, err := os.Stat(name); err == nil {
			return name
		}
	}
	t.Skip("no sftp-server here")
	return ""
}

// sshKey makes a key, its file and its fingerprint.
func sshKey(t *testing.T) (s ssh.Signer, file string) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = ssh.NewSignerFromSigner(key); err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return s, file
}

// sftpPeer is an SSH server with the SFTP subsystem: of program, or of a library.
func sftpPeer(t *testing.T, dir, program string) *peer {
	host, _ := sshKey(t)
	user, file := sshKey(t)
	config := &ssh.ServerConfig{PublicKeyCallback: func(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if c.User() != "ev" || !bytes.Equal(key.Marshal(), user.PublicKey().Marshal()) {
			return nil, fmt.Errorf("%s: not known", c.User())
		}
		return nil, nil
	}}
	config.AddHostKey(host)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	children := &programs{all: map[*os.Process]bool{}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serveSSH(c, config, program, children)
		}
	}()
	k := newLink(t, l.Addr().String())
	return &peer{
		place:   Place{Kind: SFTP, User: "ev", Host: "127.0.0.1", Port: k.port(), Path: dir},
		options: Options{Pin: ssh.FingerprintSHA256(host.PublicKey()), Credentials: Credentials{KeyFile: file}, Stall: 20 * time.Second},
		link:    k, whole: read(dir), plant: write(dir), resumes: true, spoil: spoilFile(filepath.Join(dir, "NAME.part")), files: names(dir),
		crash: func(*testing.T) { children.kill(); k.cut() },
	}
}

// programs are the processes of a server.
type programs struct {
	mu  sync.Mutex
	all map[*os.Process]bool
}

func (p *programs) run(c *exec.Cmd) {
	p.mu.Lock()
	err := c.Start()
	if err == nil {
		p.all[c.Process] = true
	}
	p.mu.Unlock()
	if err == nil {
		c.Wait()
		p.mu.Lock()
		delete(p.all, c.Process)
		p.mu.Unlock()
	}
}

func (p *programs) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.all {
		c.Kill()
	}
}

func serveSSH(c net.Conn, config *ssh.ServerConfig, program string, children *programs) {
	defer c.Close()
	s, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		return
	}
	defer s.Close()
	go ssh.DiscardRequests(requests)
	for ask := range channels {
		ch, reqs, err := ask.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range reqs {
				r.Reply(r.Type == "subsystem", nil)
			}
		}()
		if program == "" {
			if server, err := sftp.NewServer(ch); err == nil {
				server.Serve()
				server.Close()
			}
		} else {
			p := exec.Command(program)
			p.Stdin, p.Stdout = ch, ch
			children.run(p)
		}
		ch.Close()
	}
}

// store is an HTTPS server that keeps what is put, in a folder.
type store struct {
	dir   string
	token string
}

// ServeHTTP implements http.Handler.
func (s store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := filepath.Join(s.dir, filepath.Base(r.URL.Path))
	if r.Header.Get("Authorization") != "Bearer "+s.token {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	switch r.Method {
	case http.MethodPut:
		tmp, err := os.CreateTemp(s.dir, ".put-*")
		if err == nil {
			_, err = io.Copy(tmp, r.Body)
			tmp.Close()
		}
		if err == nil {
			err = os.Rename(tmp.Name(), name)
		} else if tmp != nil {
			os.Remove(tmp.Name())
		}
		if err != nil {
			w.WriteHeader(http.StatusInsufficientStorage)
			return
		}
		w.WriteHeader(http.StatusCreated)
	case http.MethodDelete:
		os.Remove(name)
		w.WriteHeader(http.StatusNoContent)
	default:
		http.ServeFile(w, r, name)
	}
}

func webPeer(t *testing.T, dir, path string) *peer {
	cert, key, _, pin := certificate(t)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(store{dir, "t0ken"})
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	k := newLink(t, s.Listener.Addr().String())
	p := &peer{
		place:   Place{Kind: HTTPS, Host: "127.0.0.1", Port: k.port(), Path: path},
		options: Options{Pin: pin, Stall: 20 * time.Second, Credentials: Credentials{Bearer: "t0ken"}}, link: k, files: names(dir),
		crash: func(*testing.T) { k.cut() },
	}
	if p.place.Whole() {
		p.whole = func(string) ([]byte, error) { return read(dir)("one") }
		p.vacate = func() error { return os.Remove(filepath.Join(dir, "one")) }
		p.plant = func(_ string, b []byte) error { return write(dir)("one", b) }
		return p
	}
	p.resumes, p.spoil = true, spoilFile(filepath.Join(dir, "NAME.p000000"))
	p.whole = func(name string) ([]byte, error) {
		if _, err := read(dir)(name + markSuffix); err != nil {
			return nil, err
		}
		found, err := filepath.Glob(filepath.Join(dir, name+".p*"))
		var all []byte
		for _, f := range found { // Glob sorts
			b, err := os.ReadFile(f)
			if err != nil {
				return nil, err
			}
			all = append(all, b...)
		}
		return all, err
	}
	p.plant = func(name string, b []byte) error {
		if err := write(dir)(name+".p000000", b); err != nil {
			return err
		}
		return write(dir)(name+markSuffix, []byte(hex.EncodeToString(sha256of(b))+"  "+name+"\n"))
	}
	return p
}

func s3Peer(t *testing.T, dir string) *peer {
	program, err := exec.LookPath("versitygw")
	if err != nil {
		t.Skip("no versitygw here")
	}
	g := &gateway{program: program, root: dir}
	var ca string
	g.cert, g.key, ca, _ = certificate(t)
	const prefix = "in/証拠 a+b=c&d%41~'" // each must be the same in the address and in what is signed
	bucket := filepath.Join(dir, "evidence")
	if err := os.Mkdir(bucket, 0o755); err != nil {
		t.Fatal(err)
	}
	g.start(t)
	t.Cleanup(func() { g.kill() })
	k := newLink(t, g.address)
	return &peer{
		place:   Place{Kind: S3, Host: "127.0.0.1", Port: k.port(), Bucket: "evidence", Path: prefix},
		options: Options{CAFile: ca, Stall: 20 * time.Second, Credentials: Credentials{AccessKey: "key", SecretKey: "s3cret"}},
		link:    k, whole: read(filepath.Join(bucket, prefix)), resumes: true,
		spoil: nil, plant: func(name string, b []byte) error {
			if err := os.MkdirAll(filepath.Join(bucket, prefix), 0o755); err != nil {
				return err
			}
			return write(filepath.Join(bucket, prefix))(name, b)
		},
		files: names(bucket), crash: func(t *testing.T) { g.kill(); g.start(t); k.cut() },
	}
}

// gateway is versitygw in a process of its own.
type gateway struct {
	program, root, cert, key, address string
	process                           *exec.Cmd
}

func (g *gateway) start(t *testing.T) {
	t.Helper()
	if g.address == "" {
		g.address = porttest.Address(t)
	}
	g.process = exec.Command(g.program, "--quiet", "--access", "key", "--secret", "s3cret", "--port", g.address, "--cert", g.cert, "--key", g.key, "posix", g.root)
	if err := g.process.Start(); err != nil {
		t.Fatal(err)
	}
	for range 600 {
		c, err := net.Dial("tcp", g.address)
		if err == nil {
			c.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("versitygw does not answer")
}

// kill is kill -9.
func (g *gateway) kill() {
	if g.process != nil {
		g.process.Process.Kill()
		g.process.Wait()
		g.process = nil
	}
}
