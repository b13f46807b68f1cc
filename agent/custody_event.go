package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"hozen/packager"
	"hozen/packager/custody"
	"hozen/packager/evidence/fault"
	"hozen/packager/signed"
)

// said is what the flags of a custody command say of an event.
type said struct {
	e        packager.Event
	sealNo   string
	things   []string
	attach   []string
	details  []string
	as, with string
	json     bool
	belief   // what the archive is verified against
}

// eventFlags are those that every event has.
func (a *app) eventFlags(c *cobra.Command, s *said) {
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&s.with, "sign-with", "", a.text(mFlagSignWith))
	f.StringVar(&s.as, "as", "", a.text(mFlagAs))
	f.StringVar(&s.log, "log", "", a.text(mFlagEventLog))
	f.StringVar(&s.e.Reason, "reason", "", a.text(mFlagEventReason))
	f.StringVar(&s.e.Place, "place", "", a.text(mFlagEventPlace))
	f.StringVar(&s.e.Authority, "authority", "", a.text(mFlagEventAuthority))
	f.StringArrayVar(&s.e.Witness, "witness", nil, a.text(mFlagEventWitness))
	f.StringVar(&s.e.Case, "case", "", a.text(mFlagCase))
	f.StringVar(&s.e.Evidence, "evidence", "", a.text(mFlagEvidence))
	f.StringVar(&s.sealNo, "seal-no", "", a.text(mFlagSealNo))
	f.StringArrayVar(&s.things, "thing", nil, a.text(mFlagThing))
	f.StringArrayVar(&s.attach, "attach", nil, a.text(mFlagAttach))
	f.StringVar(&s.e.Changes, "changes", "", a.text(mFlagChanges))
	f.StringArrayVar(&s.details, "detail", nil, a.text(mFlagDetail))
	f.StringVar(&s.trust, "trust", "", a.text(mFlagTrust))
	f.BoolVar(&s.json, "json", false, a.text(mFlagJSON))
}

// lookFlags are those by which a command that verifies the archive believes: beside --trust,
// as verify has them.
func (a *app) lookFlags(c *cobra.Command, b *belief) {
	f := c.Flags()
	f.StringVar(&b.revoked, "revoked", "", a.text(mFlagRevoked))
	f.Func("fingerprint", a.text(mFlagFingerprint), b.addFingerprint)
	f.StringArrayVar(&b.identities, "identity", nil, a.text(mFlagIdentity))
}

// event puts together what was said.
func (a *app) event(s *said, name string) (packager.Event, error) {
	e := s.e
	e.Event = name
	if err := s.thing(&e); err != nil {
		return e, err
	}
	for _, d := range s.details {
		n, v, ok := strings.Cut(d, "=")
		if !ok || v == "" {
			return e, usage(fmt.Errorf("--detail %q: want NAME=VALUE", d), "")
		}
		e.Detail = append(e.Detail, packager.EventDetail{Name: n, Value: v})
	}
	for _, file := range s.attach {
		h, err := attached(file)
		if err != nil {
			return e, fail(err, "")
		}
		e.Attach = append(e.Attach, h)
	}
	e.Method = &packager.EventMethod{Tool: a.tool(), Command: a.signed()}
	e.Operator = a.loginName()
	return e, nil
}

// thing describes what can be held in the hand.
func (s *said) thing(e *packager.Event) error {
	t := packager.EventThing{SealNo: s.sealNo}
	for _, d := range s.things {
		n, v, _ := strings.Cut(d, "=")
		to := map[string]*string{"description": &t.Description, "make": &t.Make, "model": &t.Model, "serial": &t.Serial,
			"asset": &t.Asset, "power_state": &t.PowerState}[n]
		if to == nil || v == "" {
			return usage(fmt.Errorf("--thing %q: want NAME=VALUE, NAME one of description, make, model, serial, asset, power_state", d), "")
		}
		*to = v
	}
	if t != (packager.EventThing{}) {
		e.Thing = &t
	}
	return nil
}

