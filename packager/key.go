package packager

import (
	"crypto"
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"golang.org/x/crypto/ssh"

	"hozen/packager/secret"
	"hozen/packager/signed"
)

// A Device is who signs genesis and seal: a name and a key that only this
// machine has. The writer knows no more of the key than crypto.Signer.
type Device struct {
	Name   string // matched against "device:<name>" in a trust file
	Signer crypto.Signer
	// Certificate is that of the key, by an organisation; nil if there is none. Whoever
	// trusts that organisation for this device then needs no line for its key.
	Certificate *ssh.Certificate
	// Throwaway says that the key was made for this collection only: somebody
	// must write its fingerprint down, or nobody can know whose it was.
	Throwaway bool
	// File is where the private key can be read again after it was out of memory (see
	// Writer.Blackout): the file that it was read from, or, of a throw-away key, one
	// that does not exist and that it is kept in so long.
	File string
	// Kept is why a copy of the key may be in memory whatever we do; nil if there is
	// no reason to think so.
	Kept error
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

// NewDevice makes a fresh Ed25519 key of 32 bytes of random; nil is the random
// source of the system.
func NewDevice(name string, random io.Reader) (Device, error) {
	if !devicePattern.MatchString(name) {
		return Device{}, fmt.Errorf("device name %q: want letters, digits, dots, dashes, at most 63", name)
	}
	key, err := secret.New(random)
	if err != nil {
		return Device{}, err
	}
	return Device{Name: name, Signer: key}, nil
}

// Public gives the device's public key, without a certificate.
func (d Device) Public() (ssh.PublicKey, error) { return ssh.NewPublicKey(d.Signer.Public()) }

// by is the device as one who signs.
func (d Device) by() (signed.Signer, error) { return signed.Certified(d.Signer, d.Certificate) }

func (d Device) sign(namespace string, msg []byte) ([]byte, error) {
	by, err := d.by()
	if err != nil {
		return nil, err
	}
	return by.Sign(namespace, msg)
}

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

// AllowedSigner gives the line of an allowed_signers file for the key of a device
// ("device:<name>"), a person ("operator:<name>", "witness:<name>", "approver:<name>"), a
// hub ("hub:<name>") or another of PrincipalKinds, for what they sign and nothing else.
func AllowedSigner(principal string, k ssh.PublicKey) string {
	uses := []string{signed.Event}
	switch kind, _, _ := strings.Cut(principal, ":"); kind {
	case "device":
		uses = []string{signed.Genesis, signed.Seal, signed.Event, signed.Audit}
	case RoleOperator:
		uses = []string{signed.Job, signed.Event, signed.Seal}
	case RoleWitness, RoleApprover:
		uses = []string{signed.Event, signed.Seal}
	case "hub":
		uses = []string{signed.Receipt, signed.Event}
	}
	return fmt.Sprintf("%s namespaces=\"%s\" %s\n", principal, strings.Join(uses, ","), signed.PublicText(k))
}

// SaveDevice writes the private key in OpenSSH's form to file (mode 0600, never
// over an existing file) and the public key to file.pub, with "device:<name>" as
// the comment of both. An Ed25519 key is written past the page cache where that can
// be; empty lines fill its file up to a block.
func SaveDevice(d Device, file string) error { return saveDevice(d, file, savePrivate) }

// SaveMachineDevice is SaveDevice, but where the system can do that (Windows), only processes
// on this machine can read the key again.
func SaveMachineDevice(d Device, file string) error {
	return saveDevice(d, file, func(d Device, file string) error {
		if k, ok := d.Signer.(*secret.Key); ok {
			return k.WriteForMachine(file, "device:"+d.Name)
		}
		return savePrivate(d, file)
	})
}

func saveDevice(d Device, file string, private func(Device, string) error) error {
	if err := private(d, file); err != nil {
		return err
	}
	pub, err := d.Public()
	if err != nil {
		return fmt.Errorf("%w %s: %w", ErrKey, file, err)
	}
	return secret.WriteNew(file+".pub", []byte(signed.PublicText(pub)+" device:"+d.Name+"\n"), 0o644)
}

func savePrivate(d Device, file string) error {
	if k, ok := d.Signer.(*secret.Key); ok {
		return k.Write(file, "device:"+d.Name, true)
	}
	block, err := ssh.MarshalPrivateKey(d.Signer, "device:"+d.Name)
	if err != nil {
		return fmt.Errorf("%w %s: %w", ErrKey, file, err)
	}
	return secret.WriteNew(file, pem.EncodeToMemory(block), 0o600)
}

// LoadDevice reads a private key that SaveDevice or ssh-keygen (Ed25519, ECDSA
// P-256; without a passphrase) wrote. The device's name is the comment of
// file.pub, where that is "device:<name>", else the given one.
//
// A pipe is read only where the shell made it (/dev/fd/N): opening another FIFO
// would wait for a writer, perhaps for ever.
func LoadDevice(file, name string) (Device, error) {
	if st, err := os.Stat(file); err == nil && st.Mode()&os.ModeNamedPipe != 0 && !strings.HasPrefix(file, "/dev/fd/") {
		return Device{}, fmt.Errorf("%w %s: a FIFO, not a key file", ErrKey, file)
	}
	d := Device{Name: name, File: file}
	k, kept, err := secret.Read(file)
	switch {
	case errors.Is(err, secret.ErrOther):
		if d.Signer, err = readOther(file); err != nil {
			return Device{}, err
		}
		d.Kept = fmt.Errorf("%s: %w: a key of its kind or form is read by a library that makes copies", file, secret.ErrKept)
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission):
		return Device{}, err
	case err != nil:
		return Device{}, fmt.Errorf("%w %w", ErrKey, err)
	default:
		d.Signer, d.Kept = k, kept
	}
	if st, err := os.Stat(file); err != nil || !st.Mode().IsRegular() {
		d.File = "" // a pipe is read once
	}
	if pub, err := os.ReadFile(file + ".pub"); err == nil {
		if _, comment, _, _, err := ssh.ParseAuthorizedKey(pub); err == nil && strings.HasPrefix(comment, "device:") {
			d.Name = strings.TrimPrefix(comment, "device:")
		}
	}
	if d.Certificate, err = certificateBeside(file, d.Signer); err != nil {
		return Device{}, fmt.Errorf("%w %s-cert.pub: %w", ErrKey, file, err)
	}
	if !devicePattern.MatchString(d.Name) {
		return Device{}, fmt.Errorf("%w %s: device name %q: want letters, digits, dots, dashes, at most 63", ErrKey, file, d.Name)
	}
	return d, nil
}

