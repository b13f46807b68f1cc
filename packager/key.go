package packager

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"golang.org/x/crypto/ssh"
)

// A Device is who signs genesis and seal: a name and a key that only this
// machine has. The writer knows no more of the key than crypto.Signer.
type Device struct {
	Name   string // matched against "device:<name>" in a trust file
	Signer crypto.Signer
	// Throwaway says that the key was made for this collection only: somebody
	// must write its fingerprint down, or nobody can know whose it was.
	Throwaway bool
}

var devicePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// ErrKey is wrapped by every error about a key file.
var ErrKey = errors.New("key")

// DeviceName makes a name that a trust file can hold out of any text.
func DeviceName(s string) string {
	name := strings.Trim(regexp.MustCompile(`[^A-Za-z0-9._-]+`).ReplaceAllString(s, "-"), "-._")
	if len(name) > 63 {
		name = name[:63]
	}
	if name == "" {
		return "unnamed"
	}
	return name
}

// NewDevice makes a fresh Ed25519 key.
func NewDevice(name string) (Device, error) {
	if !devicePattern.MatchString(name) {
		return Device{}, fmt.Errorf("device name %q: want letters, digits, dots, dashes, at most 63", name)
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Device{}, err
	}
	return Device{Name: name, Signer: key}, nil
}

// Public gives the device's public key.
func (d Device) Public() (ssh.PublicKey, error) { return ssh.NewPublicKey(d.Signer.Public()) }

// Fingerprint gives "SHA256:…" as ssh-keygen -l prints it.
func (d Device) Fingerprint() (string, error) {
	k, err := d.Public()
	if err != nil {
		return "", err
	}
	return ssh.FingerprintSHA256(k), nil
}

// AllowedSigner gives the line of an OpenSSH allowed_signers file by which an
// auditor trusts this device, for its purposes and no others.
func (d Device) AllowedSigner() (string, error) {
	k, err := d.Public()
	if err != nil {
		return "", err
	}
	return AllowedSigner("device:"+d.Name, k), nil
}

// AllowedSigner gives the line of an allowed_signers file for a device's key.
func AllowedSigner(principal string, k ssh.PublicKey) string {
	return fmt.Sprintf("%s namespaces=\"%s,%s,%s\" %s\n", principal, nsGenesis, nsSeal, nsEvent, publicText(k))
}

// SaveDevice writes the private key in OpenSSH's form to file (mode 0600, never
// over an existing file) and the public key to file.pub, with "device:<name>" as
// the comment of both.
func SaveDevice(d Device, file string) error {
	block, err := ssh.MarshalPrivateKey(d.Signer, "device:"+d.Name)
	if err != nil {
		return fmt.Errorf("%w %s: %w", ErrKey, file, err)
	}
	pub, err := d.Public()
	if err != nil {
		return fmt.Errorf("%w %s: %w", ErrKey, file, err)
	}
	if err := writeNew(file, pem.EncodeToMemory(block), 0o600); err != nil {
		return err
	}
	return writeNew(file+".pub", []byte(publicText(pub)+" device:"+d.Name+"\n"), 0o644)
}

func writeNew(file string, b []byte, mode os.FileMode) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// LoadDevice reads a private key that SaveDevice or ssh-keygen (Ed25519, ECDSA
// P-256; without a passphrase) wrote. The device's name is the comment of
// file.pub, where that is "device:<name>", else the given one.
func LoadDevice(file, name string) (Device, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return Device{}, err
	}
	defer clear(b)
	raw, err := ssh.ParseRawPrivateKey(b)
	if err != nil {
		return Device{}, fmt.Errorf("%w %s: %w", ErrKey, file, err)
	}
	d := Device{Name: name}
	switch k := raw.(type) {
	case *ed25519.PrivateKey:
		d.Signer = *k
	case crypto.Signer:
		d.Signer = k
	default:
		return Device{}, fmt.Errorf("%w %s: of type %T: cannot sign", ErrKey, file, raw)
	}
	if pub, err := os.ReadFile(file + ".pub"); err == nil {
		if _, comment, _, _, err := ssh.ParseAuthorizedKey(pub); err == nil && strings.HasPrefix(comment, "device:") {
			d.Name = strings.TrimPrefix(comment, "device:")
		}
	}
	if !devicePattern.MatchString(d.Name) {
		return Device{}, fmt.Errorf("%w %s: device name %q: want letters, digits, dots, dashes, at most 63", ErrKey, file, d.Name)
	}
	return d, nil
}

// A sessionKey signs one checkpoint, and is erased.
type sessionKey struct {
	private ed25519.PrivateKey
	public  string
}

func newSessionKey() (*sessionKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	pub, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	return &sessionKey{private: key, public: publicText(pub)}, nil
}

func (k *sessionKey) sign(namespace string, msg []byte) ([]byte, error) {
	return signWith(k.private, namespace, msg)
}

// erase overwrites the private key. Go may have copied it before; what can be
// done here is done.
func (k *sessionKey) erase() { clear(k.private) }

func signWith(key crypto.Signer, namespace string, msg []byte) ([]byte, error) {
	s, err := ssh.NewSignerFromSigner(key)
	if err != nil {
		return nil, err
	}
	return sign(s, namespace, msg)
}
