package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hozen/collector/disk/artifact"
)

// definitionsCommand lists the definitions of artefacts, and so checks those that
// the responder brings.
func (a *app) definitionsCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "definitions [DIR]...", Short: a.text(mShortDefinitions), Long: a.text(mLongDefinitions),
		RunE: func(_ *cobra.Command, dirs []string) error { return a.listDefinitions(dirs, asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, a.text(mFlagJSON))
	return c
}

// A definitionRow is a line of `definitions --json`.
type definitionRow struct {
	Name    string            `json:"name"`
	Systems []artifact.System `json:"systems"` // empty: all
	Types   []artifact.Type   `json:"types"`
	File    string            `json:"file"`
	Line    int               `json:"line"`
	Doc     string            `json:"doc"`
}

func (a *app) listDefinitions(dirs []string, asJSON bool) error {
	d, err := (&diskOptions{definitions: dirs}).definitionSet()
	if err != nil {
		return usage(err, a.text(mHintDefinitions))
	}
	for _, def := range d.set.Definitions() {
		row := definitionRow{Name: def.Name, Systems: append([]artifact.System{}, def.SupportedOS...), File: plain(def.FileName), Line: def.Line, Doc: plain(def.Doc)}
		for _, s := range def.Sources {
			row.Types = append(row.Types, s.Type)
		}
		if asJSON {
			if err := writeJSON(a.stdout, row); err != nil {
				return fail(err, "")
			}
			continue
		}
		doc, _, _ := strings.Cut(row.Doc, "\n")
		fmt.Fprintf(a.stdout, "%s %s %s\n", pad(row.Name, 36), pad(systemsText(row.Systems), 14), doc)
	}
	return nil
}

func systemsText(systems []artifact.System) string {
	var names []string
	for _, s := range systems {
		names = append(names, string(s))
	}
	return strings.Join(names, ",")
}
