package main

import (
	"fmt"
	"io"
	"slices"

	"hozen/collector/memory"
)

// indicators counts the rows of the search by level; nil where it was not made.
func (c *collection) indicators() map[string]int {
	out := map[string]int{}
	for _, l := range memory.Levels() {
		n, searched := c.suspects.Count(l)
		if !searched {
			return nil
		}
		out[l.String()] = n
	}
	return out
}

// sayIndicators tells in the summary how many indicators there are, and names
// the surest; those of the lowest level only counted.
func (c *collection) sayIndicators(w io.Writer, s summary) {
	if s.Indicators == nil {
		return
	}
	count := func(l memory.Level) string { return countText(int64(s.Indicators[l.String()])) }
	fmt.Fprintln(w, c.a.text(mIndicators, count(memory.High), count(memory.Medium), count(memory.Low)))
	for _, r := range c.suspects.Worst() {
		if r.Level > memory.Low {
			fmt.Fprintf(w, "  %s %s%s: %s\n", r.Level, r.ID, onWhom(r), escape(clipText(string(r.Seen))))
		}
	}
	if s.Indicators[memory.High.String()]+s.Indicators[memory.Medium.String()] > 0 {
		fmt.Fprintln(w, c.a.text(mIndicatorsSee, "hozen show "+escape(shellWord(s.Archive))+" memory/indicators.jsonl"))
	}
	if dumps := c.dumpsOfSurest(); dumps != "" {
		fmt.Fprintln(w, c.a.text(mIndicatorsDump, "hozen collect --out "+escape(shellWord(c.o.out))+" --only contents"+dumps))
	}
}

// dumpsOfSurest names the processes with an indicator of level high that were not
// dumped, as flags of collect; "" if there are none.
func (c *collection) dumpsOfSurest() (flags string) {
	named := slices.Clone(c.o.dump)
	for _, r := range c.suspects.Worst() {
		if r.Level == memory.High && r.Process != nil && !slices.Contains(named, r.Process.PID) {
			named = append(named, r.Process.PID)
			flags += fmt.Sprintf(" --dump %d", r.Process.PID)
		}
	}
	return flags
}

func onWhom(r memory.Indicator) string {
	switch {
	case r.Process != nil:
		return fmt.Sprintf(" (%d %s)", r.Process.PID, escape(string(r.Process.Comm)))
	case r.Object != "":
		return " (" + escape(clipText(string(r.Object))) + ")"
	}
	return ""
}

// clipText bounds a text of the host in a line for people.
func clipText(s string) string {
	const most = 160
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
