package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hozen/packager"
)

func (a *app) verifyCommand() *cobra.Command {
	var b belief
	var asJSON, code bool
	c := &cobra.Command{
		Use: "verify FILE", Short: a.text(mShortVerify), Long: a.text(mLongVerify), Args: wantArgs(1, 1),
		Example: "  hozen verify pc-42-20261121t090000z-3fa9c1.tar.zst\n  hozen verify --fingerprint SHA256:… --head … FILE\n  hozen verify --trust allowed_signers --json FILE",
		RunE: func(c *cobra.Command, args []string) error {
			return a.verify(c.Context(), args[0], b, asJSON, code)
		},
	}
	a.beliefFlags(c, &b)
	c.Flags().BoolVar(&asJSON, "json", false, a.text(mFlagJSON))
	c.Flags().BoolVar(&code, "qr", false, a.text(mFlagQR))
	return c
}

func (a *app) verify(ctx context.Context, name string, b belief, asJSON, code bool) error {
	file, err := a.openArchive(name, b)
	if err != nil {
		return err
	}
	defer file.Close()
	s := &screen{w: a.stderr, live: a.errTerminal, width: a.width}
	file.options.Progress = a.reading(s)
	r, err := check(ctx, file)
	s.draw("")
	if err != nil {
		return fail(fmt.Errorf("%s: %w", name, err), "")
	}
	if asJSON {
		if err := writeJSON(a.stdout, r); err != nil {
			return fail(err, "")
		}
		return silent(r.Verdict.ExitCode())
	}
	a.printReport(a.stdout, name, file.logName, r)
	if code && r.Head != "" {
		text, err := a.headCode(r.Collection, r.Head)
		if err != nil {
			return fail(err, "")
		}
		fmt.Fprint(a.stdout, "\n"+text)
	}
	return silent(r.Verdict.ExitCode())
}

// reading draws how far a file has been read, at most ten times a second.
func (a *app) reading(s *screen) func(done, total int64) {
	if !s.live {
		return nil
	}
	var last time.Time
	return func(done, total int64) {
		if now := time.Now(); now.Sub(last) > 100*time.Millisecond {
			last = now
			s.draw(a.text(mReading, bytesText(done), bytesText(total)))
		}
	}
}

