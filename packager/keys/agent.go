package keys

import (
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"hozen/packager/signed"
)

const (
	// windowsPipe is where OpenSSH's agent listens on Windows.
	windowsPipe = `\\.\pipe\openssh-ssh-agent`
	// listWait bounds how long an agent may take to say which keys it has. How long it
	// takes to sign is up to the person who touches the key, and the caller.
	listWait = 3 * time.Second
	// maxListed is how many keys of an agent an error names.
	maxListed = 20
)

// An agentKey signs through an ssh-agent, which it reaches anew each time.
type agentKey struct {
	socket string
	public ssh.PublicKey // as the agent has it: the key, or the certificate
	show   ssh.PublicKey // what the signature shows: that, or the certificate of it
}

func (k *agentKey) Public() ssh.PublicKey { return k.show }

func (k *agentKey) Sign(namespace string, msg []byte) ([]byte, error) {
	conn, err := dial(k.socket)
	if err != nil {
		return nil, fmt.Errorf("%w: ssh-agent: %w", ErrKey, err)
	}
	defer conn.Close()
	armored, err := signed.SignSSH(agentSigner{agent.NewClient(conn), k}, namespace, msg)
	if err != nil {
		return nil, fmt.Errorf("%w: ssh-agent: %s: %w", ErrKey, signed.Fingerprint(k.public), err)
	}
	// What another program made is looked at before anybody relies on it.
	return armored, signed.Check(k.show, namespace, msg, armored)
}

// agentSigner is an ssh.Signer whose private key is in an agent.
type agentSigner struct {
	client agent.ExtendedAgent
	key    *agentKey
}

func (s agentSigner) PublicKey() ssh.PublicKey { return s.key.show }

func (s agentSigner) Sign(_ io.Reader, data []byte) (*ssh.Signature, error) {
	return s.client.SignWithFlags(s.key.public, data, 0)
}

func (s agentSigner) SignWithAlgorithm(_ io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	if algorithm != ssh.KeyAlgoRSASHA512 {
		return nil, fmt.Errorf("by %s: not supported", algorithm)
	}
	return s.client.SignWithFlags(s.key.public, data, agent.SignatureFlagRsaSha512)
}

// dial reaches the agent of this session: a socket, or a named pipe of Windows.
func dial(name string) (io.ReadWriteCloser, error) {
	onWindows := runtime.GOOS == "windows"
	switch {
	case name == "" && onWindows:
		return pipe(windowsPipe)
	case name == "":
		return nil, errors.New("SSH_AUTH_SOCK is not set: no agent runs in this session")
	case onWindows && strings.HasPrefix(strings.ReplaceAll(name, "/", `\`), `\\.\pipe\`):
		return pipe(strings.ReplaceAll(name, "/", `\`))
	}
	return net.DialTimeout("unix", name, listWait)
}

// listed is a key that an agent has.
type listed struct {
	public  ssh.PublicKey
	comment string
}

// list asks the agent for its keys. An agent that does not answer is left behind.
func list(socket string) ([]listed, error) {
	conn, err := dial(socket)
	if err != nil {
		return nil, err
	}
	type answer struct {
		keys []*agent.Key
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		keys, err := agent.NewClient(conn).List()
		got <- answer{keys, err}
		conn.Close()
	}()
	timer := time.NewTimer(listWait)
	defer timer.Stop()
	var a answer
	select {
	case a = <-got:
	case <-timer.C:
		conn.Close()
		return nil, fmt.Errorf("it has not answered in %v", listWait)
	}
	if a.err != nil {
		return nil, a.err
	}
	var all []listed
	for _, k := range a.keys {
		// Keys of kinds that nobody here knows are not there.
		if public, err := ssh.ParsePublicKey(k.Blob); err == nil && usable(public) == nil {
			all = append(all, listed{public, k.Comment})
		}
	}
	return all, nil
}

// inAgent chooses a key of the agent: by fingerprint, comment, or public key file; "" is
// the only one.
func (o Options) inAgent(which string) (*Key, error) {
	all, err := list(o.Socket)
	if err != nil {
		return nil, fmt.Errorf("%w: ssh-agent: %w", ErrKey, err)
	}
	var fits []listed
	for _, k := range all {
		if which == "" || which == signed.Fingerprint(k.public) || which == k.comment {
			fits = append(fits, k)
		}
	}
	if len(fits) == 0 && strings.HasSuffix(which, ".pub") {
		key, comment, err := ReadPublic(which)
		if err != nil {
			return nil, err
		}
		return o.choose(all, key, comment)
	}
	if one := certifiedOf(fits); one != nil {
		fits = []listed{*one}
	}
	switch {
	case len(fits) == 1:
		return o.key(fits[0], fits[0].public), nil
	case len(all) == 0:
		return nil, fmt.Errorf("%w: ssh-agent: it has no key that signs here", ErrKey)
	case len(fits) == 0:
		return nil, fmt.Errorf("%w: ssh-agent: it has no key %q; it has %s", ErrKey, which, named(all))
	}
	return nil, fmt.Errorf("%w: ssh-agent: it has %d keys: agent:SHA256:… or agent:COMMENT says which: %s", ErrKey, len(fits), named(fits))
}

// certifiedOf is the certificate among a key and its certificates, both of which ssh-add
// gives to an agent; nil if they are of more than one key.
func certifiedOf(fits []listed) (cert *listed) {
	for i, k := range fits {
		if signed.Fingerprint(k.public) != signed.Fingerprint(fits[0].public) {
			return nil
		}
		if _, ok := k.public.(*ssh.Certificate); ok && cert == nil {
			cert = &fits[i]
		}
	}
	return cert
}

// ofPublic finds a key, or the key of a certificate, in the agent.
func (o Options) ofPublic(key ssh.PublicKey, comment string) (*Key, error) {
	all, err := list(o.Socket)
	if err != nil {
		return nil, fmt.Errorf("%w: ssh-agent: %w", ErrKey, err)
	}
	return o.choose(all, key, comment)
}

func (o Options) choose(all []listed, key ssh.PublicKey, comment string) (*Key, error) {
	for _, want := range []ssh.PublicKey{key, signed.Plain(key)} {
		for _, k := range all {
			if string(k.public.Marshal()) == string(want.Marshal()) {
				k.comment = comment
				return o.key(k, key), nil
			}
		}
	}
	return nil, fmt.Errorf("%w: ssh-agent: it does not have the key %s", ErrKey, signed.Fingerprint(key))
}

func (o Options) key(k listed, show ssh.PublicKey) *Key {
	return &Key{Signer: &agentKey{socket: o.Socket, public: k.public, show: show}, Comment: k.comment, Agent: true}
}

// named lists keys for an error.
func named(all []listed) string {
	var b strings.Builder
	for i, k := range all {
		if i == maxListed {
			fmt.Fprintf(&b, ", and %d more", len(all)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		kind := k.public.Type()
		fmt.Fprintf(&b, "%s %.100q (%s)", signed.Fingerprint(k.public), k.comment, kind)
	}
	return b.String()
}
