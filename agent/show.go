package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"hozen/packager"
	"hozen/packager/evidence/fault"
)

type showOptions struct {
	belief
	json, short, whole bool
}

func (a *app) showCommand() *cobra.Command {
	var o showOptions
	c := &cobra.Command{
		Use: "show FILE [PATH]", Short: a.text(mShortShow), Long: a.text(mLongShow), Args: wantArgs(1, 2),
		Example: "  hozen show FILE\n  hozen show FILE volatile/sockets.jsonl | jq .",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 2 {
				return a.showItem(c.Context(), args[0], args[1], o)
			}
			return a.showList(c.Context(), args[0], o)
		},
	}
	a.beliefFlags(c, &o.belief)
	c.Flags().BoolVar(&o.whole, "whole", false, a.text(mFlagWhole))
	c.Flags().BoolVar(&o.short, "short", false, a.text(mFlagShort))
	c.Flags().BoolVar(&o.json, "json", false, a.text(mFlagJSONRecords))
	return c
}

// showList prints the records of all items, in the order in which they were taken.
func (a *app) showList(ctx context.Context, name string, o showOptions) error {
	file, err := a.openArchive(name, o.belief)
	if err != nil {
		return err
	}
	defer file.Close()
	r, err := packager.List(ctx, file, file.size, file.options, func(l packager.RecordLine) error {
		if o.short && !l.Shortfall || l.Part != nil && !o.json {
			return nil
		}
		if o.json {
			return writeJSON(a.stdout, l)
		}
		_, err := fmt.Fprintln(a.stdout, a.recordText(l))
		return err
	})
	if err := a.sealedBox(name, r); err != nil {
		return err
	}
	return a.ended(name, r, err)
}

func (a *app) recordText(l packager.RecordLine) string {
	text := fmt.Sprintf("%s %9s  %s", pad(a.outcomeText(l.Outcome.String()), 9), bytesText(l.Size), escape(strings.TrimPrefix(l.Path, dataPrefix)))
	if l.Orig != "" || l.OrigB64 != nil {
		text += "  (" + escape(l.Orig+string(l.OrigB64)) + ")"
	}
	if l.Note != "" {
		text += "  — " + escape(a.sentence(l.Note))
	}
	return text
}

const dataPrefix = "data/"

// memberPath lets people leave out "data/", which all evidence is below, and give
// an item's own path ("item" in tables) where the archive spells it otherwise.
func memberPath(path string) string {
	if strings.ContainsFunc(path, neverInNames) {
		return dataPrefix + packager.EncodePath(strings.TrimPrefix(path, dataPrefix))
	}
	for _, p := range []string{dataPrefix, "custody/"} {
		if strings.HasPrefix(path+"/", p) {
			return path
		}
	}
	if !strings.Contains(path, "/") && strings.HasSuffix(path, ".txt") {
		return path // bagit.txt and the bag's other files
	}
	return dataPrefix + path
}

// neverInNames says whether no name in an archive has r (FORMAT.md).
func neverInNames(r rune) bool {
	return r >= utf8.RuneSelf || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._~=+@,()/-", r)
}

// showItem prints one item: as it is to a pipe or file; escaped on a terminal,
// which text of a hostile host could otherwise command.
func (a *app) showItem(ctx context.Context, name, path string, o showOptions) error {
	file, err := a.openArchive(name, o.belief)
	if err != nil {
		return err
	}
	defer file.Close()
	file.only(!o.whole)
	out := a.stdout
	if a.outTerminal {
		out = &escaper{w: a.stdout}
	}
	r, err := packager.Cat(ctx, file, file.size, file.options, memberPath(path), out)
	if e, ok := out.(*escaper); ok {
		err = fault.Join(err, e.flush())
	}
	if err := a.sealedBox(name, r); err != nil {
		return err
	}
	if errors.Is(err, packager.ErrNoMember) && r != nil {
		a.tellVerdict(name, r)
		return a.missing(name, path, r)
	}
	return a.ended(name, r, err)
}

// missing says that an item is not there. Where the file itself cannot be relied
// on, that is the exit code: it is what scripts must hear of.
func (a *app) missing(name, path string, r *packager.Report) error {
	code := exitNotSealed
	if r.Verdict == packager.Invalid || r.Verdict == packager.NotEvidence {
		code = r.Verdict.ExitCode()
	}
	return &exitError{code, fmt.Errorf("%s: no such item in the authentic part", path), a.text(mHintList, escape(shellWord(name)))}
}

// ended gives the exit code of a command that handed something out, and says the
// verdict where it is not plainly VALID.
func (a *app) ended(name string, r *packager.Report, err error) error {
	if err != nil {
		return fail(err, "")
	}
	a.tellVerdict(name, r)
	return silent(r.Verdict.ExitCode())
}

func (a *app) tellVerdict(name string, r *packager.Report) {
	if by := a.askedBy(r.Job); by != "" {
		fmt.Fprintln(a.stderr, a.text(mRowAskedBy), plain(by))
	}
	if r.OnlyItems {
		fmt.Fprintln(a.stderr, a.text(mOnlyItem, escape(name)))
	}
	if r.Verdict == packager.Valid {
		return
	}
	fmt.Fprintf(a.stderr, "%s  %s: %s\n", r.Verdict, escape(name), a.verdictText(r))
	for _, f := range r.Findings {
		fmt.Fprintln(a.stderr, "  ! "+escape(a.sentence(f)))
	}
}

// escaper escapes what goes through it, line by line.
type escaper struct {
	w    io.Writer
	line []byte
}

// longestLine bounds what an escaper keeps while it waits for a newline.
const longestLine = 1 << 16

// Write implements io.Writer.
func (e *escaper) Write(b []byte) (int, error) {
	e.line = append(e.line, b...)
	end := bytes.LastIndexByte(e.line, '\n') + 1
	if end == 0 && len(e.line) > longestLine {
		end = len(e.line)
	}
	_, err := io.WriteString(e.w, escapeLines(e.line[:end]))
	e.line = append(e.line[:0], e.line[end:]...)
	return len(b), err
}

func (e *escaper) flush() error {
	_, err := io.WriteString(e.w, escapeLines(e.line))
	e.line = nil
	return err
}
