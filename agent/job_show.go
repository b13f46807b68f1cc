package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"hozen/packager"
	"hozen/packager/signed"
	"hozen/service/job"
)

func (a *app) jobShowCommand() *cobra.Command {
	var trust string
	var asJSON bool
	c := &cobra.Command{
		Use: "show FILE", Short: a.text(mShortJobShow), Long: a.text(mLongJobShow), Args: wantArgs(1, 1),
		Example: "  hozen job show case-42.job --trust operators",
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := a.readJob(args[0])
			if err != nil {
				return err
			}
			var t *packager.Trust
			if trust != "" {
				if t, err = a.trust(trust); err != nil {
					return err
				}
			}
			return a.jobShown(args[0], s, t, asJSON)
		},
	}
	c.Flags().StringVar(&trust, "trust", "", a.text(mFlagJobTrust))
	c.Flags().BoolVar(&asJSON, "json", false, a.text(mFlagJSON))
	return c
}

// jobReport is `job show --json`.
type jobReport struct {
	File    string      `json:"file"`
	SHA256  string      `json:"sha256"` // of the payload
	Job     job.Job     `json:"job"`
	Powers  []job.Power `json:"powers"`
	Due     int         `json:"due"` // how many must sign where an endpoint does not say otherwise
	Signers []jobSigner `json:"signers"`
	Verdict string      `json:"verdict"` // unsigned, incomplete, signed; with --trust trusted, untrusted; bad
}

// jobSigner is who must sign, and what there is of him.
type jobSigner struct {
	Principal   string `json:"principal"`
	Signed      bool   `json:"signed"`
	Good        bool   `json:"good"` // the signature is by the key, over this job
	Trusted     *bool  `json:"trusted,omitempty"`
	Fingerprint string `json:"fingerprint"`
	Key         string `json:"key"`
	Error       string `json:"error"`
}

// jobReportOf looks at the signatures, and with a trust file at whose they are.
func (a *app) jobReportOf(file string, s *job.Signed, t *packager.Trust) jobReport {
	r := jobReport{File: plain(file), SHA256: s.Sum(), Job: s.Job, Powers: job.Powers(s.Job), Due: jobDue(s.Job)}
	untrusted, bad := false, false
	for i, who := range s.Job.Signers() {
		v := jobSigner{Principal: who, Signed: s.Envelope.Signatures[i] != ""}
		if v.Signed {
			key, err := s.SignedBy(i)
			if err != nil {
				v.Error, bad = err.Error(), true
			} else {
				v.Good, v.Fingerprint, v.Key = true, ssh.FingerprintSHA256(key), signed.PublicText(key)
			}
			bad = bad || slices.ContainsFunc(r.Signers, func(o jobSigner) bool { return v.Key != "" && o.Key == v.Key })
		}
		if t != nil && v.Good {
			err := t.Check(who, v.Key, signed.Job, a.now())
			trusted := err == nil
			v.Trusted = &trusted
			if err != nil {
				v.Error, untrusted = err.Error(), true
			}
		}
		r.Signers = append(r.Signers, v)
	}
	switch missing := len(s.Missing()); {
	case bad:
		r.Verdict = "bad"
	case missing == len(r.Signers):
		r.Verdict = "unsigned"
	case untrusted:
		r.Verdict = "untrusted"
	case missing > 0:
		r.Verdict = "incomplete"
	case t != nil:
		r.Verdict = "trusted"
	default:
		r.Verdict = "signed"
	}
	return r
}

// jobShown prints a job. A signature that is not good, and with a trust file one that is
// missing or not believed, are in the exit code.
func (a *app) jobShown(file string, s *job.Signed, t *packager.Trust, asJSON bool) error {
	r := a.jobReportOf(file, s, t)
	code := exitWhole
	switch {
	case r.Verdict == "bad":
		code = packager.Invalid.ExitCode()
	case t != nil && r.Verdict == "untrusted":
		code = packager.UntrustedSigner.ExitCode()
	case t != nil && r.Verdict != "trusted":
		code = packager.ValidPartial.ExitCode()
	}
	if asJSON {
		if err := writeJSON(a.stdout, r); err != nil {
			return fail(err, "")
		}
		return silent(code)
	}
	a.jobLines(a.stdout, s)
	a.printSigners(a.stdout, file, r, t != nil)
	return silent(code)
}

