package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hozen/collector"
	"hozen/collector/volatile"
	"hozen/packager/evidence"
)

// diagnosis is what doctor found: what this host allows, before one collects.
type diagnosis struct {
	Tool         string         `json:"tool"`
	Host         string         `json:"host"`
	OS           string         `json:"os"`
	Kernel       string         `json:"kernel"`
	UID          int            `json:"uid"` // effective; -1 where there is none
	Elevated     bool           `json:"elevated"`
	Cgo          bool           `json:"built_with_cgo"` // libraries of this machine are in the program
	Capabilities []capability   `json:"capabilities"`
	Output       outputPlace    `json:"output"`
	Unlocked     []unlocked     `json:"unlocked_disks"`
	UnlockedNote string         `json:"unlocked_note,omitempty"` // what hid some of them
	Sources      []sourceResult `json:"sources"`
	Denied       int            `json:"denied"`
	EstimateMS   int64          `json:"estimate_ms"`
	EstimateB    int64          `json:"estimate_bytes"` // before compression
	Exit         int            `json:"exit"`
}

type outputPlace struct {
	Dir        string `json:"dir"`
	Mount      string `json:"mount"`
	Source     string `json:"source"`
	FileSystem string `json:"file_system"`
	Disk       string `json:"disk"`
	FreeBytes  uint64 `json:"free_bytes"`
	roomKnown  bool
	OnExamined bool     `json:"on_examined_host"`
	InMemory   bool     `json:"in_memory"`
	Warnings   []string `json:"warnings"`
	Error      string   `json:"error,omitempty"` // why nothing can be written there
}

type unlocked struct {
	Name   string   `json:"name"`
	Kind   string   `json:"kind"`
	Mounts []string `json:"mounts"`
	Sure   bool     `json:"sure"`
}

type sourceResult struct {
	Collector string `json:"collector"`
	Source    string `json:"source"`
	Outcome   string `json:"outcome"` // collected: it can be read
	Note      string `json:"note,omitempty"`
}

func (a *app) doctorCommand() *cobra.Command {
	var out string
	var asJSON, self bool
	c := &cobra.Command{
		Use: "doctor", Short: a.text(mShortDoctor), Long: a.text(mLongDoctor), Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if self {
				return a.selfTest(c.Context(), out)
			}
			return a.doctor(c.Context(), out, asJSON)
		},
	}
	c.Flags().StringVar(&out, "out", ".", a.text(mFlagOut))
	c.Flags().BoolVar(&asJSON, "json", false, a.text(mFlagJSON))
	c.Flags().BoolVar(&self, "self-test", false, a.text(mFlagSelfTest))
	return c
}

func (a *app) doctor(ctx context.Context, out string, asJSON bool) error {
	d, disks, err := a.diagnose(ctx, out)
	if err != nil {
		return err
	}
	if asJSON {
		if err := writeJSON(a.stdout, d); err != nil {
			return fail(err, "")
		}
		return silent(d.Exit)
	}
	a.printDiagnosis(a.stdout, d, disks)
	return silent(d.Exit)
}

// usualPlan is what collect would do without flags.
func (a *app) usualPlan(h *collector.Host) (*collector.Plan, error) {
	o := collectOptions{profile: "standard"}
	set, err := o.disk.definitionSet()
	if err != nil {
		return nil, err
	}
	want := o.request(a.args)
	if want.disk, err = a.artefacts(&o, set); err != nil {
		return nil, err
	}
	return collector.NewPlan(a.collectors(want), collector.Choice{Profile: o.profile}, h)
}

func (a *app) diagnose(ctx context.Context, out string) (diagnosis, []volatile.UnlockedDisk, error) {
	h := a.host("/")
	plan, err := a.usualPlan(h)
	if err != nil {
		return diagnosis{}, nil, fail(err, "")
	}
	id := hostID(volatile.ReadIdentity(h))
	d := diagnosis{
		Tool: a.tool(), Host: id.Name, OS: id.OS, Kernel: id.Kernel, UID: os.Geteuid(), Elevated: h.Elevated, Cgo: a.cgo(),
		Capabilities: capabilitiesOf(h), Unlocked: []unlocked{}, EstimateB: expectedBytes(plan),
	}
	for _, s := range plan.Running() {
		d.EstimateMS += estimate(s).Milliseconds()
	}
	disks, err := volatile.UnlockedDisks(h)
	if err != nil {
		d.UnlockedNote = escape(err.Error())
	}
	for _, u := range disks {
		d.Unlocked = append(d.Unlocked, unlocked{escape(u.Name), escape(u.Kind), plainAll(u.Mounts, maxListed), u.Sure})
	}
	d.Output = a.lookAtOutput(h, out, d.EstimateB)
	for _, p := range doctorProbes() {
		r := p.result(ctx, h)
		if planned(plan, p.collector) && (r.Outcome == evidence.Denied.String() || r.Outcome == evidence.Failed.String()) {
			d.Denied++
		}
		d.Sources = append(d.Sources, r)
	}
	if d.Denied > 0 || d.Output.Error != "" {
		d.Exit = exitShort
	}
	return d, disks, nil
}

