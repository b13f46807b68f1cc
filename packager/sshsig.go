package packager

import (
	"bytes"
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
	nsGenesis    = "hozen-genesis-v1"
	nsCheckpoint = "hozen-checkpoint-v1"
	nsSeal       = "hozen-seal-v1"
	nsEvent      = "hozen-event-v1"
)

const (
	armorBegin = "-----BEGIN SSH SIGNATURE-----\n"
	armorEnd   = "-----END SSH SIGNATURE-----\n"
	armorWidth = 70 // as ssh-keygen writes it
)

// errSignature is wrapped by every refusal of a signature.
var errSignature = errors.New("signature not valid")

// sign gives the armored SSHSIG over msg, as `ssh-keygen -Y sign` writes it.
func sign(key ssh.Signer, namespace string, msg []byte) ([]byte, error) {
	s, err := sshsig.Sign(bytes.NewReader(msg), key, sshsig.HashSHA512, namespace)
	if err != nil {
		return nil, err
	}
	return armor(s.Marshal()), nil
}

func armor(blob []byte) []byte {
	text := base64.StdEncoding.EncodeToString(blob)
	var b strings.Builder
	b.WriteString(armorBegin)
	for len(text) > 0 {
		n := min(len(text), armorWidth)
		b.WriteString(text[:n] + "\n")
		text = text[n:]
	}
	b.WriteString(armorEnd)
	return []byte(b.String())
}

// checkSignature verifies an armored SSHSIG by the given key. The armor must be
// byte for byte as sign makes it, else the last statement of an archive could be
// altered without notice.
func checkSignature(key ssh.PublicKey, namespace string, msg, armored []byte) error {
	body, ok := strings.CutPrefix(string(armored), armorBegin)
	body, ok2 := strings.CutSuffix(body, armorEnd)
	if !ok || !ok2 {
		return fmt.Errorf("%w: not an armored SSH signature", errSignature)
	}
	blob, err := base64.StdEncoding.Strict().DecodeString(strings.ReplaceAll(body, "\n", ""))
	if err != nil {
		return fmt.Errorf("%w: %v", errSignature, err)
	}
	s, err := sshsig.ParseSignature(blob)
	if err != nil {
		return fmt.Errorf("%w: %v", errSignature, err)
	}
	if !bytes.Equal(armor(s.Marshal()), armored) {
		return fmt.Errorf("%w: the armor is not as ssh-keygen writes it", errSignature)
	}
	if len(s.Signature.Rest) > 0 {
		return fmt.Errorf("%w: %d bytes after the signature proper, which nothing would notice", errSignature, len(s.Signature.Rest))
	}
	if s.HashAlgorithm != sshsig.HashSHA512 {
		return fmt.Errorf("%w: hash algorithm %s, want sha512", errSignature, s.HashAlgorithm)
	}
	if err := sshsig.Verify(bytes.NewReader(msg), s, key, s.HashAlgorithm, namespace); err != nil {
		return fmt.Errorf("%w: %v", errSignature, err)
	}
	return nil
}

// publicText is a public key as authorized_keys has it, without a comment.
func publicText(k ssh.PublicKey) string {
	return strings.TrimSuffix(string(ssh.MarshalAuthorizedKey(k)), "\n")
}

// parsePublic reads what publicText wrote, and nothing else.
func parsePublic(text string) (ssh.PublicKey, error) {
	k, _, _, rest, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil || len(rest) > 0 || publicText(k) != text {
		return nil, fmt.Errorf("public key %.80q: not in its plain form", text)
	}
	return k, nil
}
