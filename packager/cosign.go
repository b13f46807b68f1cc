package packager

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"hozen/packager/signed"
	"hozen/packager/text"
)

// Roles of people who sign beside the device. A principal is "<role>:<name>".
const (
	RoleOperator = "operator" // who takes the evidence
	RoleWitness  = "witness"  // who looks on
	RoleApprover = "approver" // who answers for it
)

// A CoSigner is a person who signs the seal beside the device while it is made.
type CoSigner struct {
	Signer signed.Signer
	// Wait is how long he may take, for a passphrase or a touch; then the archive is sealed
	// without him. 0 is DefaultWait.
	Wait time.Duration
	// Stop ends the waiting when it is closed; where it is closed already he is not asked at
	// all: somebody wants the seal now. May be nil.
	Stop <-chan struct{}
	// Asked is called when his signature is asked for; may be nil.
	Asked func()
}

// DefaultWait is how long a CoSigner is waited for.
const DefaultWait = 2 * time.Minute

// maxWait bounds CoSigner.Wait: until then nothing says that the archive is complete.
const maxWait = 10 * time.Minute

// ErrNoAnswer is wrapped by Sealed.CoSignErr when a person did not sign in time.
var ErrNoAnswer = errors.New("no signature came in time")

// CoSignature is the signature of a person over the seal.
type CoSignature struct {
	Principal   string `json:"principal"` // operator:<name>, witness:<name>, approver:<name>
	Key         string `json:"key"`
	Fingerprint string `json:"fingerprint"`
	Event       int    `json:"event,omitempty"` // seq in the custody log; 0: it stands in the archive itself
	Time        string `json:"time"`            // of the seal or the event, by the clock of who wrote it
	Trusted     bool   `json:"trusted"`
}

