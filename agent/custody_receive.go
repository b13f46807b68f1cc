package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hozen/packager"
	"hozen/packager/custody"
)

// conditions are those that a seal can be in when something arrives.
func conditions() []string { return []string{"intact", "broken", "none"} }

func (a *app) custodyReceiveCommand() *cobra.Command {
	var s said
	var seal string
	var ref int
	c := &cobra.Command{
		Use: "receive ARCHIVE --seal " + strings.Join(conditions(), "|"), Short: a.text(mShortReceive), Long: a.text(mLongReceive), Args: wantArgs(1, 1),
		Example: "  hozen custody receive FILE.tar.zst --seal intact --seal-no A-0017 --place 'laboratory, desk 2' --sign-with lab.key --as lab:acme",
		RunE: func(c *cobra.Command, args []string) error {
			if seal != "" && !slices.Contains(conditions(), seal) {
				return usage(fmt.Errorf("--seal %q: want one of %s", seal, strings.Join(conditions(), ", ")), "")
			}
			s.fact("seal", seal)
			return a.custodyReceive(c.Context(), args[0], ref, &s)
		},
	}
	c.Flags().SortFlags = false
	c.Flags().StringVar(&seal, "seal", "", a.text(mFlagSeal))
	c.Flags().IntVar(&ref, "ref", 0, a.text(mFlagReceiveRef))
	c.Flags().StringVar(&s.e.Counterpart, "from", "", a.text(mFlagReceiveFrom))
	a.eventFlags(c, &s)
	a.lookFlags(c, &s.belief)
	return c
}

// custodyReceive hashes the archive anew, verifies it with its log, and signs what it
// found: also, and above all, where the bytes are not those that were released.
func (a *app) custodyReceive(ctx context.Context, file string, ref int, s *said) error {
	t, err := a.target(file, s.log)
	if err != nil {
		return err
	}
	e, err := a.event(s, "received")
	if err != nil {
		return err
	}
	_, events, err := t.events()
	if err != nil {
		return invalidLog(err, a.text(mHintLogBroken))
	}
	release, err := a.releaseOf(events, ref)
	if err != nil {
		return err
	}
	if release != nil {
		e.Ref, e.Counterpart = []int{release.Seq}, cmp.Or(e.Counterpart, release.Actor)
	}
	e.Verdict = string(packager.NotEvidence) // until it is known
	if m := e.Missing(); len(m) > 0 {        // nobody waits for a long reading to hear that
		return usage(fmt.Errorf("event %q: %w: %s", e.Event, custody.ErrIncomplete, strings.Join(m, ", ")), a.text(mHintNeeds, strings.Join(flagsOf(e.Event, m), " ")))
	}
	if e.Object, err = t.hash(); err != nil {
		return err
	}
	was, known := custody.Stored(events)
	if release != nil && release.Object.SHA256 != e.Object.SHA256 {
		was, known = release.Object, true
	}
	other := known && was.SHA256 != e.Object.SHA256
	if other {
		s.identities = nil // whatever is in them: that they are others is what must be signed
	}
	r, err := a.look(ctx, t, s.belief)
	if err != nil {
		return err
	}
	verdict := r.Verdict
	if other {
		verdict = packager.Invalid
		fmt.Fprintln(a.stderr, a.text(mReceivedOther, a.why(otherBytes(t, e.Object, was))))
	}
	e.Verdict = string(verdict)
	if e, err = a.record(t, s, e); err != nil {
		return err
	}
	if !s.json {
		a.tellReceived(e, release)
	}
	return silent(verdict.ExitCode())
}

// releaseOf finds the release that is received: the given one, or the only one that is open.
func (a *app) releaseOf(events []packager.Event, ref int) (*packager.Event, error) {
	open := custody.OpenReleases(events)
	for i := range open {
		if open[i].Seq == ref || ref == 0 && len(open) == 1 {
			return &open[i], nil
		}
	}
	switch {
	case ref != 0:
		return nil, usage(fmt.Errorf("--ref %d: no open release", ref), a.text(mHintCustodyShow))
	case len(open) > 1:
		return nil, usage(fmt.Errorf("%d releases are open: --ref N says which", len(open)), a.text(mHintCustodyShow))
	}
	fmt.Fprintln(a.stderr, a.text(mNoRelease))
	return nil, nil
}

// tellReceived says what was found, and what does not fit.
func (a *app) tellReceived(e packager.Event, release *packager.Event) {
	fmt.Fprintln(a.stdout, a.text(mReceived, e.Verdict, countText(e.Object.Bytes), e.Object.SHA256))
	if release == nil {
		return
	}
	released, received := "", ""
	if release.Thing != nil {
		released = release.Thing.SealNo
	}
	if e.Thing != nil {
		received = e.Thing.SealNo
	}
	if released != "" && released != received {
		fmt.Fprintln(a.stderr, a.text(mOtherSeal, escape(released), cmp.Or(escape(received), "–")))
	}
}

// otherBytes says that a file is not the one that the log knows.
func otherBytes(t target, have, want packager.EventObject) error {
	return fmt.Errorf("%s has %d bytes with hash %s; the log knows it with %d bytes, hash %s", t.archive, have.Bytes, have.SHA256, want.Bytes, want.SHA256)
}

// invalidLog ends a command that cannot go on because something contradicts the log.
func invalidLog(err error, hint string) error {
	var e *exitError
	if errors.As(err, &e) {
		return err
	}
	return &exitError{code: packager.Invalid.ExitCode(), err: err, hint: hint}
}
