package main

import (
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hozen/packager"
)

// signing is who signs the seal beside the device, and who must have.
type signing struct {
	with    string // a key file, or agent…; "" if nobody does now
	require []string
	by      *packager.CoSigner
	console *term.State // of the terminal before anybody was asked; nil if there is none
}

// peopleFlags are the flags about the case and the people.
func (a *app) peopleFlags(c *cobra.Command, o *collectOptions) {
	f := c.Flags()
	f.StringVar(&o.caseNo, "case", "", a.text(mFlagCase))
	f.StringVar(&o.evidenceNo, "evidence", "", a.text(mFlagEvidence))
	f.StringVar(&o.operator, "operator", "", a.text(mFlagOperator))
	f.StringVar(&o.reason, "reason", "", a.text(mFlagReason))
	f.StringVar(&o.place, "place", "", a.text(mFlagPlace))
	f.StringArrayVar(&o.witness, "witness", nil, a.text(mFlagWitness))
	f.StringVar(&o.key, "key", "", a.text(mFlagKey))
	f.StringVar(&o.sign.with, "sign-with", "", a.text(mFlagCoSignWith))
	f.StringSliceVar(&o.sign.require, "require", nil, a.text(mFlagRequire))
}

// openSigner finds the operator's public key. The private one is not read before the seal
// is there: a passphrase or a touch holds up nothing that is volatile, and while memory is
// taken the key is not in it.
func (c *collection) openSigner() error {
	s := &c.o.sign
	if err := packager.CheckRequire(s.require); err != nil {
		return usage(err, "")
	}
	if s.with == "" {
		return nil
	}
	if c.o.operator == "" {
		return usage(errors.New("--sign-with needs --operator NAME: whose signature it is"), "")
	}
	if _, err := packager.OperatorPrincipal(plain(c.o.operator)); err != nil {
		return usage(err, c.a.text(mHintOperatorName))
	}
	key, err := c.a.personKey(s.with, throughSignWith)
	if err != nil {
		return err
	}
	if c.a.inTerminal {
		s.console, _ = term.GetState(int(os.Stdin.Fd()))
	}
	s.by = &packager.CoSigner{Signer: key, Asked: func() {
		text := c.a.text(mCoSignNow, escape(c.o.operator))
		if key.Agent {
			text = c.a.text(mCoSignTouch, escape(c.o.operator))
		}
		c.ui.say("sign_now", 0, text)
	}}
	return nil
}

// coSigned says loudly if the operator's signature is not there.
func (c *collection) coSigned(sealed packager.Sealed) {
	if sealed.CoSignErr == nil {
		return
	}
	if errors.Is(sealed.CoSignErr, packager.ErrNoAnswer) && c.o.sign.console != nil {
		_ = term.Restore(int(os.Stdin.Fd()), c.o.sign.console) // somebody may still be asked there, unseen
	}
	text := c.a.text(mNotCoSigned, escape(c.o.operator), escape(sealed.CoSignErr.Error()))
	c.ui.warn("not_cosigned", text)
	c.ui.told = append(c.ui.told, text)
}

// coSignatures is the row of those who signed beside the device.
func (a *app) coSignatures(r *packager.Report) string {
	var list []string
	for _, s := range r.CoSignatures {
		m := mSignerUntrusted
		if s.Trusted {
			m = mSignerTrusted
		}
		if said := s.Principal + " " + s.Fingerprint + " (" + a.text(m) + ")"; !slices.Contains(list, said) {
			list = append(list, said) // each person once, however often he signed
		}
	}
	return strings.Join(list, ", ")
}