var (
	personPattern  = regexp.MustCompile(`^(operator|witness|approver):[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	requirePattern = regexp.MustCompile(`^(operator|witness|approver)(:[A-Za-z0-9][A-Za-z0-9._-]{0,62})?$`)
)

// maxRequire is how many signatures an archive can ask for.
const maxRequire = 9

// CheckRequire says what is wrong with a list for Genesis.Require: "operator", "witness",
// "approver", or one of them with a name ("witness:tanaka"); each once.
func CheckRequire(list []string) error {
	for i, r := range list {
		switch {
		case !requirePattern.MatchString(r):
			return fmt.Errorf("require %.80q: want operator, witness or approver, or one of them with a name (witness:tanaka)", r)
		case slices.Contains(list[:i], r):
			return fmt.Errorf("require %q: twice", r)
		}
	}
	if len(list) > maxRequire {
		return fmt.Errorf("require: %d signatures, at most %d", len(list), maxRequire)
	}
	return nil
}

// OperatorPrincipal gives "operator:<name>" for the operator as genesis has him. A name that
// an allowed_signers file cannot hold as one is an error.
func OperatorPrincipal(operator string) (string, error) {
	if !operatorPattern.MatchString(operator) {
		return "", fmt.Errorf("operator %q: not a name that a trust file can hold: want letters, digits, dots, dashes, at most 63", operator)
	}
	return RoleOperator + ":" + operator, nil
}

// askOperator gets the operator's signature over the seal. It is not there if he did
// not sign in time.
func (w *Writer) askOperator(statement []byte) ([]byte, error) {
	o := w.o.Operator
	select {
	case <-o.Stop:
		return nil, fmt.Errorf("%w: the collection was stopped", ErrNoAnswer)
	default:
	}
	if o.Asked != nil {
		o.Asked()
	}
	type answer struct {
		sig []byte
		err error
	}
	got := make(chan answer, 1)
	go func() {
		sig, err := o.Signer.Sign(signed.Seal, statement)
		if err == nil {
			err = signed.Check(o.Signer.Public(), signed.Seal, statement, sig)
		}
		got <- answer{sig, err}
	}()
	wait := o.Wait
	if wait <= 0 {
		wait = DefaultWait
	}
	timer := time.NewTimer(min(wait, maxWait))
	defer timer.Stop()
	select {
	case a := <-got:
		return a.sig, a.err
	case <-o.Stop:
		return nil, fmt.Errorf("%w: the collection was stopped", ErrNoAnswer)
	case <-timer.C:
		return nil, fmt.Errorf("%w (%v)", ErrNoAnswer, min(wait, maxWait))
	}
}

// operatorSigned checks the operator's signature in the seal frame. Whose the key is, is
// looked at later.
func (c *checker) operatorSigned(s *Seal, statement, sig []byte) error {
	key, err := signed.CheckAny(signed.Seal, statement, sig)
	if err != nil {
		return contradiction("seal, operator's signature: %v", err)
	}
	principal, err := OperatorPrincipal(c.rep.Genesis.Operator)
	if err != nil {
		return contradiction("seal, operator's signature: %v", err)
	}
	c.rep.CoSignatures = append(c.rep.CoSignatures, CoSignature{Principal: principal, Key: signed.PublicText(key), Fingerprint: signed.Fingerprint(key), Time: s.Time.Wall})
	c.operatorSig = signed.HexSum(sig)
	return nil
}

// operatorInLog holds what the event "sealed" says of the operator's signature against the archive.
func (c *logChain) operatorInLog(e *Event) error {
	if want := e.Fact(factOperatorSig); want != c.v.c.operatorSig {
		switch {
		case c.v.c.operatorSig == "":
			return contradiction("it was sealed with a signature of %s by %s, which is gone from the archive", text.Name(e.Fact(factOperator)), text.Name(e.Fact(factOperatorKey)))
		case want == "":
			return contradiction("it was sealed without an operator's signature, and there is one now")
		}
		return contradiction("the operator's signature is not the one that it was sealed with")
	}
	return nil
}

// coSigners decides who is believed of those who signed beside the device, and whether
// all are there whom the archive requires.
func (v *verification) coSigners() {
	for i := range v.rep.CoSignatures {
		s := &v.rep.CoSignatures[i]
		if s.Event > 0 {
			continue // judged with its event
		}
		err := v.believes(s.Principal, s.Key, v.sealTime(), signed.Seal)
		if s.Trusted = err == nil; err != nil {
			v.unknown = true
			v.rep.finding("co-signature in the seal: %v (%s)", err, s.Fingerprint)
		}
	}
	for _, s := range v.rep.CoSignatures {
		// Who signs again binds it no more than once.
		if anchor := "co-signature of " + s.Principal; s.Trusted && !slices.Contains(v.rep.Axes.Anchors, anchor) {
			v.rep.Axes.Anchors = append(v.rep.Axes.Anchors, anchor)
		}
	}
	if v.sealed && v.rep.Genesis != nil { // what is required stands in an archive that was opened
		v.required()
	}
}

// required looks for a person for each signature that genesis requires; nobody stands for
// two, and the device for none.
func (v *verification) required() {
	g := v.rep.Genesis
	if err := CheckRequire(g.Require); err != nil {
		v.unknown = true
		v.rep.finding("%v", err)
		return
	}
	people := slices.DeleteFunc(slices.Clone(v.rep.CoSignatures), func(s CoSignature) bool { return !s.Trusted || sameKey(s.Key, v.deviceKey().key) })
	// Those that name somebody first, for only he will do.
	want := slices.SortedStableFunc(slices.Values(g.Require), func(a, b string) int {
		return strings.Count(b, ":") - strings.Count(a, ":")
	})
	var used []CoSignature
	for _, r := range want {
		i := slices.IndexFunc(people, func(s CoSignature) bool {
			role, _, _ := strings.Cut(s.Principal, ":")
			return (r == s.Principal || r == role) && !slices.ContainsFunc(used, func(u CoSignature) bool {
				return u.Principal == s.Principal || sameKey(u.Key, s.Key)
			})
		})
		if i < 0 {
			v.unknown = true
			v.rep.finding("required: a signature of the %s is not there, or not by a trusted key of his own", strings.Replace(r, ":", " ", 1))
			continue
		}
		used = append(used, people[i])
	}
}
