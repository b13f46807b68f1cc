package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"hozen/packager"
)

func (a *app) extractCommand() *cobra.Command {
	var b belief
	var dest string
	var whole bool
	c := &cobra.Command{
		Use: "extract FILE --to DIR [PATH…]", Short: a.text(mShortExtract), Long: a.text(mLongExtract), Args: wantArgs(1, 1<<20),
		Example: "  hozen extract FILE --to work\n  hozen extract FILE --to work volatile/sockets.jsonl volatile/processes",
		RunE: func(c *cobra.Command, args []string) error {
			return a.extract(c.Context(), args[0], dest, args[1:], b, whole)
		},
	}
	c.Flags().StringVar(&dest, "to", "", a.text(mFlagTo))
	a.beliefFlags(c, &b)
	c.Flags().BoolVar(&whole, "whole", false, a.text(mFlagWhole))
	return c
}

func (a *app) extract(ctx context.Context, name, dest string, paths []string, b belief, whole bool) error {
	if dest == "" {
		return usage(fmt.Errorf("extract: --to DIR is missing"), a.text(mHintCommandHelp, "hozen extract"))
	}
	file, err := a.openArchive(name, b)
	if err != nil {
		return err
	}
	defer file.Close()
	file.only(!whole)
	r, done, err := packager.Extract(ctx, file, file.size, file.options, dest, wanted(paths))
	if err != nil {
		return fail(fmt.Errorf("after %d files: %w", len(done), err), a.text(mHintExtract))
	}
	if err := a.sealedBox(name, r); err != nil {
		return err
	}
	if len(done) == 0 && r.Verdict != packager.NotEvidence && len(paths) > 0 {
		a.tellVerdict(name, r)
		return a.missing(name, strings.Join(paths, ", "), r)
	}
	fmt.Fprintln(a.stdout, a.text(mExtracted, countText(int64(len(done))), escape(filepath.Join(dest, r.Collection))))
	return a.ended(name, r, nil)
}

// wanted chooses members: those named, and those below a named folder.
func wanted(paths []string) func(string) bool {
	if len(paths) == 0 {
		return nil
	}
	return func(member string) bool {
		for _, p := range paths {
			p = strings.TrimSuffix(memberPath(p), "/")
			if member == p || strings.HasPrefix(member, p+"/") || strings.HasPrefix(member, p+".p0") {
				return true
			}
		}
		return false
	}
}
