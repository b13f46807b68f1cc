package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"hozen/packager"
)

func (a *app) recoverCommand() *cobra.Command {
	var key string
	var identities []string
	c := &cobra.Command{
		Use: "recover FILE.partial", Short: a.text(mShortRecover), Long: a.text(mLongRecover), Args: wantArgs(1, 1),
		RunE: func(c *cobra.Command, args []string) error { return a.recover(c.Context(), args[0], key, identities) },
	}
	c.Flags().StringVar(&key, "key", "", a.text(mFlagRecoverKey))
	c.Flags().StringArrayVar(&identities, "identity", nil, a.text(mFlagIdentity))
	return c
}

func (a *app) recover(ctx context.Context, name, key string, identities []string) error {
	ids, err := a.identities(identities)
	if err != nil {
		return err
	}
	host := string(a.identity().HostName)
	device, err := a.deviceFor(key, host)
	if err != nil {
		return err
	}
	dir, base := filepath.Split(name)
	if dir == "" {
		dir = "."
	}
	if is, part := strings.CutSuffix(base, partSuffix); part {
		log := packager.LogName(idOf(base))
		return fail(fmt.Errorf("%s: a destination has it, not whole", name), a.text(mHintRecoverPart,
			escape(shellWord(name)), escape(shellWord(filepath.Join(dir, is+".partial"))), escape(shellWord(filepath.Join(dir, log+partSuffix))), escape(shellWord(filepath.Join(dir, log)))))
	}
	r, err := packager.Recover(ctx, dir, base, device, a.tool(), a.signed(), a.now(), ids...)
	if err != nil {
		return a.notRecovered(name, r, err)
	}
	fingerprint, err := device.Fingerprint()
	if err != nil {
		return fail(err, "")
	}
	at := filepath.Join(dir, r.Name)
	fmt.Fprintln(a.stdout, a.text(mRecovered, escape(at), r.Report.Checkpoint, countText(r.Report.AuthenticBytes), countText(r.Report.Bytes-r.Report.AuthenticBytes)))
	fmt.Fprintln(a.stdout, a.text(mRecoveredBy, fingerprint, escape(filepath.Join(dir, r.Log))))
	if file := escape(filepath.Join(dir, r.KeyFile)); r.KeyErr != nil {
		fmt.Fprintln(a.stdout, a.text(mKeyLeft, file, a.why(r.KeyErr)))
	} else if r.KeyFile != "" {
		fmt.Fprintln(a.stdout, a.text(mRecoveredKey, file))
	}
	for _, note := range r.Report.Notes {
		fmt.Fprintln(a.stdout, "  - "+escape(a.sentence(note)))
	}
	next, code := mRecoveredNext, packager.ValidPartial.ExitCode()
	if r.Report.Sealed {
		next, code = mRecoveredWhole, exitWhole
	}
	fmt.Fprintln(a.stdout, a.text(next, "hozen verify --fingerprint "+r.Report.Fingerprint+" "+escape(shellWord(at))))
	fmt.Fprintln(a.stdout, a.text(mRecoveredPaper))
	return silent(code) // whoever signed
}

// notRecovered gives the verdict's code where there is one: nothing was done.
func (a *app) notRecovered(name string, r packager.Recovery, err error) error {
	if r.Report == nil {
		return fail(err, a.text(mHintRecover))
	}
	code := r.Report.Verdict.ExitCode()
	if errors.Is(err, packager.ErrNothingAuthentic) {
		code = packager.NotEvidence.ExitCode()
	}
	if code == exitWhole {
		code = exitNotSealed
	}
	return &exitError{code: code, err: err, hint: a.text(mNotRecovered, escape(name))}
}