// planned says whether a collector is run without being asked for.
func planned(p *collector.Plan, name string) bool {
	return slices.ContainsFunc(p.Running(), func(s collector.Step) bool { return s.Collector.Name == name })
}

func (a *app) lookAtOutput(h *collector.Host, dir string, need int64) outputPlace {
	p, err := volatile.OutputDisk(h, dir)
	o := outputPlace{roomKnown: roomKnown(p, err),
		Dir: escape(dir), Mount: escape(p.Mount), Source: escape(p.Source), FileSystem: escape(p.FileSystem), Disk: escape(p.Disk),
		FreeBytes: p.FreeBytes, OnExamined: p.OnExamined, InMemory: p.InMemory, Warnings: []string{},
	}
	for _, w := range a.outputWarnings(p, roomKnown(p, err), need) {
		o.Warnings = append(o.Warnings, w.Text)
	}
	if writeErr := writable(dir); writeErr != nil {
		o.Error = escape(writeErr.Error())
	} else if err != nil && p.Mount == "" {
		o.Warnings = append(o.Warnings, escape(err.Error()))
	}
	return o
}

// errNotFolder says that the output is no directory.
var errNotFolder = errors.New("not a folder")

func (a *app) printDiagnosis(w io.Writer, d diagnosis, disks []volatile.UnlockedDisk) {
	say := func(m message, args ...any) { fmt.Fprintln(w, a.text(m, args...)) }
	row := func(label message, value string) { fmt.Fprintf(w, "%s %s\n", pad(a.text(label), 12), value) }
	row(mRowHost, strings.Join(present(d.Host, d.OS, d.Kernel), ", "))
	row(mRowRights, a.rightsText(d))
	row(mRowOutput, a.outputText(d.Output))
	row(mRowPlan, a.text(mEstimate, a.roughly(time.Duration(d.EstimateMS)*time.Millisecond), bytesText(d.EstimateB)))
	if d.Cgo {
		say(mWarning, a.text(mWarnCgo))
	}
	for _, u := range disks {
		say(mWarning, a.unlockedText(u))
	}
	switch {
	case d.UnlockedNote != "":
		say(mWarning, a.text(mWarnDisksUnknown, a.sentence(d.UnlockedNote)))
	case len(disks) == 0:
		row(mRowDisks, a.text(mNoUnlocked))
	}
	for _, text := range d.Output.Warnings {
		say(mWarning, text)
	}
	fmt.Fprintln(w)
	for _, s := range d.Sources {
		note := ""
		if s.Outcome != evidence.Absent.String() && s.Note != "" {
			note = "  — " + a.sentence(s.Note)
		}
		fmt.Fprintf(w, "%s %s %s%s\n", pad(a.sourceText(s.Outcome), 9), pad(s.Collector, 10), s.Source, note)
	}
	fmt.Fprintln(w)
	switch {
	case d.Output.Error != "":
		say(mDoctorNoOutput, d.Output.Dir, a.sentence(d.Output.Error))
	case d.Denied == 0:
		say(mDoctorFine)
	case d.Elevated:
		say(mDoctorDeniedRoot, d.Denied)
	default:
		say(mDoctorDenied, d.Denied)
	}
}

func (a *app) sourceText(outcome string) string {
	if outcome == evidence.Collected.String() {
		return a.text(mReadable)
	}
	return a.outcomeText(outcome)
}

func (a *app) rightsText(d diagnosis) string {
	text := a.text(mNotRoot, d.UID)
	if d.Elevated {
		text = a.text(mRoot)
	}
	var missing []string
	for _, c := range d.Capabilities {
		if !c.Held {
			missing = append(missing, c.Name)
		}
	}
	if len(missing) > 0 {
		text += a.text(mMissing, strings.Join(missing, ", "))
	}
	return text
}

func (a *app) outputText(o outputPlace) string {
	text := strings.Join(present(o.Dir, o.Mount, o.FileSystem, o.Disk), ", ")
	if o.roomKnown {
		text += a.text(mFree, bytesText(int64(min(o.FreeBytes, 1<<62))))
	}
	return text
}
