package packager

import (
	"errors"
	"fmt"

	"hozen/packager/signed"
	"hozen/packager/text"
)

const (
	eventCountersigned = "countersigned"

	// Details of the events sealed and countersigned.
	factSeal        = "seal"
	factSignature   = "signature"
	factOperator    = "operator"
	factOperatorKey = "operator_key"
	factOperatorSig = "operator_sig"
)

// ErrNoSeal says that an archive has no seal that somebody could sign.
var ErrNoSeal = errors.New("there is no seal to sign")

// Countersign makes the event by which a person signs an archive later, as principal
// (operator:<name>, witness:<name>, approver:<name>): its object is the whole stored file,
// its details are the hash of the seal and a signature over the seal itself, which
// `ssh-keygen -Y verify` takes beside custody/seal.json. rep is what Verify said of the
// archive: it must be sealed and not be INVALID. Of cipher text whose contents were not seen
// (VALID-OUTER, or UNTRUSTED-SIGNER) there is no signature over the seal, only the event's own. The caller
// appends the event with AppendEventBy.
func Countersign(rep *Report, object EventObject, principal string, by signed.Signer) (Event, error) {
	if !personPattern.MatchString(principal) {
		return Event{}, fmt.Errorf("%q: not an operator, a witness or an approver", principal)
	}
	e := Event{Event: eventCountersigned, Actor: principal, Object: object, Verdict: string(rep.Verdict)}
	switch {
	case rep.Verdict == Invalid, rep.Verdict == NotEvidence:
		return e, fmt.Errorf("%s: nobody shall sign that", rep.Verdict)
	case rep.Seal == nil && rep.Encrypted && rep.Sealed:
		for _, o := range rep.Events {
			if o.Event == eventSealed {
				e.Detail = []EventDetail{{factSeal, o.Fact(factSeal)}}
				return e, nil
			}
		}
		return e, fmt.Errorf("%w: the custody log does not say that it was sealed", ErrNoSeal)
	case rep.Seal == nil && rep.Encrypted && rep.Plain == 0:
		return e, fmt.Errorf("%w: its contents were not seen, and the custody log does not say that it was sealed", ErrNoSeal)
	case rep.Seal == nil:
		return e, fmt.Errorf("%w: it was interrupted", ErrNoSeal)
	}
	statement, err := signed.Encode(rep.Seal)
	if err != nil {
		return e, err
	}
	sig, err := by.Sign(signed.Seal, statement)
	if err != nil {
		return e, err
	}
	e.Detail = []EventDetail{{factSeal, signed.HexSum(statement)}, {factSignature, string(sig)}}
	return e, nil
}

// countersigned checks the event of somebody who signed the seal. What he signed must be
// this seal, and the signature good; whether he is believed, the report says.
func (c *logChain) countersigned(e *Event) error {
	v := c.v
	if v.rep.Seal == nil {
		if v.sealed && e.Fact(factSeal) != v.rep.Head { // of cipher text: the log tells of its seal
			return contradiction("it is about another seal than that of this archive")
		}
		v.rep.note("custody log, event %d (%s): the seal that it is about is not seen here", e.Seq, text.Word(e.Event))
		return nil
	}
	if !personPattern.MatchString(e.Actor) {
		v.rep.note("custody log, event %d (%s): %q is not an operator, a witness or an approver: not counted", e.Seq, text.Word(e.Event), e.Actor)
		return nil
	}
	if e.Fact(factSeal) != v.rep.Head {
		return contradiction("it is about another seal than that of this archive")
	}
	sig, err := DetailText(v.rep.Events, e, factSignature)
	if err != nil {
		return contradiction("%v", err)
	}
	key, err := signed.ParsePublic(e.Key)
	if err != nil {
		return contradiction("%v", err)
	}
	if sig != "" {
		statement, err := signed.Encode(v.rep.Seal)
		if err != nil {
			return err
		}
		if err := signed.Check(key, signed.Seal, statement, []byte(sig)); err != nil {
			return contradiction("the signature of %s over the seal: %v", text.Name(e.Actor), err)
		}
	} else if v.partly {
		return errReadAll // what he signed are bytes, all of them
	} else if !v.sameBytes(e, v.wholeFile()) || v.anew != nil && !v.madeOf(e) {
		v.rep.note("custody log, event %d (%s): without a signature over the seal, and about other bytes than these: not counted", e.Seq, text.Word(e.Event))
		return nil
	}
	// His own clock says when he signed; it was not before there was a seal.
	at := eventTime(e)
	if sealed := parseWall(v.c.ended); at.Before(sealed) {
		at = sealed
	}
	v.rep.CoSignatures = append(v.rep.CoSignatures, CoSignature{
		Principal: e.Actor, Key: e.Key, Fingerprint: signed.Fingerprint(key), Event: e.Seq, Time: e.Time.Wall,
		Trusted: v.believes(e.Actor, e.Key, at, signed.Event, signed.Seal) == nil,
	})
	return nil
}
