package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"hozen/packager"
	"hozen/packager/evidence/fault"
	"hozen/packager/report"
	"hozen/packager/report/model"
	"hozen/service/durable"
)

func (a *app) reportCommand() *cobra.Command {
	var b belief
	var dest string
	c := &cobra.Command{
		Use: "report FILE -o DIR", Short: a.text(mShortReport), Long: a.text(mLongReport), Args: wantArgs(1, 1),
		Example: "  hozen report pc-42-20261121t090000z-3fa9c1.tar.zst -o reports\n  hozen report --fingerprint SHA256:… --lang ja FILE -o reports",
		RunE: func(c *cobra.Command, args []string) error {
			return a.makeReport(c.Context(), args[0], dest, b)
		},
	}
	c.Flags().StringVarP(&dest, "output", "o", "", a.text(mFlagReportOut))
	a.beliefFlags(c, &b)
	return c
}

// makeReport verifies an archive and writes the report on it, also on one that is not
// what it should be: the report says so.
func (a *app) makeReport(ctx context.Context, name, dest string, b belief) error {
	if dest == "" {
		return usage(errors.New("report: -o DIR is missing"), a.text(mHintCommandHelp, "hozen report"))
	}
	file, err := a.openArchive(name, b)
	if err != nil {
		return err
	}
	defer file.Close()
	m := model.New(time.Time{})
	s := &screen{w: a.stderr, live: a.errTerminal, width: a.width}
	file.options.Progress = a.reading(s)
	r, err := packager.Take(ctx, file, file.size, file.options, m)
	s.draw("")
	if err != nil {
		return fail(fmt.Errorf("%s: %w", name, err), "")
	}
	m.Finish()
	c := report.Case{
		Model: m, Verified: r, Events: r.Events, Archive: filepath.Base(name), Fingerprint: r.Fingerprint,
		Made: a.now(), Tool: a.tool(), Japanese: a.lang == japanese, Docs: docsJapanese,
	}
	if r.Genesis != nil {
		c.Genesis = *r.Genesis
	} else if seenOutside(r) {
		c.Genesis = *saidOutside(r)
		c.Genesis.Collection, c.Genesis.Device = r.Collection, r.Device
	}
	out, err := writeReport(dest, firstText(r.Collection, idOf(name))+".report.html", c)
	switch {
	case errors.Is(err, fs.ErrExist):
		return fail(err, a.text(mHintReportThere))
	case err != nil:
		return fail(err, a.text(mHintOut))
	}
	fmt.Fprintln(a.stdout, a.text(mReportWritten, escape(out)))
	a.tellVerdict(name, r)
	return silent(r.Verdict.ExitCode())
}

func firstText(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// writeReport writes a report whole or not at all, over no other (fs.ErrExist), and gives
// its name: somebody may have signed and filed the one that is there.
func writeReport(dir, name string, c report.Case) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	out := filepath.Join(dir, name)
	if _, err := os.Lstat(out); err == nil {
		return "", fmt.Errorf("report: %s: %w", out, fs.ErrExist)
	}
	f, err := os.OpenFile(out+".partial", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", fmt.Errorf("report: %w", err)
	}
	_, err = report.Write(f, c)
	if err := fault.Join(err, f.Sync(), f.Close()); err != nil {
		return "", fault.Join(err, os.Remove(f.Name()))
	}
	return out, durable.Rename(f.Name(), out)
}
