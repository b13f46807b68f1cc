package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"hozen/packager"
)

func (a *app) custodyVerifyCommand() *cobra.Command {
	var b belief
	var asJSON bool
	c := &cobra.Command{
		Use: "verify LOG", Short: a.text(mShortCustodyVerify), Long: a.text(mLongCustodyVerify), Args: wantArgs(1, 1),
		Example: "  hozen custody verify pc-42-20261121t090000z-3fa9c1.custody.jsonl --trust allowed_signers",
		RunE:    func(_ *cobra.Command, args []string) error { return a.custodyVerify(args[0], b, asJSON) },
	}
	c.Flags().SortFlags = false
	c.Flags().StringVar(&b.trust, "trust", "", a.text(mFlagTrust))
	c.Flags().StringVar(&b.revoked, "revoked", "", a.text(mFlagRevoked))
	c.Flags().Func("fingerprint", a.text(mFlagFingerprint), b.addFingerprint)
	c.Flags().BoolVar(&asJSON, "json", false, a.text(mFlagJSON))
	return c
}

// custodyVerify checks a log without its archive.
func (a *app) custodyVerify(name string, b belief, asJSON bool) error {
	t, err := targetOf(name)
	if err != nil {
		t.log = name // a log may have any name, as long as it is only read
	}
	trust, err := a.trust(b.trust)
	if err == nil {
		trust, err = a.without(trust, b.revoked)
	}
	if err != nil {
		return err
	}
	log, err := packager.ReadLogFile(t.log)
	if err != nil {
		return fail(err, "")
	}
	r := packager.VerifyLog(log, packager.VerifyOptions{Trust: trust, Fingerprints: b.fingerprints})
	if asJSON {
		if err := writeJSON(a.stdout, r); err != nil {
			return fail(err, "")
		}
		return silent(r.Exit)
	}
	fmt.Fprintf(a.stdout, "%s  %s\n", r.Verdict, escape(t.log))
	fmt.Fprintln(a.stdout, a.logVerdict(r.Verdict))
	for _, f := range r.Findings {
		fmt.Fprintln(a.stdout, "  ! "+escape(a.sentence(f)))
	}
	for _, n := range r.Notes {
		fmt.Fprintln(a.stdout, "  - "+escape(a.sentence(n)))
	}
	if r.Head != "" {
		fmt.Fprintln(a.stdout, a.text(mLogCounted, escape(r.Collection), len(r.Events), r.Head))
	}
	return silent(r.Exit)
}

// logVerdict says in one line what a verdict means for a log alone.
func (a *app) logVerdict(v packager.Verdict) string {
	return a.text(map[packager.Verdict]message{
		packager.Valid: mLogValid, packager.ValidPartial: mLogPartial, packager.Invalid: mLogInvalid,
		packager.UntrustedSigner: mLogUntrusted, packager.NotEvidence: mLogNothing,
	}[v])
}
