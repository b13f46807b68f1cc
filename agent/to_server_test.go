package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"net"
	"os"
	"strconv"

	"github.com/pkg/sftp"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/crypto/ssh"
)

// scriptSFTP starts an SFTP server on loopback: its port goes into $PORT, the
// fingerprint of its key into $PIN, credentials for it into the file sftp.yaml. After
// so many bytes, if a number is given, it is gone.
func scriptSFTP(ts *testscript.TestScript, neg bool, args []string) {
	left := int64(-1)
	if len(args) == 1 {
		n, err := strconv.ParseInt(args[0], 10, 64)
		ts.Check(err)
		left = n
	}
	if neg || len(args) > 1 {
		ts.Fatalf("usage: sftpd [BYTES]")
	}
	signer := func() (ssh.Signer, ed25519.PrivateKey) {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		ts.Check(err)
		s, err := ssh.NewSignerFromSigner(key)
		ts.Check(err)
		return s, key
	}
	host, _ := signer()
	user, key := signer()
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
		if string(k.Marshal()) != string(user.PublicKey().Marshal()) {
			return nil, os.ErrPermission
		}
		return nil, nil
	}}
	config.AddHostKey(host)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if left >= 0 {
				c = &mortal{c, l, left}
			}
			go serveSFTP(c, config)
		}
	}()
	block, err := ssh.MarshalPrivateKey(key, "")
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("user.key"), pem.EncodeToMemory(block), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("sftp.yaml"), []byte("user: ev\nkey_file: "+ts.MkAbs("user.key")+"\n"), 0o600))
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Setenv("PORT", port)
	ts.Setenv("PIN", ssh.FingerprintSHA256(host.PublicKey()))
}

// mortal is a connection that takes the whole server with it.
type mortal struct {
	net.Conn
	server net.Listener
	left   int64
}

// Read implements io.Reader.
func (m *mortal) Read(p []byte) (int, error) {
	n, err := m.Conn.Read(p)
	if m.left -= int64(n); m.left <= 0 {
		m.server.Close()
		m.Close()
		return 0, net.ErrClosed
	}
	return n, err
}

func serveSFTP(c net.Conn, config *ssh.ServerConfig) {
	defer c.Close()
	_, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		return
	}
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
		if s, err := sftp.NewServer(ch); err == nil {
			s.Serve()
			s.Close()
		}
		ch.Close()
	}
}
