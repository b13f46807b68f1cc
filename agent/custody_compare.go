package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"hozen/packager"
)

func (a *app) custodyCompareCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "compare LOG1 LOG2 …", Short: a.text(mShortCompare), Long: a.text(mLongCompare), Args: wantArgs(2, maxCopies),
		Example: "  hozen custody compare stick/FILE.custody.jsonl share/FILE.custody.jsonl",
		RunE:    func(_ *cobra.Command, args []string) error { return a.custodyCompare(args, asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, a.text(mFlagJSON))
	return c
}

// maxCopies bounds how many copies are held against each other.
const maxCopies = 32

func (a *app) custodyCompare(names []string, asJSON bool) error {
	var copies []packager.LogCopy
	for _, name := range names {
		b, err := packager.ReadLogFile(name)
		if err != nil {
			return fail(err, "")
		}
		copies = append(copies, packager.LogCopy{Name: name, Log: b})
	}
	states := packager.CompareLogs(copies...)
	if asJSON {
		if err := writeJSON(a.stdout, states); err != nil {
			return fail(err, "")
		}
	} else {
		for _, s := range states {
			a.printCopy(a.stdout, s)
		}
	}
	return silent(copiesCode(states))
}

// copiesCode is 0 where all are the same, 5 where one ends early, 4 where two differ or one
// is damaged.
func copiesCode(states []packager.CopyState) int {
	v := packager.Valid
	for _, s := range states {
		switch {
		case s.State == packager.CopyShorter && v == packager.Valid:
			v = packager.ValidPartial
		case s.State == packager.CopyFork, s.State == packager.CopyDamaged, s.State == packager.CopyOther:
			v = packager.Invalid
		}
	}
	return v.ExitCode()
}

func (a *app) printCopy(w io.Writer, s packager.CopyState) {
	name := escape(s.Name)
	version := func(e *packager.Event) string {
		if e == nil {
			return a.text(mCopyNobody)
		}
		return a.text(mCopyEvent, e.Seq, a.eventWord(e.Event), escape(e.Actor), escape(e.Time.Wall))
	}
	switch s.State {
	case packager.CopyLongest:
		fmt.Fprintln(w, a.text(mCopyLongest, name, s.Events, s.Head))
	case packager.CopySame:
		fmt.Fprintln(w, a.text(mCopySame, name))
	case packager.CopyShorter:
		fmt.Fprintln(w, a.text(mCopyShorter, name, s.Events, s.Lacks))
	case packager.CopyOther:
		fmt.Fprintln(w, a.text(mCopyOther, name, escape(s.Collection)))
	case packager.CopyDamaged:
		fmt.Fprintln(w, a.text(mCopyDamaged, name, escape(a.sentence(s.Error))))
	case packager.CopyFork:
		fmt.Fprintln(w, a.text(mCopyFork, name, s.Line))
	}
	if s.Line > 0 {
		fmt.Fprintln(w, "  "+a.text(mCopyHere, version(s.Here)))
		fmt.Fprintln(w, "  "+a.text(mCopyThere, version(s.There)))
	}
}
