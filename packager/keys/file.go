package keys

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"

	"hozen/packager/signed"
	"hozen/packager/text"
)

// maxFile bounds a key file, in bytes.
const maxFile = 64 << 10

// A fileKey signs with a private key that it reads anew each time.
type fileKey struct {
	file   string
	public ssh.PublicKey
	cert   *ssh.Certificate
	ask    func(file string) ([]byte, error)
}

func (k *fileKey) Public() ssh.PublicKey {
	if k.cert != nil {
		return k.cert
	}
	return k.public
}

func (k *fileKey) Sign(namespace string, msg []byte) ([]byte, error) {
	private, err := k.private()
	if err != nil {
		return nil, fmt.Errorf("%w %s: %w", ErrKey, text.Name(k.file), err)
	}
	if string(private.PublicKey().Marshal()) != string(k.public.Marshal()) {
		return nil, fmt.Errorf("%w %s: it holds another key than before", ErrKey, text.Name(k.file))
	}
	s, err := signed.ByCertificate(private, k.cert)
	if err != nil {
		return nil, fmt.Errorf("%w %s: %w", ErrKey, text.Name(k.file), err)
	}
	return s.Sign(namespace, msg)
}

// private reads the private key, and asks for its passphrase if it has one.
func (k *fileKey) private() (ssh.Signer, error) {
	b, err := readFile(k.file)
	if err != nil {
		return nil, err
	}
	defer clear(b)
	key, err := ssh.ParsePrivateKey(b)
	var locked *ssh.PassphraseMissingError
	if !errors.As(err, &locked) {
		return key, err
	}
	if k.ask == nil {
		return nil, errors.New("it has a passphrase, and nobody can be asked for it")
	}
	passphrase, err := k.ask(k.file)
	if err != nil {
		return nil, err
	}
	defer clear(passphrase)
	return ssh.ParsePrivateKeyWithPassphrase(b, passphrase)
}

// inFile finds the public half of a private key file.
func (o Options) inFile(file string) (*Key, error) {
	public, comment, err := publicOf(file)
	if err != nil {
		return nil, fmt.Errorf("%w %s: %w", ErrKey, text.Name(file), err)
	}
	k := &fileKey{file: file, public: public, ask: o.Passphrase}
	switch cert, _, err := ReadPublic(file + "-cert.pub"); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		if k.cert, err = certificateOf(cert, public); err != nil {
			return nil, fmt.Errorf("%w %s: %w", ErrKey, text.Name(file+"-cert.pub"), err)
		}
	}
	return &Key{Signer: k, Comment: comment}, nil
}

// publicOf gives the public key of a private key file, without a passphrase.
func publicOf(file string) (key ssh.PublicKey, comment string, err error) {
	b, err := readFile(file)
	if err != nil {
		return nil, "", err
	}
	defer clear(b)
	beside, comment, besideErr := ReadPublic(file + ".pub")
	private, err := ssh.ParsePrivateKey(b)
	var locked *ssh.PassphraseMissingError
	switch {
	case err == nil:
		key = private.PublicKey()
	case !errors.As(err, &locked):
		return nil, "", err
	case locked.PublicKey != nil:
		key = locked.PublicKey
	case besideErr != nil:
		return nil, "", fmt.Errorf("it has a passphrase and does not say which key it is, and %w", besideErr)
	default:
		key = beside
	}
	if besideErr != nil || string(beside.Marshal()) != string(key.Marshal()) {
		comment = ""
	}
	return key, comment, usable(key)
}

// byPublic finds the private key of a public key file: in the agent, or beside it.
func (o Options) byPublic(file string) (*Key, error) {
	key, comment, err := ReadPublic(file)
	if err != nil {
		return nil, err
	}
	inAgent, agentErr := o.ofPublic(key, comment)
	if agentErr == nil {
		return inAgent, nil
	}
	private := strings.TrimSuffix(strings.TrimSuffix(file, ".pub"), "-cert")
	k, err := o.inFile(private)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w; and %s is not there", agentErr, text.Name(private))
	}
	if err != nil {
		return nil, err
	}
	found := k.Signer.(*fileKey)
	if string(found.public.Marshal()) != string(signed.Plain(key).Marshal()) {
		return nil, fmt.Errorf("%w %s: it holds another key than %s", ErrKey, text.Name(private), text.Name(file))
	}
	found.cert, _ = key.(*ssh.Certificate)
	return k, nil
}

// ReadPublic reads a file with one public key or certificate (sshd(8), "AUTHORIZED_KEYS
// FILE FORMAT", without options).
func ReadPublic(file string) (key ssh.PublicKey, comment string, err error) {
	b, err := readFile(file)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrKey, err)
	}
	key, comment, options, _, err := ssh.ParseAuthorizedKey(b)
	if err != nil {
		return nil, "", fmt.Errorf("%w %s: %w", ErrKey, text.Name(file), err)
	}
	if len(options) > 0 {
		return nil, "", fmt.Errorf("%w %s: options before the key are not wanted", ErrKey, text.Name(file))
	}
	return key, comment, nil
}

func certificateOf(key, of ssh.PublicKey) (*ssh.Certificate, error) {
	cert, ok := key.(*ssh.Certificate)
	if !ok {
		return nil, errors.New("not a certificate")
	}
	if string(cert.Key.Marshal()) != string(of.Marshal()) {
		return nil, errors.New("a certificate of another key")
	}
	return cert, nil
}

// readFile reads a small regular file, or what the shell gives as one (/dev/fd/N). Another
// pipe might never end.
func readFile(name string) ([]byte, error) {
	st, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() && !strings.HasPrefix(name, "/dev/fd/") {
		return nil, fmt.Errorf("%s: not a regular file", text.Name(name))
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("%s: over %d bytes", text.Name(name), maxFile)
	}
	plain := text.UTF8(b)
	if len(plain) > 0 && &plain[len(plain)-1] != &b[len(b)-1] {
		clear(b) // the caller clears what he gets
	}
	return plain, err
}

// usable refuses keys whose signatures nobody would take.
func usable(key ssh.PublicKey) error {
	switch t := signed.Plain(key).Type(); t {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256:
		return nil
	case ssh.KeyAlgoRSA:
		if bits := signed.BitsOfRSA(key); bits < signed.MinRSA {
			return fmt.Errorf("an RSA key of %d bits, want %d at least", bits, signed.MinRSA)
		}
		return nil
	default:
		return fmt.Errorf("of type %s, which does not sign here", t)
	}
}
