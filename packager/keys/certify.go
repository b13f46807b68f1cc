package keys

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"hozen/packager/signed"
	"hozen/packager/text"
)

// A Grant is what an organisation certifies of a key.
type Grant struct {
	Principals    []string // whose it is: "device:pc-42", "operator:sato"
	After, Before time.Time
	Serial        uint64 // by which it can be revoked; 0 makes one at random
	ID            string // a name for people
}

// Certify makes an SSH user certificate for a public key: an auditor who trusts ca for
// those principals (cert-authority in allowed_signers) then needs no line for the key.
func Certify(ca *Key, public ssh.PublicKey, g Grant) (*ssh.Certificate, error) {
	switch {
	case len(g.Principals) == 0:
		return nil, errors.New("a certificate for nobody would be for everybody")
	case !g.Before.After(g.After) || g.After.Unix() < 0:
		return nil, fmt.Errorf("valid from %s to %s", g.After.Format(time.RFC3339), g.Before.Format(time.RFC3339))
	}
	if err := usable(public); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	if g.Serial == 0 {
		var b [8]byte
		if _, err := rand.Read(b[:]); err != nil {
			return nil, err
		}
		g.Serial = binary.BigEndian.Uint64(b[:])>>1 | 1
	}
	cert := &ssh.Certificate{
		Key: signed.Plain(public), Serial: g.Serial, CertType: ssh.UserCert, KeyId: g.ID, ValidPrincipals: g.Principals,
		ValidAfter: uint64(g.After.Unix()), ValidBefore: uint64(g.Before.Unix()),
	}
	return cert, ca.certify(cert)
}

func (k *Key) certify(cert *ssh.Certificate) error {
	switch from := k.Signer.(type) {
	case *fileKey:
		if from.cert != nil {
			return fmt.Errorf("%w %s: it has a certificate: what is certified itself certifies nobody", ErrKey, text.Name(from.file))
		}
		private, err := from.private()
		if err != nil {
			return fmt.Errorf("%w %s: %w", ErrKey, text.Name(from.file), err)
		}
		return cert.SignCert(rand.Reader, private)
	case *agentKey:
		conn, err := dial(from.socket)
		if err != nil {
			return fmt.Errorf("%w: ssh-agent: %w", ErrKey, err)
		}
		defer conn.Close()
		return cert.SignCert(rand.Reader, agentSigner{agent.NewClient(conn), from})
	}
	return fmt.Errorf("%w: of a kind that certifies nobody", ErrKey)
}