// printReport prints a verdict for people: the word first, then why, then what
// the archive says of itself, then what that proves.
func (a *app) printReport(w io.Writer, name, logName string, v verified) {
	r := v.Report
	fmt.Fprintf(w, "%s  %s\n", r.Verdict, escape(name))
	fmt.Fprintln(w, a.verdictText(r))
	for _, f := range r.Findings {
		fmt.Fprintln(w, "  ! "+escape(a.sentence(f)))
	}
	for _, n := range r.Notes {
		fmt.Fprintln(w, "  - "+escape(a.sentence(n)))
	}
	if r.Genesis == nil && !seenOutside(r) {
		return
	}
	row := func(label message, value string) {
		if value = strings.TrimSpace(value); value != "" {
			fmt.Fprintf(w, "%s %s\n", pad(a.text(label), a.labels()), plain(value)) // what was escaped when it was signed is not again
		}
	}
	fmt.Fprintln(w)
	g := r.Genesis
	if g == nil {
		g = saidOutside(r)
	}
	row(mRowCollection, r.Collection)
	row(mRowTaken, g.Time.Wall+sealedAt(r)+"  "+g.Tool)
	row(mRowHost, strings.Join(present(g.Host.Name, g.Host.OS, g.Host.Kernel, g.Host.Make, g.Host.Model, g.Host.Serial), ", "))
	row(mRowCase, strings.Join(present(g.Case, g.Evidence), " / "))
	row(mRowOperator, strings.Join(present(g.Operator, g.Place), ", "))
	row(mRowAskedBy, a.askedBy(r.Job))
	if r.Job != nil {
		row(mRowAuthority, r.Job.Authority)
	}
	row(mRowReason, g.Reason)
	row(mRowWitness, strings.Join(g.Witness, ", "))
	for _, e := range described(r) {
		for _, said := range []struct {
			label message
			text  string
		}{{mRowOperator, e.Operator}, {mRowReason, e.Reason}, {mRowWitness, strings.Join(e.Witness, ", ")}} {
			if said.text != "" {
				row(said.label, a.text(mSaidLater, said.text))
			}
		}
	}
	row(mRowSigner, fmt.Sprintf("device:%s %s (%s)", r.Device, r.Fingerprint, a.signerText(r.Axes.Signer)))
	row(mRowCoSigned, a.coSignatures(r))
	row(mRowComplete, a.completeText(r))
	if r.Genesis != nil {
		row(mRowContents, a.text(mContents, a.itemsText(r.Members), bytesText(r.Payload), r.Checkpoint))
	}
	if r.Encrypted || len(g.Recipients) > 0 {
		row(mRowEncrypted, a.sentence(r.Axes.Confidentiality))
	}
	if r.Genesis != nil {
		row(mRowOutcomes, a.outcomesRow(name, v))
	}
	row(mRowNotPlanned, strings.Join(v.NotPlanned, ", "))
	if r.Unauthenticated > 0 {
		row(mRowRest, a.text(mRest, countText(r.AuthenticBytes), countText(r.Unauthenticated)))
	}
	row(mRowLog, strings.Join(present(a.sentence(r.Axes.Custody), logName), ", "))
	row(mRowEvents, strings.Join(a.otherEvents(r), ", "))
	row(mRowTime, a.sentence(r.Axes.Time))
	for _, s := range r.TimeStamps {
		row(mRowStamp, a.stampText(s))
	}
	var anchors []string
	for _, s := range r.Axes.Anchors {
		anchors = append(anchors, a.sentence(s))
	}
	row(mRowAnchors, strings.Join(anchors, ", "))
	row(mHead, r.Head)
	fmt.Fprintln(w)
	a.printProof(w, r)
}

// labels is how wide the names before values are, in columns.
func (a *app) labels() int {
	if a.lang == japanese {
		return 14
	}
	return 12
}

// described are the events in which who took the evidence says who he is and what
// happened: as signed by the collection's own device, in a log that contradicts nothing.
func described(r *packager.Report) (list []packager.Event) {
	if r.Verdict == packager.Invalid {
		return nil
	}
	for _, e := range r.Events {
		if e.Event == eventDescribed && r.Genesis != nil && e.Key == r.Genesis.DeviceKey {
			list = append(list, e)
		}
	}
	return list
}

// shownEvents is how many events people are told of.
const shownEvents = 8

// otherEvents names what happened to an archive or its machine beside the taking of it.
func (a *app) otherEvents(r *packager.Report) (list []string) {
	more := 0
	for _, e := range r.Events {
		switch e.Event {
		case "started", "checkpoint", "sealed", "attached", eventDescribed:
			continue
		}
		if len(list) < shownEvents {
			list = append(list, a.eventWord(e.Event)+" "+e.Time.Wall)
		} else {
			more++
		}
	}
	if more > 0 {
		list = append(list, a.text(mMoreEvents, more))
	}
	return list
}

// askedBy says who signed the job that started a collection; "" if none did.
func (a *app) askedBy(j *packager.AskedBy) string {
	if j == nil {
		return ""
	}
	people := j.Operator
	if len(j.Approvals) > 0 {
		people = a.text(mApprovedBy, people, strings.Join(j.Approvals, ", "))
	}
	return a.text(mAskedBy, people, j.Job)
}

