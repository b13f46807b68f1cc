package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"hozen/packager"
	"hozen/packager/evidence/fault"
	"hozen/packager/export"
	"hozen/service/durable"
)

type exportOptions struct {
	belief
	format, out string
	salvage     bool
}

func (a *app) exportCommand() *cobra.Command {
	var o exportOptions
	c := &cobra.Command{
		Use: "export FILE --format timesketch|bodyfile|case [-o FILE]", Short: a.text(mShortExport), Long: a.longExport(), Args: wantArgs(1, 1),
		Example: "  hozen export FILE --format timesketch -o timeline.jsonl\n  hozen export FILE --format bodyfile | mactime -d -y -z UTC -b -\n  hozen export FILE --format case -o custody.jsonld",
		RunE: func(c *cobra.Command, args []string) error {
			return a.export(c.Context(), args[0], o)
		},
	}
	c.Flags().StringVar(&o.format, "format", "", a.text(mFlagExportFormat))
	c.Flags().StringVarP(&o.out, "output", "o", "", a.text(mFlagExportOut))
	c.Flags().BoolVar(&o.salvage, "salvage", false, a.text(mFlagExportSalvage))
	a.beliefFlags(c, &o.belief)
	return c
}

// export verifies the archive wholly, and then writes what is authentic in it.
func (a *app) export(ctx context.Context, name string, o exportOptions) error {
	format, err := exportFormat(o.format)
	if err != nil {
		return usage(err, a.text(mHintCommandHelp, "hozen export"))
	}
	file, err := a.openArchive(name, o.belief)
	if err != nil {
		return err
	}
	defer file.Close()
	r, err := packager.Verify(ctx, file, file.size, file.options)
	if err != nil {
		return fail(fmt.Errorf("%s: %w", name, err), "")
	}
	if err := a.exportable(name, r, o.salvage); err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(file, 0, file.size)); err != nil {
		return fail(err, "")
	}
	about := export.About{Archive: filepath.Base(name), SHA256: hex.EncodeToString(sum.Sum(nil)), Report: r}
	out, err := a.exportTo(o.out)
	if err != nil {
		return fail(err, "")
	}
	done, err := exported(ctx, file, format, out, about)
	if err = fault.Join(err, out.end(err == nil)); err != nil {
		return fail(err, "")
	}
	a.tellExport(name, o.out, format, out, done)
	a.tellVerdict(name, r)
	return silent(r.Verdict.ExitCode())
}

func exportFormat(s string) (export.Format, error) {
	for _, f := range export.Formats() {
		if s == string(f) {
			return f, nil
		}
	}
	if s == "" {
		return "", errors.New("export: --format is missing: timesketch, bodyfile or case")
	}
	return "", fmt.Errorf("--format %q: not one of timesketch, bodyfile, case", s)
}

// exportable says whether anything of an archive may be given to other tools.
func (a *app) exportable(name string, r *packager.Report, salvage bool) error {
	switch {
	case r.Verdict == packager.Invalid && r.Genesis != nil && r.Checkpoint > 0:
		if salvage {
			return nil
		}
		a.tellVerdict(name, r)
		return &exitError{r.Verdict.ExitCode(), errors.New("nothing is exported of an archive that is INVALID"), a.text(mHintSalvage)}
	case r.Verdict == packager.ValidOuter:
		a.tellVerdict(name, r)
		return &exitError{r.Verdict.ExitCode(), errors.New(a.text(mExportClosed)), a.text(mHintExportIdentity)}
	case r.Genesis == nil || r.Checkpoint == 0:
		a.tellVerdict(name, r)
		return &exitError{r.Verdict.ExitCode(), errors.New("nothing is exported: nothing that was seen of it is authentic"), a.text(mHintExportIdentity)}
	}
	return nil
}

// exported writes the second reading, which must come to what the first came to.
func exported(ctx context.Context, file *archive, format export.Format, w io.Writer, about export.About) (s export.Summary, err error) {
	e, err := export.New(format, w, about)
	if err != nil {
		return s, err
	}
	again, err := packager.Take(ctx, file, file.size, file.options, e)
	if err != nil {
		return s, err
	}
	if again.Verdict != about.Report.Verdict || again.Head != about.Report.Head {
		return s, fmt.Errorf("%s changed while it was read: %s, and then %s", about.Archive, about.Report.Verdict, again.Verdict)
	}
	return e.Close()
}

// exportFile is where an export goes: stdout, or a file that has its name only when it is whole.
type exportFile struct {
	io.Writer
	file *os.File // nil: stdout
	name string
	sum  hash.Hash
	n    int64
}

func (a *app) exportTo(name string) (*exportFile, error) {
	f := &exportFile{Writer: a.stdout, name: name, sum: sha256.New()}
	if name == "" || name == "-" {
		return f, nil
	}
	if _, err := os.Lstat(name); err == nil {
		return nil, fmt.Errorf("%s: %w", name, os.ErrExist)
	}
	var err error
	f.file, err = os.OpenFile(name+".partial", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	f.Writer = f.file
	return f, err
}

// Write implements io.Writer.
func (f *exportFile) Write(b []byte) (int, error) {
	n, err := f.Writer.Write(b)
	f.sum.Write(b[:n])
	f.n += int64(n)
	return n, err
}

func (f *exportFile) end(whole bool) error {
	if f.file == nil {
		return nil
	}
	err := fault.Join(f.file.Sync(), f.file.Close())
	if whole && err == nil {
		return durable.Rename(f.file.Name(), f.name)
	}
	return fault.Join(err, os.Remove(f.file.Name()))
}

// tellExport says what was written, what was not, and how to note it in the custody log.
func (a *app) tellExport(name, out string, format export.Format, f *exportFile, s export.Summary) {
	sum := hex.EncodeToString(f.sum.Sum(nil))
	fmt.Fprintln(a.stderr, a.text(mExportDone, format, countText(s.Written), countText(int64(s.Items)), countText(s.Rows), bytesText(f.n)))
	if s.NoTime+s.Odd > 0 {
		fmt.Fprintln(a.stderr, a.text(mExportLeft, countText(s.NoTime), countText(s.Odd)))
	}
	if s.Written == 0 {
		fmt.Fprintln(a.stderr, a.text(mExportEmpty))
	}
	fmt.Fprintln(a.stderr, a.text(mExportLost))
	for _, line := range a.lost(format) {
		fmt.Fprintln(a.stderr, "  - "+line)
	}
	fmt.Fprintln(a.stderr, a.text(mExportSum, sum))
	if f.file != nil {
		fmt.Fprintln(a.stderr, a.text(mHint, a.text(mHintExported, escape(shellWord(name)), format, escape(shellWord(out)))))
	}
}

// lost says what a format cannot hold, in the language of this run.
func (a *app) lost(f export.Format) []string {
	m := mLostCase
	switch f {
	case export.Timesketch:
		m = mLostTimesketch
	case export.Bodyfile:
		m = mLostBodyfile
	}
	return strings.Split(a.text(m), "\n")
}

// longExport is the help, with what each format cannot hold.
func (a *app) longExport() string {
	text := a.text(mLongExport)
	for _, f := range export.Formats() {
		text += "\n\n" + string(f) + " – " + a.text(mExportLost) + "\n  - " + strings.Join(a.lost(f), "\n  - ")
	}
	return text
}