// attached names a file beside the log by its hash.
func attached(file string) (packager.FileHash, error) {
	f, err := os.Open(file)
	if err != nil {
		return packager.FileHash{}, err
	}
	o, err := custody.Hash(file, f)
	return packager.FileHash{Path: filepath.Base(file), SHA256: o.SHA256}, fault.Join(err, f.Close())
}

// signer opens the key of who signs, and says as whom: as he says, else as the comment of
// his key does. A key that the trust file at hand does not know as him is told.
func (a *app) signer(s *said) (signed.Signer, string, error) {
	if s.with == "" {
		return nil, "", usage(errors.New("--sign-with FILE, or --sign-with agent, is needed: who does it signs for it"), "")
	}
	key, err := a.personKey(s.with, throughSignWith)
	if err != nil {
		return nil, "", err
	}
	actor := cmp.Or(s.as, strings.TrimSpace(key.Comment))
	if !packager.ValidPrincipal(actor) {
		if s.as == "" {
			return nil, "", usage(errors.New("--as KIND:NAME is needed: the key does not say whose it is"), a.text(mHintPrincipal, strings.Join(packager.PrincipalKinds(), ", ")))
		}
		return nil, "", usage(fmt.Errorf("--as %q: want KIND:NAME", actor), a.text(mHintPrincipal, strings.Join(packager.PrincipalKinds(), ", ")))
	}
	trust, err := a.trust(s.trust)
	if err == nil {
		trust, err = a.without(trust, s.revoked)
	}
	if err != nil {
		return nil, "", err
	}
	if trust != nil {
		if err := trust.Check(actor, signed.PublicText(key.Public()), signed.Event, a.now()); err != nil {
			fmt.Fprintln(a.stderr, a.text(mCustodyUntrusted, a.why(err)))
		}
	}
	return key, actor, nil
}

// record signs an event and says so.
func (a *app) record(t target, s *said, e packager.Event) (packager.Event, error) {
	by, actor, err := a.signer(s)
	if err != nil {
		return e, err
	}
	return a.recordBy(t, s, e, by, actor)
}

// recordBy is record by who is known already.
func (a *app) recordBy(t target, s *said, e packager.Event, by signed.Signer, actor string) (packager.Event, error) {
	e.Actor = actor
	e, cut, err := custody.Append(t.log, t.id, by, e, a.now())
	if cut {
		fmt.Fprintln(a.stderr, a.text(mLogHalfLine, escape(t.log)))
	}
	switch {
	case errors.Is(err, custody.ErrIncomplete):
		return e, usage(err, a.text(mHintNeeds, strings.Join(flagsOf(e.Event, e.Missing()), " ")))
	case err != nil:
		return e, fail(err, a.unsignedHint(err))
	case s.json:
		return e, writeJSON(a.stdout, e)
	}
	fmt.Fprintln(a.stdout, a.text(mCustodyWritten, e.Seq, a.eventWord(e.Event), escape(e.Actor), signed.Fingerprint(by.Public())))
	log, err := packager.ReadLogFile(t.log)
	if err != nil {
		return e, fail(err, "")
	}
	fmt.Fprintln(a.stdout, a.text(mCustodyHead, escape(t.log), packager.VerifyLog(log, packager.VerifyOptions{}).Head))
	return e, nil
}

// flagsOf gives the flags that fill the needed fields of an event, as its command has them.
func flagsOf(event string, missing []string) (flags []string) {
	for _, m := range missing {
		switch name, detail := strings.CutPrefix(m, "detail "); {
		case detail && !(event == "released" && name == "how" || event == "received" && name == "seal"):
			flags = append(flags, "--detail "+name+"=…")
		case m == "counterpart" && event == "released":
			flags = append(flags, "--to …")
		case m == "counterpart" && event == "received":
			flags = append(flags, "--from …")
		default:
			flags = append(flags, "--"+name+" …")
		}
	}
	return flags
}