func (a *app) printSigners(w io.Writer, file string, r jobReport, checked bool) {
	fmt.Fprintln(w, a.text(mJobSignatures, r.Due))
	some := false
	for _, v := range r.Signers {
		state := a.text(mJobNotSigned)
		switch {
		case v.Signed && !v.Good:
			state = a.text(mJobBad, escape(a.sentence(v.Error)))
		case v.Good && v.Trusted == nil:
			state = a.text(mJobGood, v.Fingerprint)
		case v.Good && *v.Trusted:
			state = a.text(mJobTrusted, v.Fingerprint)
		case v.Good:
			state = a.text(mJobUntrusted, v.Fingerprint, escape(a.sentence(v.Error)))
		}
		some = some || v.Signed
		fmt.Fprintf(w, "  %s %s\n", pad(v.Principal, 16), state)
	}
	if len(r.Signers) < r.Due {
		fmt.Fprintln(w, a.text(mJobTooFew, r.Due))
	}
	if !some {
		return
	}
	if !checked {
		fmt.Fprintln(w, a.text(mJobUnchecked))
	}
	name := escape(shellWord(file))
	fmt.Fprintln(w, a.text(mJobByHand))
	fmt.Fprintf(w, "  jq -j .payload %s > job.json\n  jq -j '.signatures[0]' %s > job.sig\n  ssh-keygen -Y verify -f TRUST -I %s -n %s -s job.sig < job.json\n", name, name, r.Signers[0].Principal, signed.Job)
}

// jobRows are the fields of a job that say something, for people: what, then where, when
// and why.
func (a *app) jobRows(j job.Job) (rows [][2]string) {
	add := func(label message, value string) {
		if value != "" {
			rows = append(rows, [2]string{a.text(label), value})
		}
	}
	add(mJobID, j.ID)
	add(mJobAction, a.actionText(j))
	if j.Profile.Name != "" {
		add(mJobProfile, j.Profile.Name+"  (SHA-256 "+j.Profile.SHA256+")")
	}
	for _, row := range a.paramRows(j.Params) {
		add(row.label, row.value)
	}
	if t := j.Targets; t.Group != "" {
		add(mJobTargets, a.text(mJobGroup, t.Group, t.Digest))
	} else {
		add(mJobTargets, strings.Join(t.Devices, ", "))
	}
	add(mJobValid, a.text(mJobValidText, j.NotBefore, j.Expires, j.Issued))
	add(mJobCase, escape(j.Case))
	add(mJobEvidence, escape(j.Evidence))
	add(mJobAuthority, escape(j.Authority))
	add(mJobReason, escape(j.Reason))
	add(mJobRecipients, strings.Join(j.Recipients, ", "))
	add(mJobDestination, j.Destination)
	add(mJobOperator, j.Operator)
	add(mJobApprovals, strings.Join(j.Approvals, ", "))
	var powers []string
	for _, p := range job.Powers(j) {
		powers = append(powers, string(p))
	}
	add(mJobPowers, strings.Join(powers, ", "))
	return rows
}

func (a *app) actionText(j job.Job) string {
	switch j.Action {
	case job.Isolate:
		return "isolate: " + a.text(mJobActIsolate, secondsLong(j.Params.IsolateS))
	case job.Rejoin:
		return "rejoin: " + a.text(mJobActRejoin)
	case job.Cancel:
		return "cancel: " + a.text(mJobActCancel, j.Params.Job)
	}
	return "collect: " + a.text(mJobActCollect)
}

type paramRow struct {
	label message
	value string
}

func (a *app) paramRows(p job.Params) (rows []paramRow) {
	rows = append(rows, paramRow{mJobOnly, strings.Join(p.Only, ", ")}, paramRow{mJobSkip, strings.Join(p.Skip, ", ")})
	for _, f := range []struct {
		label message
		on    bool
		text  message
	}{{mJobRAM, p.RAM, mJobYesRAM}, {mJobSwap, p.Swap, mJobYes}, {mJobIOCMemory, p.IOCMemory, mJobYes}, {mJobIntegrity, p.Integrity, mJobYes}} {
		if f.on {
			rows = append(rows, paramRow{f.label, a.text(f.text)})
		}
	}
	if len(p.Dump) > 0 {
		rows = append(rows, paramRow{mJobDump, strings.Trim(fmt.Sprint(p.Dump), "[]")})
	}
	if p.TimeLimitS > 0 {
		rows = append(rows, paramRow{mJobTimeLimit, secondsLong(p.TimeLimitS)})
	}
	if p.PcapS > 0 {
		rows = append(rows, paramRow{mJobPcap, secondsLong(p.PcapS)})
	}
	rows = append(rows, paramRow{mJobFilter, escape(p.Filter)})
	if n := len(p.IOC); n > 0 {
		shown := slices.Clone(p.IOC[:min(n, shownIndicators)])
		for i := range shown {
			shown[i] = escape(shown[i])
		}
		rows = append(rows, paramRow{mJobIOC, a.text(mJobIOCText, strconv.Itoa(n), strings.Join(shown, " · "))})
	}
	if p.MaxSize > 0 {
		rows = append(rows, paramRow{mJobMaxSize, bytesText(p.MaxSize)})
	}
	if p.IsolateS > 0 {
		rows = append(rows, paramRow{mJobIsolate, secondsLong(p.IsolateS)})
	}
	return rows
}

// shownIndicators is how many indicators of a job are printed; --json has all.
const shownIndicators = 5

func secondsLong(s int64) string { return (time.Duration(s) * time.Second).String() }
