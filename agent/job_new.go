package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hozen/collector"
	"hozen/collector/memory/ioc"
	"hozen/collector/packet"
	"hozen/service/job"
)

// jobOptions are the flags of job new.
type jobOptions struct {
	action, profile, profileHash string
	targets                      []string
	group                        string
	limit, pcap, isolate         time.Duration
	ioc                          string
	recipients                   []string
	notBefore, expires           string
	params                       job.Params
	job                          job.Job // what goes there as it is
	json                         bool
}

// lifetime is how long a job is valid if nothing else is said.
const lifetime = 24 * time.Hour

func (a *app) jobNewCommand() *cobra.Command {
	var o jobOptions
	c := &cobra.Command{
		Use: "new FILE", Short: a.text(mShortJobNew), Long: a.text(mLongJobNew), Args: wantArgs(1, 1),
		Example: "  hozen job new case-42.job --target pc-42 --profile volatile --operator alice --case 2026-042 --reason \"beacon seen\"\n" +
			"  hozen job new ram.job --target pc-42 --ram --operator alice --approval bob --authority \"order 17\"\n" +
			"  hozen job new cut.job --action isolate --isolate 8h --target pc-42 --operator alice --approval bob",
		RunE: func(_ *cobra.Command, args []string) error { return a.jobNew(args[0], o) },
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&o.action, "action", job.Collect, a.text(mFlagJobAction))
	f.StringSliceVar(&o.targets, "target", nil, a.text(mFlagJobTarget))
	f.StringVar(&o.group, "group", "", a.text(mFlagJobGroup))
	f.StringVar(&o.profile, "profile", "standard", a.text(mFlagProfile))
	f.StringVar(&o.profileHash, "profile-hash", "", a.text(mFlagJobProfileHash))
	f.StringSliceVar(&o.params.Only, "only", nil, a.text(mFlagOnly))
	f.StringSliceVar(&o.params.Skip, "skip", nil, a.text(mFlagSkip))
	f.Func("time-limit", a.text(mFlagLimit), durationInto(&o.limit))
	f.BoolVar(&o.params.RAM, "ram", false, a.text(mFlagRAM))
	f.BoolVar(&o.params.Swap, "swap", false, a.text(mFlagSwap))
	f.IntSliceVar(&o.params.Dump, "dump", nil, a.text(mFlagDump))
	f.Func("pcap", a.text(mFlagPcap), durationInto(&o.pcap))
	f.StringVar(&o.params.Filter, "filter", "", a.text(mFlagFilter))
	f.StringVar(&o.ioc, "ioc", "", a.text(mFlagJobIOC))
	f.BoolVar(&o.params.IOCMemory, "ioc-memory", false, a.text(mFlagIOCMemory))
	f.BoolVar(&o.params.Integrity, "integrity", false, a.text(mFlagIntegrity))
	f.Func("max-size", a.text(mFlagMaxSize), sizeInto(&o.params.MaxSize))
	f.Func("isolate", a.text(mFlagJobIsolate), durationInto(&o.isolate))
	f.StringVar(&o.params.Job, "job", "", a.text(mFlagJobJob))
	f.StringVar(&o.notBefore, "not-before", "", a.text(mFlagJobNotBefore))
	f.StringVar(&o.expires, "expires", "", a.text(mFlagJobExpires))
	f.StringArrayVar(&o.recipients, "recipient", nil, a.text(mFlagJobRecipient))
	f.StringVar(&o.job.Destination, "destination", "", a.text(mFlagJobDestination))
	f.StringVar(&o.job.Case, "case", "", a.text(mFlagCase))
	f.StringVar(&o.job.Evidence, "evidence", "", a.text(mFlagEvidence))
	f.StringVar(&o.job.Authority, "authority", "", a.text(mFlagJobAuthority))
	f.StringVar(&o.job.Reason, "reason", "", a.text(mFlagReason))
	f.StringVar(&o.job.Operator, "operator", "", a.text(mFlagJobOperator))
	f.StringSliceVar(&o.job.Approvals, "approval", nil, a.text(mFlagJobApproval))
	f.BoolVar(&o.json, "json", false, a.text(mFlagJSON))
	return c
}

func (a *app) jobNew(file string, o jobOptions) error {
	j, err := a.jobOf(o)
	if err != nil {
		return usage(err, a.text(mHintCommandHelp, "hozen job new"))
	}
	s, err := job.New(j)
	if err != nil {
		return usage(err, a.text(mHintCommandHelp, "hozen job new"))
	}
	b, err := s.Envelope.Encode()
	if err != nil {
		return fail(err, "")
	}
	if err := writeNewFile(file, b); err != nil {
		return fail(err, "")
	}
	if o.json {
		return a.jobShown(file, s, nil, true)
	}
	fmt.Fprintln(a.stdout, a.text(mJobMade, escape(file), j.ID))
	a.jobLines(a.stdout, s)
	if due := jobDue(j); due > len(j.Signers()) {
		fmt.Fprintln(a.stdout, a.text(mJobTooFew, due))
	}
	fmt.Fprintln(a.stdout, a.text(mJobNext, "hozen job sign "+escape(shellWord(file))+" --key KEY --as "+j.Operator))
	return nil
}

// jobDue is how many people must sign a job where an endpoint's configuration does not
// say otherwise.
func jobDue(j job.Job) int {
	due := 1
	for _, p := range job.Powers(j) {
		due = max(due, job.DefaultSigners(p))
	}
	return due
}

