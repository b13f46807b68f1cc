package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"hozen/packager"
	"hozen/packager/custody"
	"hozen/packager/signed"
)

func (a *app) custodyFormCommand() *cobra.Command {
	var s said
	var fill string
	var template, printed bool
	c := &cobra.Command{
		Use: "form [ARCHIVE|LOG]", Short: a.text(mShortForm), Long: a.text(mLongForm), Args: wantArgs(0, 1),
		Example: "  hozen custody form --template >form.yaml\n  hozen custody form FILE.tar.zst --fill form.yaml --sign-with sato.key\n  hozen custody form FILE.tar.zst --print",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 && template { // before anything is collected
				return custody.Template(a.stdout, custody.Form(nil, nil), a.lang.String())
			}
			if len(args) == 0 {
				return usage(errors.New("ARCHIVE or LOG is needed: only --template goes without"), a.text(mHintForm))
			}
			t, err := targetOf(args[0])
			if err != nil {
				return err
			}
			form, err := a.form(c.Context(), t, s.belief)
			switch {
			case err != nil:
				return err
			case template:
				return custody.Template(a.stdout, form, a.lang.String())
			case fill != "":
				return a.fillForm(t, form, fill, &s)
			case s.json:
				return writeJSON(a.stdout, form)
			case printed || !a.inTerminal:
				a.printForm(a.stdout, form)
				return nil
			}
			return a.askForm(c.Context(), t, form, &s)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.BoolVar(&printed, "print", false, a.text(mFlagFormPrint))
	f.BoolVar(&template, "template", false, a.text(mFlagFormTemplate))
	f.StringVar(&fill, "fill", "", a.text(mFlagFormFill))
	f.StringVar(&s.with, "sign-with", "", a.text(mFlagSignWith))
	f.StringVar(&s.as, "as", "", a.text(mFlagAs))
	f.StringVar(&s.e.Reason, "reason", "", a.text(mFlagFormReason))
	f.StringVar(&s.trust, "trust", "", a.text(mFlagTrust))
	a.lookFlags(c, &s.belief)
	f.BoolVar(&s.json, "json", false, a.text(mFlagJSON))
	c.MarkFlagsMutuallyExclusive("print", "template", "fill")
	return c
}

// form is what is known of the fields: from the archive, where it is there and verifies to
// some point, and from the log.
func (a *app) form(ctx context.Context, t target, b belief) ([]custody.Field, error) {
	_, events, err := t.events()
	if err != nil {
		return nil, invalidLog(err, a.text(mHintLogBroken))
	}
	if t.archive == "" {
		return custody.Form(nil, events), nil
	}
	file, err := a.openArchive(t.archive, b)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	file.only(true)
	var g custody.Gatherer
	r, err := packager.Take(ctx, file, file.size, file.options, &g)
	if err != nil {
		return nil, fail(fmt.Errorf("%s: %w", t.archive, err), "")
	}
	a.tellVerdict(t.archive, r)
	if r.Verdict == packager.ValidOuter { // the tool's fields are in what was not opened
		fmt.Fprintln(a.stderr, a.text(mHint, a.text(mHintFormIdentity)))
	}
	return custody.Form(r, events, g.Facts()...), nil
}

// readAnswers reads a filled form.
func (a *app) readAnswers(name string) (custody.Answers, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fail(err, "")
	}
	defer f.Close()
	answers, err := custody.ParseAnswers(f)
	if err != nil {
		return nil, usage(fmt.Errorf("%s: %w", name, err), a.formHint(err))
	}
	return answers, nil
}

// formHint says how to make a form right.
func (a *app) formHint(err error) string {
	if errors.Is(err, custody.ErrNotUTF8) {
		return a.text(mHintFormUTF8)
	}
	return a.text(mHintForm)
}

func (a *app) fillForm(t target, form []custody.Field, name string, s *said) error {
	answers, err := a.readAnswers(name)
	if err != nil {
		return err
	}
	return a.signForm(t, form, answers, s)
}

