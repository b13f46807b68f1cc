package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"hozen/collector"
)

// planFile is data/plan.json: what was going to be taken, in order, before
// anything was.
type planFile struct {
	Schema      string            `json:"schema"` // hozen/plan/1
	Tool        string            `json:"tool"`
	Made        string            `json:"made"`
	Profile     string            `json:"profile"`
	ProfileDoc  string            `json:"profile_doc"`
	Root        string            `json:"root"`
	Live        bool              `json:"live"`
	Elevated    bool              `json:"elevated"`
	TimeLimitMS int64             `json:"time_limit_ms"` // 0: none
	Only        []string          `json:"only"`
	Skip        []string          `json:"skip"`
	Command     []string          `json:"command"`
	EstimateMS  int64             `json:"estimate_ms"`
	EstimateB   int64             `json:"estimate_bytes"`
	Lists       []planList        `json:"ioc,omitempty"`         // indicators to look for
	Definitions []planDefinitions `json:"definitions,omitempty"` // of artefacts, that were brought
	Known       []planKnown       `json:"known,omitempty"`       // hashes that mark files
	Steps       []planStep        `json:"steps"`
}

type planStep struct {
	Collector   string `json:"collector"`
	Doc         string `json:"doc"`
	Volatility  string `json:"volatility"`
	Volatile    bool   `json:"volatile"` // lost at power-off
	TimeLimitMS int64  `json:"time_limit_ms"`
	ByteLimit   int64  `json:"byte_limit"` // of contents; 0: none
	EstimateMS  int64  `json:"estimate_ms"`
	EstimateB   int64  `json:"estimate_bytes"`
	Skip        string `json:"skip,omitempty"` // why it is not run
}

func (a *app) planFileOf(p *collector.Plan, h *collector.Host, o collectOptions) planFile {
	f := planFile{
		Schema: "hozen/plan/1", Tool: a.tool(), Made: stamp(a.now()), Profile: p.Profile, Root: escape(p.Root), Live: h.Live, Elevated: h.Elevated,
		TimeLimitMS: p.TimeLimit.Milliseconds(), Only: list(o.only), Skip: list(o.skip), Command: a.signed(), Steps: []planStep{},
	}
	if profile, err := collector.ProfileNamed(p.Profile); err == nil {
		f.ProfileDoc = profile.Doc
	}
	for _, s := range p.Steps {
		c := s.Collector
		f.Steps = append(f.Steps, planStep{
			Collector: c.Name, Doc: c.Doc, Volatility: c.Volatility.String(), Volatile: c.Volatility.Volatile(),
			TimeLimitMS: c.Limit.Time.Milliseconds(), ByteLimit: c.Limit.Bytes,
			EstimateMS: estimate(s).Milliseconds(), EstimateB: s.Estimate.Bytes, Skip: s.Skip,
		})
		if s.Skip == "" {
			f.EstimateMS += estimate(s).Milliseconds()
			f.EstimateB += s.Estimate.Bytes
		}
	}
	return f
}

func list(in []string) []string { return append([]string{}, in...) }

func estimate(s collector.Step) time.Duration {
	if s.Skip != "" {
		return 0
	}
	return max(s.Estimate.Time, usualStep)
}

func (f planFile) write(w io.Writer) error {
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

func absolute(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}

// showPlan prints the plan for people.
// machineAt is where the files of the examined machine are; those of a running Windows are
// on all its drives.
func (a *app) machineAt(root string) string {
	if a.system == "windows" && (root == "" || root == "/") {
		return a.text(mThisMachine)
	}
	return absolute(root)
}

func (a *app) showPlan(w io.Writer, p *collector.Plan, f planFile, dir string) {
	fmt.Fprintln(w, a.text(mPlanHead, f.Profile, escape(a.machineAt(p.Root)), a.roughly(time.Duration(f.EstimateMS)*time.Millisecond), bytesText(expectedBytes(p))))
	if p.TimeLimit > 0 {
		fmt.Fprintln(w, a.text(mPlanLimit, p.TimeLimit))
	}
	a.showLists(w, f.Lists)
	n := 0
	for _, s := range p.Steps {
		doc := a.docOf(s.Collector)
		if s.Skip != "" {
			fmt.Fprintf(w, "   -  %s %s\n", pad(s.Collector.Name, 10), a.text(mPlanSkipped, a.skipText(s.Skip)))
			continue
		}
		n++
		fmt.Fprintf(w, "  %2d. %s %s\n", n, pad(s.Collector.Name, 10), doc)
	}
	fmt.Fprintln(w, a.text(mPlanOut, escape(absolute(dir))))
}