// jobOf makes the job of the flags.
func (a *app) jobOf(o jobOptions) (job.Job, error) {
	now := a.now()
	j := o.job
	j.Type, j.Action, j.Params = job.Type, o.action, o.params
	j.Params.TimeLimitS, j.Params.PcapS, j.Params.IsolateS = seconds(o.limit), seconds(o.pcap), seconds(o.isolate)
	var err error
	if j.ID, err = job.NewID(now, a.random); err != nil {
		return j, err
	}
	if j.Nonce, err = job.NewNonce(a.random); err != nil {
		return j, err
	}
	j.Issued = job.Time(now)
	from, err := momentAt("--not-before", o.notBefore, now, now)
	if err != nil {
		return j, err
	}
	until, err := momentAt("--expires", o.expires, now, from.Add(lifetime))
	if err != nil {
		return j, err
	}
	j.NotBefore, j.Expires = job.Time(from), job.Time(until)
	if j.Targets, err = jobTargets(o.targets, o.group); err != nil {
		return j, err
	}
	if j.Operator == "" {
		return j, errors.New("--operator NAME is needed: who asks, and signs first")
	}
	if j.Action != job.Collect {
		j.Recipients = o.recipients // refused with all else that only a collection can have
		return j, nil
	}
	return j, a.jobCollection(&j, o)
}

// jobCollection checks what of a collection only this program can check.
func (a *app) jobCollection(j *job.Job, o jobOptions) error {
	profile, err := collector.ProfileNamed(o.profile)
	if err != nil {
		return err
	}
	j.Profile = job.Profile{Name: o.profile, SHA256: o.profileHash}
	if o.profileHash == "" {
		if j.Profile.SHA256, err = a.profileHash(o.profile); err != nil {
			return err
		}
	}
	all := a.collectors(request{})
	for _, name := range slices.Concat(j.Params.Only, j.Params.Skip) {
		if !slices.ContainsFunc(all, func(c collector.Collector) bool { return c.Name == name }) {
			return fmt.Errorf("collector %q: there is none of this name", name)
		}
	}
	if j.Params.Filter != "" {
		if err := packet.CheckFilter(j.Params.Filter); err != nil {
			return fmt.Errorf("--filter: %w", err)
		}
		if j.Params.PcapS == 0 && !profile.Everything && !slices.Contains(j.Params.Only, "packets") {
			return errors.New("--filter: without --pcap")
		}
	}
	for _, text := range o.recipients {
		some, err := recipientsOf(text, encryptPolicy{})
		if err != nil {
			return fmt.Errorf("--recipient: %w", err)
		}
		j.Recipients = append(j.Recipients, some...)
	}
	if o.ioc != "" {
		j.Params.IOC, err = jobIndicators(o.ioc)
	}
	return err
}

// seconds are whole ones; a part of one counts as one.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// momentAt reads a time: RFC 3339, or how long from now.
func momentAt(flag, s string, now, otherwise time.Time) (time.Time, error) {
	if s == "" {
		return otherwise, nil
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(d), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("%s %q: want a time such as 2026-11-22T09:00:00Z, or how long from now, such as 24h", flag, s)
	}
	return t, nil
}

// jobTargets are devices, or the group of a file: its name without the ending is the
// group's, its lines are the members.
func jobTargets(devices []string, file string) (job.Targets, error) {
	t := job.Targets{Devices: devices}
	if file == "" {
		return t, nil
	}
	raw, err := readList(file)
	if err != nil {
		return t, fmt.Errorf("--group %s: %w", file, err)
	}
	members := listLines(raw)
	if len(members) == 0 {
		return t, fmt.Errorf("--group %s: no device in it", file)
	}
	t.Group = strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	t.Digest = job.GroupDigest(members)
	return t, nil
}

// jobIndicators are the lines of a list, all of which must be understood: who gets the
// job cannot be asked what was meant.
func jobIndicators(file string) ([]string, error) {
	raw, err := readList(file)
	if err != nil {
		return nil, fmt.Errorf("--ioc %s: %w", file, err)
	}
	lines := listLines(raw)
	l, err := ioc.Parse(file, []byte(strings.Join(lines, "\n")+"\n"), 0)
	if err != nil {
		return nil, fmt.Errorf("--ioc %w", err)
	}
	if len(l.Bad) > 0 {
		return nil, fmt.Errorf("--ioc %s: %q: %s", file, lines[l.Bad[0].Line-1], l.Bad[0].Reason)
	}
	return lines, nil
}

// listLines are the lines of a file but empty ones and those that begin with #.
func listLines(raw []byte) (lines []string) {
	for line := range bytes.Lines(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))) {
		line = bytes.TrimRight(line, "\r\n")
		if text := bytes.TrimSpace(line); len(text) > 0 && text[0] != '#' {
			lines = append(lines, string(line))
		}
	}
	return lines
}

// jobLines prints what a job asks for, for people, and the hash of what is signed: it is to
// be the one that the console, or whoever made the job, has told.
func (a *app) jobLines(w io.Writer, s *job.Signed) {
	for _, row := range a.jobRows(s.Job) {
		fmt.Fprintf(w, "  %s %s\n", pad(row[0], 16), row[1])
	}
	fmt.Fprintf(w, "  %s %s\n", pad(a.text(mJobSum), 16), s.Sum())
}