// certificateBeside reads the certificate of a key, <file>-cert.pub as ssh-keygen -s names
// it; nil if there is none.
func certificateBeside(file string, key crypto.Signer) (*ssh.Certificate, error) {
	st, err := os.Stat(file + "-cert.pub")
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular() || st.Size() > signed.MaxStatement/2:
		return nil, errors.New("not a certificate")
	}
	b, err := os.ReadFile(file + "-cert.pub")
	if err != nil {
		return nil, err
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey(b)
	if err != nil {
		return nil, err
	}
	cert, ok := public.(*ssh.Certificate)
	if !ok {
		return nil, errors.New("not a certificate")
	}
	_, err = signed.Certified(key, cert)
	return cert, err
}

// readOther reads a key that is not Ed25519 in OpenSSH's form.
func readOther(file string) (crypto.Signer, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	defer clear(b)
	raw, err := ssh.ParseRawPrivateKey(b)
	if err != nil {
		return nil, fmt.Errorf("%w %s: %w", ErrKey, file, err)
	}
	switch k := raw.(type) {
	case *ed25519.PrivateKey:
		return *k, nil
	case crypto.Signer:
		return k, nil
	}
	return nil, fmt.Errorf("%w %s: of type %T: cannot sign", ErrKey, file, raw)
}

// A sessionKey signs one checkpoint, and is erased.
type sessionKey struct {
	private crypto.Signer
	by      signed.Signer
	public  string
}

func newSessionKey(random io.Reader) (*sessionKey, error) {
	key, err := secret.New(random)
	if err != nil {
		return nil, err
	}
	return sessionKeyOf(key)
}

func sessionKeyOf(s crypto.Signer) (*sessionKey, error) {
	by, err := signed.By(s)
	if err != nil {
		return nil, err
	}
	return &sessionKey{private: s, by: by, public: signed.PublicText(by.Public())}, nil
}

func (k *sessionKey) sign(namespace string, msg []byte) ([]byte, error) {
	return k.by.Sign(namespace, msg)
}
