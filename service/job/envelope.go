package job

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"hozen/packager/signed"
)

// An Envelope is a job with its signatures: one line of JSON, at most MaxEnvelope bytes.
// The first signature is the operator's, the others follow in the order of Approvals; one
// that is not there yet is empty.
type Envelope struct {
	Payload    string   `json:"payload"`
	Signatures []string `json:"signatures"`
}

// Signed is a job that was checked, with the bytes that were signed.
type Signed struct {
	Job      Job
	Envelope Envelope
}

// maxSignature bounds one signature, in bytes; an RSA key of 16,384 bits makes one of 5,700.
const maxSignature = 8 << 10

// room is kept in a new envelope for each signature, in bytes.
const room = 2 << 10

// New makes an envelope without signatures of a job. Lists that are nil become empty;
// everything else must be as Check wants it.
func New(j Job) (*Signed, error) {
	j = j.withLists()
	if err := j.Check(); err != nil {
		return nil, err
	}
	payload, err := signed.Encode(j)
	if err != nil {
		return nil, err
	}
	s := &Signed{Job: j, Envelope: Envelope{Payload: string(payload), Signatures: make([]string, len(j.Signers()))}}
	b, err := s.Envelope.Encode()
	if err != nil {
		return nil, err
	}
	if n := len(b) + room*len(j.Signers()); n > MaxEnvelope {
		return nil, refuse(Size, "payload", "with its signatures it would have %d bytes: over %d", n, MaxEnvelope)
	}
	return s, nil
}

// Encode gives the one encoding of an envelope: a line of JSON.
func (e Envelope) Encode() ([]byte, error) {
	if e.Signatures == nil {
		e.Signatures = []string{}
	}
	return signed.Encode(e)
}

// Parse reads an envelope and the job in it, and checks everything that can be checked
// without knowing keys, clocks and this machine. Its errors are *Error.
func Parse(b []byte) (*Signed, error) {
	if len(b) > MaxEnvelope {
		return nil, refuse(Size, "", "%d bytes: over %d", len(b), MaxEnvelope)
	}
	var s Signed
	if err := decode(b, &s.Envelope, "envelope"); err != nil {
		return nil, err
	}
	if err := decode([]byte(s.Envelope.Payload), &s.Job, "payload"); err != nil {
		return nil, err
	}
	if err := s.Job.Check(); err != nil {
		return nil, err
	}
	if have, want := len(s.Envelope.Signatures), len(s.Job.Signers()); have != want {
		return nil, refuse(Encoding, "signatures", "%d places for signatures, want %d: of operator and approvals", have, want)
	}
	for i, sig := range s.Envelope.Signatures {
		if sig != "" && (len(sig) > maxSignature || !armored(sig)) {
			return nil, refuse(Encoding, "signatures", "number %d is not an armored SSH signature", i+1)
		}
	}
	return &s, nil
}

func armored(sig string) bool {
	return strings.HasPrefix(sig, signed.ArmorBegin) && strings.HasSuffix(sig, signed.ArmorEnd)
}

// decode reads the one encoding of a statement.
func decode(b []byte, to any, what string) error {
	if !bytes.HasPrefix(b, []byte("{")) {
		return refuse(Encoding, what, "not a line of JSON")
	}
	err := signed.Decode(b, to)
	switch {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), "json: unknown field"):
		return refuse(Unknown, what, "%v", err)
	}
	return refuse(Encoding, what, "%v", err)
}

// Sum gives the SHA-256 of the payload in hex: the name of a job that nobody can give to
// another.
func (s *Signed) Sum() string { return signed.HexSum([]byte(s.Envelope.Payload)) }

// Early says that a job was made for later than now. An endpoint refuses it until then, and
// the hub passes it on only once.
func (s *Signed) Early(now time.Time) bool {
	issued, err := ParseTime(s.Job.Issued)
	from, err2 := ParseTime(s.Job.NotBefore)
	return err == nil && err2 == nil && from.After(issued) && now.Before(from)
}

// Signers are who must sign, in the order of the signatures: principals of a trust file.
// Not inlined, for the size of the program.
//
//go:noinline
func (j Job) Signers() []string {
	out := []string{"operator:" + j.Operator}
	for _, name := range j.Approvals {
		out = append(out, "operator:"+name)
	}
	return out
}

// Missing are the signers whose signature is not there.
// Not inlined, for the size of the program.
//
//go:noinline
func (s *Signed) Missing() (principals []string) {
	for i, p := range s.Job.Signers() {
		if s.Envelope.Signatures[i] == "" {
			principals = append(principals, p)
		}
	}
	return principals
}

// ErrSigner is wrapped by errors of Sign about who signs.
var ErrSigner = errors.New("signer")

// SignBy signs the job as one of its signers, given by name without "operator:"; the
// operator signs first, and a name that stands in a job signs once.
func (s *Signed) SignBy(as string, by signed.Signer) error {
	at := slices.Index(s.Job.Signers(), "operator:"+as)
	switch {
	case at < 0:
		return fmt.Errorf("%w %s: not one of this job's: %s", ErrSigner, as, strings.Join(append([]string{s.Job.Operator}, s.Job.Approvals...), ", "))
	case s.Envelope.Signatures[at] != "":
		return fmt.Errorf("%w %s: has signed already", ErrSigner, as)
	case at > 0 && s.Envelope.Signatures[0] == "":
		return fmt.Errorf("%w %s: the operator %s signs first", ErrSigner, as, s.Job.Operator)
	}
	for i, sig := range s.Envelope.Signatures {
		if k, _, err := signed.SignerOf([]byte(sig)); sig != "" && err == nil && bytes.Equal(signed.Plain(k).Marshal(), signed.Plain(by.Public()).Marshal()) {
			return fmt.Errorf("%w %s: the key has signed already, as %s", ErrSigner, as, s.Job.Signers()[i])
		}
	}
	sig, err := by.Sign(signed.Job, []byte(s.Envelope.Payload))
	if err != nil {
		return fmt.Errorf("%w %s: %w", ErrSigner, as, err)
	}
	if err := signed.Check(by.Public(), signed.Job, []byte(s.Envelope.Payload), sig); err != nil {
		return fmt.Errorf("%w %s: %w", ErrSigner, as, err)
	}
	s.Envelope.Signatures = slices.Clone(s.Envelope.Signatures)
	s.Envelope.Signatures[at] = string(sig)
	return nil
}

// Sign is SignBy with a private key.
func (s *Signed) Sign(as string, key crypto.Signer) error {
	by, err := signed.By(key)
	if err != nil {
		return fmt.Errorf("%w %s: %w", ErrSigner, as, err)
	}
	return s.SignBy(as, by)
}

// SignedBy verifies signature number i (from 0) and gives the key that made it. The key
// is not trusted by that: a trust file says whose it is.
func (s *Signed) SignedBy(i int) (ssh.PublicKey, error) {
	sig := []byte(s.Envelope.Signatures[i])
	key, namespace, err := signed.SignerOf(sig)
	if err != nil {
		return nil, err
	}
	if namespace != signed.Job {
		return nil, fmt.Errorf("%w: namespace %.40q, want %s", ErrNamespace, namespace, signed.Job)
	}
	return key, signed.Check(key, signed.Job, []byte(s.Envelope.Payload), sig)
}

// ErrNamespace is wrapped by SignedBy when a signature was made for another purpose.
var ErrNamespace = errors.New("signature of another purpose")
