package collector

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"hozen/packager/evidence/sorting"
)

// A Step is one collector in a plan.
type Step struct {
	Collector Collector
	Estimate  Estimate
	Skip      string // why the step is not run; empty if it is
}

// A Plan is the ordered steps and the reasons for what is skipped. It is the
// first thing in the archive.
type Plan struct {
	Profile   string
	Root      string
	TimeLimit time.Duration // of the whole collection; 0 if unbounded
	Steps     []Step
}

// Choice is what the responder asked for.
type Choice struct {
	Profile    string
	Only, Skip []string // names of collectors; Only empty means all
	Asked      []string // flags of collect that were given ("--ram"), for collectors that want one
	TimeLimit  time.Duration
}

// NewPlan orders the collectors by volatility (keeping the given order within a
// class), and decides for each whether it is run on h. Unknown names in the
// choice are an error that lists the known ones.
func NewPlan(all []Collector, c Choice, h *Host) (*Plan, error) {
	profile, err := ProfileNamed(c.Profile)
	if err != nil {
		return nil, err
	}
	if err := known(all, c.Only, c.Skip); err != nil {
		return nil, err
	}
	p := &Plan{Profile: profile.Name, Root: h.Root, TimeLimit: c.TimeLimit}
	for _, col := range all {
		s := Step{Collector: col, Skip: whyNot(col, profile, c, h)}
		if s.Skip == "" && col.Estimate != nil {
			s.Estimate = col.Estimate(h)
		}
		p.Steps = append(p.Steps, s)
	}
	sorting.By(p.Steps, func(a, b Step) int {
		return cmp.Compare(a.Collector.Volatility, b.Collector.Volatility)
	})
	return p, nil
}

func known(all []Collector, lists ...[]string) error {
	var names []string
	for _, c := range all {
		names = append(names, c.Name)
	}
	for _, list := range lists {
		for _, n := range list {
			if !slices.Contains(names, n) {
				return fmt.Errorf("collector %q: not one of %s", n, strings.Join(names, ", "))
			}
		}
	}
	return nil
}

const onlyWith = "only with "

// NotAsked says that the step is not run because nobody asked for it: no gap in
// what was chosen.
func (s Step) NotAsked() bool { return s.Collector.Asked != "" && s.Skip == onlyWith+s.Collector.Asked }

func whyNot(col Collector, p Profile, c Choice, h *Host) string {
	switch {
	case slices.Contains(c.Skip, col.Name):
		return "left out by --skip"
	case col.Asked != "" && !p.Everything && !slices.Contains(c.Asked, col.Asked) && !slices.Contains(c.Only, col.Name):
		return onlyWith + col.Asked
	case len(c.Only) > 0 && !slices.Contains(c.Only, col.Name):
		return "not in --only"
	case col.Volatility > p.Last && (col.Asked == "" || !slices.Contains(c.Asked, col.Asked)):
		return "not in profile " + p.Name
	case col.Needs&LiveHost != 0 && !h.Live:
		return ErrNotLive.Error()
	case col.Needs&Privilege != 0 && !h.Elevated:
		return "needs root or an elevated administrator"
	}
	return ""
}

// Running gives the steps that are run.
// Not inlined, for the size of the program.
//
//go:noinline
func (p *Plan) Running() []Step {
	var out []Step
	for _, s := range p.Steps {
		if s.Skip == "" {
			out = append(out, s)
		}
	}
	return out
}

// Total adds the estimates of the steps that are run.
func (p *Plan) Total() Estimate {
	var t Estimate
	for _, s := range p.Running() {
		t.Time += s.Estimate.Time
		t.Bytes += s.Estimate.Bytes
	}
	return t
}