// printProof says what the verdict proves, and no more than it does: of the whole
// file only under VALID; nothing where something contradicts, or nothing was seen.
func (a *app) printProof(w io.Writer, r *packager.Report) {
	switch {
	case r.Verdict == packager.Valid:
		fmt.Fprintln(w, a.text(mMeaning))
	case r.Verdict == packager.ValidOuter:
		fmt.Fprintln(w, a.text(mMeaningOuter))
	case r.Verdict == packager.ValidPartial:
		fmt.Fprintln(w, a.text(mMeaningPartial, r.Checkpoint))
	case otherUntrusted(r):
		fmt.Fprintln(w, a.meaningOfBytes(r))
		fmt.Fprintln(w, a.text(mMeaningNotBelieved))
	case r.Verdict == packager.UntrustedSigner && r.Seal == nil:
		fmt.Fprintln(w, a.text(mMeaningUntrustedPartial, r.Checkpoint))
	case r.Verdict == packager.UntrustedSigner:
		fmt.Fprintln(w, a.text(mMeaningUntrusted))
	default:
		return
	}
	if len(r.Axes.Anchors) == 0 {
		fmt.Fprintln(w, a.text(mNoAnchor))
	}
}

// meaningOfBytes says what the device's own signatures show, whoever else is not believed.
func (a *app) meaningOfBytes(r *packager.Report) string {
	switch {
	case sealedAndSeen(r):
		return a.text(mMeaningDevice)
	case r.Encrypted && r.Genesis == nil:
		return a.text(mMeaningOuter)
	}
	return a.text(mMeaningPartial, r.Checkpoint)
}

// sealedAndSeen says whether all of an archive is there, and was read.
func sealedAndSeen(r *packager.Report) bool { return r.Seal != nil && r.Genesis != nil }

func sealedAt(r *packager.Report) string {
	if r.Seal == nil {
		return ""
	}
	return " – " + r.Seal.Time.Wall
}

func (a *app) completeText(r *packager.Report) string {
	switch {
	case r.Seal == nil && r.Sealed:
		return a.text(mSealedAll)
	case r.Seal == nil && r.Checkpoint > 0:
		return a.text(mInterrupted, r.Checkpoint)
	case r.Seal == nil:
		return a.sentence(r.Axes.Completeness)
	case strings.HasPrefix(r.Seal.Status, stoppedPrefix):
		return a.text(mSealedEarly, strings.TrimPrefix(r.Seal.Status, stoppedPrefix))
	}
	return a.text(mSealedAll)
}

// stoppedPrefix begins the status of a seal whose collection ended before its plan did.
const stoppedPrefix = "stopped:"

func (a *app) signerText(axis string) string {
	m, ok := map[string]message{"trusted": mSignerTrusted, "trusted by fingerprint": mSignerPaper, "untrusted": mSignerUntrusted}[axis]
	if !ok {
		return a.sentence(axis)
	}
	return a.text(m)
}

// Not inlined, for the size of the program.
//
//go:noinline
func present(in ...string) (out []string) {
	for _, s := range in {
		if strings.TrimSpace(s) != "" {
			out = append(out, s)
		}
	}
	return out
}

// otherUntrusted says that it is not the device whom the auditor does not believe, but
// somebody else who signed: an event of the log, the seal, the job.
func otherUntrusted(r *packager.Report) bool {
	return r.Verdict == packager.UntrustedSigner && strings.HasPrefix(r.Axes.Signer, "trusted")
}

// verdictText says in one line what a verdict means.
func (a *app) verdictText(r *packager.Report) string {
	v := r.Verdict
	switch {
	case otherUntrusted(r) && sealedAndSeen(r):
		return a.text(mVerdictUntrustedOther)
	case otherUntrusted(r):
		return a.text(mVerdictNotBelieved)
	}
	m, ok := map[packager.Verdict]message{
		packager.Valid: mVerdictValid, packager.Invalid: mVerdictInvalid, packager.ValidPartial: mVerdictPartial,
		packager.UntrustedSigner: mVerdictUntrusted, packager.ValidOuter: mVerdictOuter, packager.NotEvidence: mVerdictNotEvidence,
	}[v]
	if !ok {
		return string(v)
	}
	return a.text(m)
}
