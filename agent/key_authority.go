package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"hozen/packager"
	signers "hozen/packager/keys"
	"hozen/packager/signed"
	"hozen/service/durable"
)

// everybody are the principals that an organisation's key can stand for, if it is not told otherwise.
const everybody = "device:*,operator:*,witness:*,approver:*,lab:*,custodian:*,carrier:*"

func (a *app) keyCACommand() *cobra.Command {
	return &cobra.Command{Use: "ca FILE", Short: a.text(mShortKeyCA), Long: a.text(mLongKeyCA), Args: wantArgs(1, 1),
		Example: "  hozen key ca acme-ca.key\n  hozen key trust acme-ca.key.pub --authority 'device:*,operator:*'",
		RunE: func(_ *cobra.Command, args []string) error {
			pub, err := a.writeKey(args[0], "authority")
			if err != nil {
				return err
			}
			fmt.Fprintln(a.stdout, a.text(mAuthorityMade, escape(args[0]), escape(args[0]+".pub")))
			return a.printAuthority(everybody, pub)
		}}
}

func (a *app) printAuthority(patterns string, ca ssh.PublicKey) error {
	_, err := fmt.Fprintf(a.stdout, "%s %s\n%s\n  %s", pad(a.text(mFingerprint), 12), signed.Fingerprint(ca), a.text(mSignerLine), packager.AllowedAuthority(patterns, ca))
	return err
}

// authorityTrust appends an organisation's key to the auditor's allowed signers.
func (a *app) authorityTrust(arg, patterns, trust string) error {
	pub, err := readPublic(arg)
	if err != nil {
		return fail(err, a.text(mHintPublic))
	}
	line := packager.AllowedAuthority(patterns, pub.key)
	if t, err := packager.ParseTrust(strings.NewReader(line)); err != nil || t == nil || strings.ContainsAny(patterns, " \t\n\"#") {
		return usage(fmt.Errorf("--authority %q: want patterns such as device:*,operator:*", patterns), "")
	}
	if err := a.believeLine(trust, line); err != nil {
		return err
	}
	return a.printAuthority(patterns, pub.key)
}

// certifying are the flags of key certify.
type certifying struct {
	ca, id string
	as     []string
	days   int
	serial uint64
}

func (a *app) keyCertifyCommand() *cobra.Command {
	var o certifying
	c := &cobra.Command{Use: "certify FILE.pub --ca KEY --as KIND:NAME", Short: a.text(mShortKeyCertify), Long: a.text(mLongKeyCertify), Args: wantArgs(1, 1),
		Example: "  hozen key certify pc-42.key.pub --ca acme-ca.key --as device:pc-42 --days 365\n  hozen key certify sato.pub --ca agent --as operator:sato --serial 17",
		RunE:    func(_ *cobra.Command, args []string) error { return a.keyCertify(args[0], o) }}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&o.ca, "ca", "", a.text(mFlagCA))
	f.StringSliceVar(&o.as, "as", nil, a.text(mFlagCertifyAs))
	f.IntVar(&o.days, "days", 365, a.text(mFlagDays))
	f.Uint64Var(&o.serial, "serial", 0, a.text(mFlagSerial))
	f.StringVar(&o.id, "id", "", a.text(mFlagCertificateID))
	return c
}

// keyCertify writes FILE-cert.pub beside FILE.pub, also in the place of an older one of the same key.
func (a *app) keyCertify(file string, o certifying) error {
	stem, ok := strings.CutSuffix(file, ".pub")
	switch {
	case !ok || strings.HasSuffix(stem, "-cert"):
		return usage(fmt.Errorf("%s: want the public key, FILE.pub", file), "")
	case o.ca == "":
		return usage(errors.New("--ca KEY is needed: the organisation's key"), a.text(mHintCA))
	case o.days < 1 || o.days > 36500:
		return usage(fmt.Errorf("--days %d: want 1 to 36500", o.days), "")
	}
	public, comment, err := signers.ReadPublic(file)
	if err != nil {
		return fail(err, a.text(mHintPublic))
	}
	if len(o.as) == 0 && packager.ValidPrincipal(comment) {
		o.as = []string{comment}
	}
	if len(o.as) == 0 {
		return usage(errors.New("--as KIND:NAME is needed: whose key it is"), "")
	}
	for _, who := range o.as {
		if !packager.ValidPrincipal(who) {
			return usage(fmt.Errorf("--as %q: want KIND:NAME", who), a.text(mHintPrincipal, strings.Join(packager.PrincipalKinds(), ", ")))
		}
	}
	ca, err := a.personKey(o.ca, "--ca agent")
	if err != nil {
		return err
	}
	now := a.now()
	if o.id == "" {
		o.id = strings.Join(o.as, ",")
	}
	cert, err := signers.Certify(ca, public, signers.Grant{Principals: o.as, After: now.Add(-time.Minute), Before: now.AddDate(0, 0, o.days), Serial: o.serial, ID: o.id})
	if err != nil {
		return fail(err, "")
	}
	name := stem + "-cert.pub"
	if old, _, err := signers.ReadPublic(name); err == nil && signed.Fingerprint(old) != signed.Fingerprint(public) {
		return fail(fmt.Errorf("%s: is the certificate of another key, and stays", name), "")
	}
	if err := durable.Replace(name, []byte(signed.PublicText(cert)+" "+o.id+"\n")); err != nil {
		return fail(err, "")
	}
	fmt.Fprintln(a.stdout, a.text(mCertified, escape(name)))
	return a.printCertificate(cert)
}

func (a *app) printCertificate(c *ssh.Certificate) error {
	until := a.text(mForEver)
	if c.ValidBefore < 1<<40 {
		until = time.Unix(int64(c.ValidBefore), 0).UTC().Format(time.RFC3339)
	}
	from := time.Unix(int64(min(c.ValidAfter, 1<<40)), 0).UTC().Format(time.RFC3339)
	for _, row := range []struct {
		label message
		value string
	}{
		{mRowPrincipal, strings.Join(c.ValidPrincipals, ", ")}, {mFingerprint, signed.Fingerprint(c)}, {mRowSerial, fmt.Sprint(c.Serial)},
		{mRowCertificateID, c.KeyId}, {mRowValid, from + " – " + until}, {mRowAuthorityKey, signed.Fingerprint(c.SignatureKey)},
	} {
		if _, err := fmt.Fprintf(a.stdout, "%s %s\n", pad(a.text(row.label), 12), escape(row.value)); err != nil {
			return err
		}
	}
	return nil
}
