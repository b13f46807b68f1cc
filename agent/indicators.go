package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"hozen/collector/memory"
	"hozen/service/deliver"
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
			fmt.Fprintf(w, "  %s %s%s: %s\n", r.Level, r.ID, onWhom(r), escape(clipText(c.a.sentence(string(r.Seen)))))
		}
	}
	if s.Indicators[memory.High.String()]+s.Indicators[memory.Medium.String()] > 0 {
		fmt.Fprintln(w, c.a.text(mIndicatorsSee, c.showing(s, "memory/indicators.jsonl")))
	}
	if dumps := c.dumpsOfSurest(); dumps != "" {
		fmt.Fprintln(w, c.a.text(mIndicatorsDump, "hozen collect "+c.outputFlag()+c.peopleAgain()+" --only contents"+dumps))
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

// peopleAgain are the flags of this collection that another one by the same people must
// not lack: whom it is encrypted to, and who signs.
func (c *collection) peopleAgain() (flags string) {
	add := func(flag, value string) {
		if value != "" {
			flags += " " + flag + " " + escape(shellWord(value))
		}
	}
	for _, to := range c.o.encrypt.to {
		add("--encrypt-to", to)
	}
	add("--encrypt-policy", c.o.encrypt.policy)
	add("--key", c.o.key)
	if c.o.sign.with != "" {
		add("--operator", c.o.operator)
	}
	add("--sign-with", c.o.sign.with)
	add("--require", strings.Join(c.o.sign.require, ","))
	return flags
}

// showing is the command that shows an item of the archive.
func (c *collection) showing(s summary, item string) string {
	return "hozen show " + c.readable(s) + " " + item
}

// readable is the archive as a command line names it, with the flag that opens it: under its
// own name where it went to a destination that no command reads, and is to be fetched from.
func (c *collection) readable(s summary) string {
	name := s.Archive
	if c.streams() && c.to.place.Kind != deliver.Directory && s.Verdict == sealedOnly {
		name = c.archive()
	}
	return escape(shellWord(name)) + c.opensIt()
}

// opensIt is the flag by which whoever it is encrypted to reads the archive; "" if it is not.
func (c *collection) opensIt() string {
	if len(c.o.encrypt.to) == 0 && c.o.encrypt.policy == "" {
		return ""
	}
	return " --identity FILE"
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
	if len(s) <= most {
		return s
	}
	end := most
	for end > most-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