// signForm signs answers into the log, and says what is still open.
func (a *app) signForm(t target, form []custody.Field, answers custody.Answers, s *said) error {
	reason := s.e.Reason
	if reason == "" {
		reason = "the form was filled in anew"
	}
	s.e.Reason = ""
	events := answers.Events(form, reason)
	if len(events) == 0 {
		fmt.Fprintln(a.stderr, a.text(mFormNothing))
	}
	for _, d := range answers.Differences(form) {
		fmt.Fprintln(a.stderr, a.text(mFormDiffers, d.Field, escape(d.Said), escape(d.From), escape(d.Known)))
	}
	var by signed.Signer
	var actor string
	if len(events) > 0 { // a passphrase is asked for once, and before anything is signed
		var err error
		if by, actor, err = a.signer(s); err != nil {
			return err
		}
	}
	for _, answered := range events {
		e, err := a.event(s, answered.Event)
		if err != nil {
			return err
		}
		e.Operator, e.Reason, e.Ref, e.Detail = "", answered.Reason, answered.Ref, append(answered.Detail, e.Detail...)
		if _, err := a.recordBy(t, s, e, by, actor); err != nil {
			return err
		}
	}
	var open []string
	for _, f := range form {
		if f.Open && answers[f.ID] == "" {
			open = append(open, f.ID)
		}
	}
	if len(open) > 0 && !s.json {
		fmt.Fprintln(a.stdout, a.text(mFormOpen, len(open), strings.Join(open, " ")))
	}
	return nil
}

// askForm asks for what is open, and what the tool cannot know alone.
func (a *app) askForm(ctx context.Context, t target, form []custody.Field, s *said) error {
	if s.with == "" {
		return usage(errors.New("--sign-with FILE, or --sign-with agent, is needed: who answers signs for it"), a.text(mHintFormPrint))
	}
	k := &talk{a: a, in: a.in, out: a.stderr}
	k.say(mFormBegin)
	answers := custody.Answers{}
	for _, f := range form {
		if !f.Open && f.By != custody.ByBoth {
			continue
		}
		for _, known := range f.Answers {
			if known.Superseded == 0 {
				fmt.Fprintln(k.out, "     = "+plain(known.Say(a.lang.String())))
			}
		}
		text, err := k.ask(ctx, f.ID+" ["+f.By.Say(a.lang.String())+"] "+f.Question(a.lang.String()), "", nil)
		if ctx.Err() != nil { // Ctrl-C is no answer, and no end of them
			return interrupted()
		}
		if errors.Is(err, errNoAnswer) {
			fmt.Fprintln(k.out)
			break // what was said counts
		}
		if err != nil {
			return fail(err, "")
		}
		if text != "" {
			answers[f.ID] = text
		}
	}
	if ctx.Err() != nil {
		return interrupted()
	}
	return a.signForm(t, form, answers, s)
}

// printForm prints the form with what is known, and what is open.
func (a *app) printForm(w io.Writer, form []custody.Field) {
	for _, f := range form {
		fmt.Fprintf(w, "%s  [%s] %s\n", f.ID, f.By.Say(a.lang.String()), f.Question(a.lang.String()))
		for _, answer := range f.Answers {
			text := a.text(mFormAnswer, plain(answer.Say(a.lang.String())), escape(answer.From))
			if answer.Superseded > 0 {
				text = a.text(mFormSuperseded, text, answer.Superseded)
			}
			fmt.Fprintln(w, "      "+text)
		}
		switch {
		case f.Open && f.By == custody.ByTool:
			fmt.Fprintln(w, "      "+a.text(mFormNotHere))
		case f.Open:
			fmt.Fprintln(w, "      "+a.text(mFormBlank))
		case f.Half:
			fmt.Fprintln(w, "      "+a.text(mFormHalf))
		}
	}
}
