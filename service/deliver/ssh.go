package deliver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// session is one SSH connection with the SFTP subsystem on it.
type session struct {
	conn   *watched
	ssh    *ssh.Client
	client *sftp.Client
}

func (s *session) close() {
	s.conn.Close() // first: nobody waits for the other side
	s.client.Close()
	s.ssh.Close()
}

// keyKinds are the host key algorithms, in the order in which they are asked for: the
// pinned key is one of the server's, and not always the one that it likes best.
func keyKinds() [][]string {
	return [][]string{
		{ssh.KeyAlgoED25519},
		{ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521},
		{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256},
	}
}

// connect makes a session with the server that has the pinned key.
func connect(ctx context.Context, p Place, o Options) (*session, error) {
	auth, free, err := authOf(o.Credentials)
	if err != nil {
		return nil, err
	}
	defer free()
	user := p.User
	if user == "" {
		user = o.Credentials.User
	}
	if user == "" {
		return nil, fmt.Errorf("%w: no user: sftp://USER@%s", ErrCredentials, p.Host)
	}
	var seen []string // fingerprints that the server showed
	for _, kinds := range keyKinds() {
		config := &ssh.ClientConfig{User: user, Auth: auth, HostKeyAlgorithms: kinds, ClientVersion: "SSH-2.0-hozen"}
		shown := ""
		config.HostKeyCallback = func(_ string, _ net.Addr, key ssh.PublicKey) error {
			shown = ssh.FingerprintSHA256(key)
			if shown != o.Pin {
				return errNotPinned
			}
			return nil
		}
		s, err := handshake(ctx, p, o, config)
		switch {
		case err == nil:
			return s, nil
		case shown != "" && shown != o.Pin:
			seen = append(seen, shown)
		case shown == "" && strings.Contains(err.Error(), "no common algorithm for host key"):
		default:
			return nil, sshError(err)
		}
	}
	return nil, notPinned(o.Pin, seen)
}

var errNotPinned = errors.New("the host key is not the pinned one")

func notPinned(pin string, seen []string) error {
	if len(seen) == 0 {
		return fmt.Errorf("%w: the server has no host key of a known kind", errNotPinned)
	}
	if pin == "" {
		return fmt.Errorf("%w: none is pinned; the server shows %s: compare it with what its administrator says", errNotPinned, strings.Join(seen, ", "))
	}
	return fmt.Errorf("%w: %s is pinned, the server shows %s: somebody may stand between", errNotPinned, pin, strings.Join(seen, ", "))
}

func sshError(err error) error {
	if strings.Contains(err.Error(), "unable to authenticate") {
		return fmt.Errorf("%w: the server does not take user and key: %v", ErrCredentials, err)
	}
	return err
}

// handshake connects, and starts the SFTP subsystem.
func handshake(ctx context.Context, p Place, o Options, config *ssh.ClientConfig) (*session, error) {
	raw, err := o.dial(ctx, p.Host, p.Port)
	if err != nil {
		return nil, err
	}
	s := &session{conn: &watched{Conn: raw}}
	err = s.conn.during(ctx, o.stall(), func() error {
		c, channels, requests, err := ssh.NewClientConn(s.conn, p.address(), config)
		if err != nil {
			return err
		}
		s.ssh = ssh.NewClient(c, channels, requests)
		// Writes go out side by side; what holes that may leave is found by Check and Commit.
		s.client, err = sftp.NewClient(s.ssh, sftp.UseConcurrentWrites(true), sftp.MaxConcurrentRequestsPerFile(32))
		return err
	})
	if err != nil {
		raw.Close()
		if s.ssh != nil {
			s.ssh.Close()
		}
		return nil, err
	}
	return s, nil
}

// authOf makes the ways to say who we are; free lets go of the agent, if one was asked.
func authOf(c Credentials) (auth []ssh.AuthMethod, free func(), err error) {
	free = func() {}
	if c.KeyFile != "" {
		signer, err := readKey(c.KeyFile)
		if err != nil {
			return nil, free, err
		}
		auth = append(auth, ssh.PublicKeys(signer))
	}
	if c.Password != "" {
		auth = append(auth, ssh.Password(c.Password))
	}
	if c.Agent {
		conn, err := net.Dial("unix", os.Getenv("SSH_AUTH_SOCK"))
		if err != nil {
			return nil, free, fmt.Errorf("SSH agent (SSH_AUTH_SOCK): %w", err)
		}
		free = func() { conn.Close() }
		auth = append(auth, ssh.PublicKeysCallback(agent.NewClient(conn).Signers))
	}
	if len(auth) == 0 {
		return nil, free, fmt.Errorf("%w: no key: the credentials file needs key_file, or agent: true", ErrCredentials)
	}
	return auth, free, nil
}

// readKey reads a private key that nobody else can read.
func readKey(file string) (ssh.Signer, error) {
	st, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("key_file: %w", err)
	}
	if !st.Mode().IsRegular() || st.Size() > maxCredentials || runtime.GOOS != "windows" && st.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("key_file %s: not a small file that only its owner can read (mode %04o)", file, st.Mode().Perm())
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("key_file: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(b)
	if locked := (*ssh.PassphraseMissingError)(nil); errors.As(err, &locked) {
		return nil, fmt.Errorf("key_file %s: has a passphrase: use an agent (agent: true)", file)
	} else if err != nil {
		return nil, fmt.Errorf("key_file %s: not a private key of OpenSSH", file)
	}
	return signer, nil
}
