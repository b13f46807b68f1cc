package signed

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

// Namespaces of signatures (openssh PROTOCOL.sshsig): a signature made for one
// purpose is worth nothing for another.
const (
	Genesis    = "hozen-genesis-v1"    // the device: a collection begins
	Checkpoint = "hozen-checkpoint-v1" // a session key: all before it
	Seal       = "hozen-seal-v1"       // session key and device: complete
	Event      = "hozen-event-v1"      // whoever acts: an entry of a custody log
	Job        = "hozen-job-v1"        // an operator: what an endpoint is to do
	Audit      = "hozen-audit-v1"      // the device: what the resident agent decided and did
	Enrol      = "hozen-enrol-v1"      // the device: which connection is its own
	Receipt    = "hozen-receipt-v1"    // the hub: what arrived, and what it is
)

// The first and last line of a signature, and how wide those between are.
const (
	ArmorBegin = "-----BEGIN SSH SIGNATURE-----\n"
	ArmorEnd   = "-----END SSH SIGNATURE-----\n"
	armorWidth = 70 // as ssh-keygen writes it
)

// ErrSignature is wrapped by every refusal of a signature.
var ErrSignature = errors.New("signature not valid")

// SignSSH gives the armored SSHSIG over msg, as `ssh-keygen -Y sign` writes it.
func SignSSH(key ssh.Signer, namespace string, msg []byte) ([]byte, error) {
	s, err := sshsig.Sign(bytes.NewReader(msg), sha512RSA{key}, sshsig.HashSHA512, namespace)
	if err != nil {
		return nil, err
	}
	return Armor(s.Marshal()), nil
}

// Sign gives the armored SSHSIG over msg by a private key.
func Sign(key crypto.Signer, namespace string, msg []byte) ([]byte, error) {
	s, err := By(key)
	if err != nil {
		return nil, err
	}
	return s.Sign(namespace, msg)
}

// Armor writes a signature blob as text, in lines of 70 columns.
func Armor(blob []byte) []byte {
	text := base64.StdEncoding.EncodeToString(blob)
	var b strings.Builder
	b.WriteString(ArmorBegin)
	for len(text) > 0 {
		n := min(len(text), armorWidth)
		b.WriteString(text[:n] + "\n")
		text = text[n:]
	}
	b.WriteString(ArmorEnd)
	return []byte(b.String())
}

// Check verifies an armored SSHSIG by the given key. The armor must be
// byte for byte as Sign makes it, else the last statement of an archive could be
// altered without notice.
func Check(key ssh.PublicKey, namespace string, msg, armored []byte) error {
	s, err := parse(armored)
	if err != nil {
		return err
	}
	return verify(s, key, namespace, msg)
}

// CheckAny verifies an armored SSHSIG by the key that it carries, and gives that key:
// whose it is, and whether he is believed, the caller must find out.
func CheckAny(namespace string, msg, armored []byte) (ssh.PublicKey, error) {
	s, err := parse(armored)
	if err != nil {
		return nil, err
	}
	return s.PublicKey, verify(s, s.PublicKey, namespace, msg)
}

// parse reads an armored SSHSIG in the one form that Sign gives it.
func parse(armored []byte) (*sshsig.Signature, error) {
	body, ok := strings.CutPrefix(string(armored), ArmorBegin)
	body, ok2 := strings.CutSuffix(body, ArmorEnd)
	if !ok || !ok2 {
		return nil, fmt.Errorf("%w: not an armored SSH signature", ErrSignature)
	}
	blob, err := base64.StdEncoding.Strict().DecodeString(strings.ReplaceAll(body, "\n", ""))
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrSignature, err)
	}
	s, err := sshsig.ParseSignature(blob)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrSignature, err)
	}
	if !bytes.Equal(Armor(s.Marshal()), armored) {
		return nil, fmt.Errorf("%w: the armor is not as ssh-keygen writes it", ErrSignature)
	}
	if err := goodKey(s); err != nil {
		return nil, err
	}
	if rest := len(s.Signature.Rest); rest != restOf(s.PublicKey) {
		return nil, fmt.Errorf("%w: %d bytes after the signature proper, which nothing would notice", ErrSignature, rest)
	}
	return s, nil
}

// MinRSA is how many bits an RSA key must have.
const MinRSA = 2048

// goodKey refuses RSA keys that are too short, and signatures of RSA keys by other than rsa-sha2-512.
func goodKey(s *sshsig.Signature) error {
	plain := Plain(s.PublicKey)
	if plain.Type() != ssh.KeyAlgoRSA {
		return nil
	}
	if s.Signature.Format != ssh.KeyAlgoRSASHA512 {
		return fmt.Errorf("%w: by %q, want %s", ErrSignature, s.Signature.Format, ssh.KeyAlgoRSASHA512)
	}
	if bits := BitsOfRSA(plain); bits < MinRSA {
		return fmt.Errorf("%w: an RSA key of %d bits, want %d at least", ErrSignature, bits, MinRSA)
	}
	return nil
}

// BitsOfRSA is the length of an RSA key, also of one in a certificate; 0 if it is no RSA key.
func BitsOfRSA(key ssh.PublicKey) int {
	key = Plain(key)
	if c, ok := key.(ssh.CryptoPublicKey); ok {
		if k, ok := c.CryptoPublicKey().(*rsa.PublicKey); ok {
			return k.N.BitLen()
		}
	}
	return 0
}

// restOf is how many bytes follow the signature proper: those of a security key (FIDO)
// have a byte of flags and a counter of four, which are signed with the message
// (openssh PROTOCOL.u2f, "SSH U2F Signatures").
func restOf(key ssh.PublicKey) int {
	if t := Plain(key).Type(); t == ssh.KeyAlgoSKED25519 || t == ssh.KeyAlgoSKECDSA256 {
		return 5
	}
	return 0
}

func verify(s *sshsig.Signature, key ssh.PublicKey, namespace string, msg []byte) error {
	if s.HashAlgorithm != sshsig.HashSHA512 {
		return fmt.Errorf("%w: hash algorithm %q, want sha512", ErrSignature, s.HashAlgorithm)
	}
	if err := sshsig.Verify(bytes.NewReader(msg), s, key, s.HashAlgorithm, namespace); err != nil {
		return fmt.Errorf("%w: %v", ErrSignature, err)
	}
	return nil
}

// SignerOf says which key a signature claims to be by, and for which namespace. Nothing
// of that is verified.
func SignerOf(armored []byte) (key ssh.PublicKey, namespace string, err error) {
	s, err := parse(armored)
	if err != nil {
		return nil, "", err
	}
	return s.PublicKey, s.Namespace, nil
}

// PublicText is a public key as authorized_keys has it, without a comment.
func PublicText(k ssh.PublicKey) string {
	return strings.TrimSuffix(string(ssh.MarshalAuthorizedKey(k)), "\n")
}

// ParsePublic reads what PublicText wrote, and nothing else.
func ParsePublic(text string) (ssh.PublicKey, error) {
	k, _, _, rest, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil || len(rest) > 0 || PublicText(k) != text {
		return nil, fmt.Errorf("public key %.80q: not in its plain form", text)
	}
	return k, nil
}
