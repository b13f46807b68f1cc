package signed

import (
	"crypto"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/ssh"
)

// A Signer signs statements: a device, or a person with a key in a file or an ssh-agent
// (package keys). What it knows of its private key, and where that is, nobody else knows.
type Signer interface {
	// Public is the key that verifies; an *ssh.Certificate where there is one.
	Public() ssh.PublicKey
	// Sign gives the armored SSHSIG over msg, as Check wants it. It may ask a person for
	// a passphrase or a touch, and so take as long as he does.
	Sign(namespace string, msg []byte) ([]byte, error)
}

// By is the Signer of a private key.
func By(key crypto.Signer) (Signer, error) { return Certified(key, nil) }

// Certified is the Signer of a private key with its certificate; without one if that is nil.
func Certified(key crypto.Signer, cert *ssh.Certificate) (Signer, error) {
	s, err := ssh.NewSignerFromSigner(key)
	if err != nil {
		return nil, err
	}
	return ByCertificate(s, cert)
}

// ByCertificate is the Signer of an ssh.Signer with its certificate; without one if that is nil.
func ByCertificate(s ssh.Signer, cert *ssh.Certificate) (Signer, error) {
	if cert == nil {
		return sshSigner{s}, nil
	}
	if string(cert.Key.Marshal()) != string(s.PublicKey().Marshal()) {
		return nil, errors.New("the certificate is of another key")
	}
	return sshSigner{withCertificate{s, cert}}, nil
}

// sshSigner makes SSHSIGs with what the SSH library calls a signer.
type sshSigner struct{ key ssh.Signer }

func (s sshSigner) Public() ssh.PublicKey { return s.key.PublicKey() }

func (s sshSigner) Sign(namespace string, msg []byte) ([]byte, error) {
	return SignSSH(s.key, namespace, msg)
}

// withCertificate shows a certificate where the key would stand, as ssh-keygen does.
type withCertificate struct {
	ssh.Signer
	cert *ssh.Certificate
}

func (s withCertificate) PublicKey() ssh.PublicKey { return s.cert }

func (s withCertificate) SignWithAlgorithm(random io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	with, ok := s.Signer.(ssh.AlgorithmSigner)
	if !ok {
		return nil, fmt.Errorf("the key cannot sign by %s", algorithm)
	}
	return with.SignWithAlgorithm(random, data, algorithm)
}

// sha512RSA signs with rsa-sha2-512 where the key is RSA, whatever the library would choose.
type sha512RSA struct{ ssh.Signer }

func (s sha512RSA) Sign(random io.Reader, data []byte) (*ssh.Signature, error) {
	if Plain(s.PublicKey()).Type() != ssh.KeyAlgoRSA {
		return s.Signer.Sign(random, data)
	}
	with, ok := s.Signer.(ssh.AlgorithmSigner)
	if !ok {
		return nil, fmt.Errorf("the key cannot sign by %s", ssh.KeyAlgoRSASHA512)
	}
	return with.SignWithAlgorithm(random, data, ssh.KeyAlgoRSASHA512)
}

func (s sha512RSA) SignWithAlgorithm(random io.Reader, data []byte, _ string) (*ssh.Signature, error) {
	return s.Sign(random, data)
}

// Plain is the key that a certificate is of; any other key is itself.
func Plain(key ssh.PublicKey) ssh.PublicKey {
	if c, ok := key.(*ssh.Certificate); ok {
		return c.Key
	}
	return key
}

// Fingerprint is "SHA256:…" as ssh-keygen -l prints it: of a certificate, that of its key.
func Fingerprint(key ssh.PublicKey) string { return ssh.FingerprintSHA256(Plain(key)) }
