package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hozen/packager"
)

func (a *app) custodyCountersignCommand() *cobra.Command {
	var s said
	c := &cobra.Command{
		Use: "countersign ARCHIVE --as ROLE:NAME --sign-with KEY", Short: a.text(mShortCountersign), Long: a.text(mLongCountersign), Args: wantArgs(1, 1),
		Example: "  hozen custody countersign FILE.tar.zst --as witness:tanaka --sign-with tanaka.key\n  hozen custody countersign FILE.tar.zst --as approver:suzuki --sign-with agent",
		RunE:    func(c *cobra.Command, args []string) error { return a.countersign(c.Context(), args[0], &s) },
	}
	c.Flags().SortFlags = false
	a.eventFlags(c, &s)
	a.lookFlags(c, &s.belief)
	return c
}

// countersign verifies an archive and signs its seal as a person. What cannot be verified
// is not signed; that a signer is not known yet is no reason not to.
func (a *app) countersign(ctx context.Context, file string, s *said) error {
	t, err := a.target(file, s.log)
	if err != nil {
		return err
	}
	e, err := a.event(s, "countersigned")
	if err != nil {
		return err
	}
	object, err := t.hash()
	if err != nil {
		return err
	}
	r, err := a.look(ctx, t, s.belief)
	if err != nil {
		return err
	}
	by, actor, err := a.signer(s)
	if err != nil {
		return err
	}
	if role, _, _ := strings.Cut(actor, ":"); role != packager.RoleOperator && role != packager.RoleWitness && role != packager.RoleApprover {
		return usage(fmt.Errorf("--as %s: not somebody who signs a seal", actor), a.text(mHintRole))
	}
	sealed := r.Sealed && r.Verdict != packager.Invalid && r.Verdict != packager.NotEvidence
	if sealed && !s.json {
		fmt.Fprintln(a.stdout, a.text(mCountersigning, escape(t.archive), escape(actor), r.Head))
	}
	made, err := packager.Countersign(r, object, actor, by)
	if errors.Is(err, packager.ErrNoSeal) {
		return fail(err, a.text(mHintNoSeal))
	}
	if err != nil {
		return fail(err, "")
	}
	e.Object, e.Verdict, e.Detail = made.Object, made.Verdict, append(e.Detail, made.Detail...)
	_, err = a.recordBy(t, s, e, by, actor)
	return err
}
