package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"hozen/packager"
	"hozen/packager/custody"
)

// shownLog is the JSON of custody show.
type shownLog struct {
	Log        string           `json:"log"`
	Collection string           `json:"collection"`
	Events     []packager.Event `json:"events"`
	Gaps       []packager.Gap   `json:"gaps"`
	Form       []custody.Field  `json:"form"`
	LogAlone   bool             `json:"form_by_log_alone,omitempty"` // the archive was not there to fill it
	Error      string           `json:"error,omitempty"`
}

func (a *app) custodyShowCommand() *cobra.Command {
	var all, asJSON bool
	var b belief
	c := &cobra.Command{
		Use: "show ARCHIVE|LOG", Short: a.text(mShortCustodyShow), Long: a.text(mLongCustodyShow), Args: wantArgs(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.custodyShow(c.Context(), args[0], b, all, asJSON)
		},
	}
	c.Flags().BoolVar(&all, "all", false, a.text(mFlagCustodyAll))
	c.Flags().BoolVar(&asJSON, "json", false, a.text(mFlagJSON))
	c.Flags().StringVar(&b.log, "log", "", a.text(mFlagEventLog))
	c.Flags().StringVar(&b.trust, "trust", "", a.text(mFlagTrust))
	a.lookFlags(c, &b)
	return c
}

// custodyShow prints what stands in a log. Whose the signatures are is for custody verify.
func (a *app) custodyShow(ctx context.Context, name string, b belief, all, asJSON bool) error {
	t, err := a.target(name, b.log)
	if err != nil {
		return err
	}
	_, events, err := t.events()
	var e *exitError
	if errors.As(err, &e) {
		return err
	}
	s := shownLog{Log: t.log, Collection: t.id, Events: append([]packager.Event{}, events...),
		Gaps: append([]packager.Gap{}, packager.Gaps(events)...), Form: custody.Form(nil, events)}
	if err != nil {
		s.Error = err.Error()
	}
	if st, no := os.Stat(t.archive); err == nil && no == nil && st.Mode().IsRegular() {
		if s.Form, err = a.form(ctx, t, b); err != nil {
			return err
		}
	} else {
		s.LogAlone = true
	}
	if asJSON {
		if err := writeJSON(a.stdout, s); err != nil {
			return fail(err, "")
		}
	} else {
		a.printLog(a.stdout, s, all)
	}
	if err != nil {
		return invalidLog(fmt.Errorf("%s: %w", t.log, err), a.text(mHintLogBroken))
	}
	return nil
}

// printLog prints a log as a table, a line for each event and one for what it says.
func (a *app) printLog(w io.Writer, s shownLog, all bool) {
	fmt.Fprintln(w, a.text(mLogOf, escape(s.Collection)))
	hidden := 0
	for i := range s.Events {
		e := &s.Events[i]
		if !all && slices.Contains([]string{"checkpoint", "attached"}, e.Event) {
			hidden++
			continue
		}
		fmt.Fprintf(w, "%5d  %s  %s  %s\n", e.Seq, pad(escape(toTheSecond(e.Time.Wall)), 20), pad(a.eventWord(e.Event), 24), escape(e.Actor))
		for _, l := range a.eventLines(e, s.Events) {
			fmt.Fprintln(w, "       "+l)
		}
	}
	if hidden > 0 {
		fmt.Fprintln(w, a.text(mLogHidden, hidden))
	}
	a.printGaps(w, s.Gaps)
	var open []string
	for _, f := range s.Form {
		if f.Open {
			open = append(open, f.ID)
		}
	}
	m := mFormOpen
	if s.LogAlone {
		m = mFormOpenLog
	}
	if len(open) > 0 {
		fmt.Fprintln(w, a.text(m, len(open), strings.Join(open, " ")))
	}
}

// toTheSecond leaves out the fraction of a second; what is no time is shown as it is.
func toTheSecond(wall string) string {
	if head, _, ok := strings.Cut(wall, "."); ok && strings.HasSuffix(wall, "Z") {
		return head + "Z"
	}
	return wall
}

func (a *app) printGaps(w io.Writer, gaps []packager.Gap) {
	for _, g := range gaps {
		m := map[string]message{packager.GradeGap: mGapGap, packager.GradeOpen: mGapOpen, packager.GradeNote: mGapNote}[g.Grade]
		fmt.Fprintln(w, a.text(m, g.Seq, a.eventWord(g.Event), escape(a.sentence(g.Text))))
	}
}

// eventLines is what an event says, each ready to be shown.
func (a *app) eventLines(e *packager.Event, all []packager.Event) (lines []string) {
	row := func(m message, value string) {
		if value != "" {
			lines = append(lines, pad(a.text(m), 12)+" "+plain(value))
		}
	}
	row(mSaidCounterpart, e.Counterpart)
	row(mSaidPlace, e.Place)
	row(mSaidReason, e.Reason)
	row(mRowAuthority, e.Authority)
	row(mRowOperator, e.Operator)
	row(mRowWitness, strings.Join(e.Witness, ", "))
	row(mRowCase, strings.Join(present(e.Case, e.Evidence), " / "))
	if t := e.Thing; t != nil {
		row(mSaidThing, strings.Join(present(t.Description, t.Make, t.Model, t.Serial, t.Asset, t.PowerState), ", "))
		row(mSaidSealNo, t.SealNo)
	}
	var refs []string
	for _, n := range e.Ref {
		refs = append(refs, strconv.Itoa(n))
	}
	row(mSaidRef, strings.Join(refs, ", "))
	row(mSaidChanges, e.Changes)
	row(mSaidVerdict, e.Verdict)
	if o := e.Object; o.SHA256 != "" && slices.Contains([]string{"sealed", "recovered", "released", "received", "verified", "reencrypted"}, e.Event) {
		row(mSaidObject, fmt.Sprintf("%s, %s, %s", o.Name, countText(o.Bytes), o.SHA256))
	}
	for _, s := range e.Time.Sources {
		row(mSaidClock, custody.ClockText(s, e.Time.MaxErrorMS)[a.lang])
	}
	for _, f := range e.Attach {
		row(mSaidAttach, f.Path+" "+f.SHA256)
	}
	return append(lines, a.detailLines(e, all)...)
}

// shownDetail is how much of a detail is shown, in bytes.
const shownDetail = 300

func (a *app) detailLines(e *packager.Event, all []packager.Event) (lines []string) {
	if slices.Contains([]string{"started", "checkpoint", "sealed", "attached", "receipt", "countersigned", "timestamped"}, e.Event) {
		return nil
	}
	for _, d := range e.Detail {
		name, value := d.Name, d.Value
		if whole, long := strings.CutSuffix(name, "_sha256"); long && e.Fact(whole+"_pieces") != "" {
			name = whole
			if text, err := packager.DetailText(all, e, whole); err == nil {
				value = text
			}
		} else if strings.HasSuffix(name, "_pieces") || strings.HasSuffix(name, "_bytes") {
			continue
		}
		if len(value) > shownDetail {
			value = strings.ToValidUTF8(value[:shownDetail], "") + " …"
		}
		lines = append(lines, pad(escape(name), 12)+" "+plain(value))
	}
	return lines
}
