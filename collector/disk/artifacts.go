package disk

import (
	"io"

	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// write writes the row of each definition.
func (f *finding) write(w io.Writer) error {
	var tally evidence.Tally
	tally.Merge(&f.tally)
	out := jsonl.NewWriter(w)
	for _, a := range f.artefacts {
		if err := out.Row(a.row()); err != nil {
			return err
		}
		tally.Merge(&a.tally)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if len(f.artefacts) == 0 && tally.Err() == nil {
		return evidence.NotHere("no definitions were asked for")
	}
	return tally.Err()
}

func (a *artefact) row() *ArtifactRow {
	r := &ArtifactRow{Name: a.chosen.Name, Doc: a.chosen.Doc, Definition: a.chosen.Where(), Value: a.value, Patterns: a.patterns, Files: len(a.files)}
	for _, f := range a.files {
		if f.meta.Regular() {
			r.Bytes += f.meta.Size
		}
		switch {
		case f.outcome == evidence.Collected || f.taken > 0:
			r.Taken++
			r.TakenBytes += f.taken
		case f.why == nil || f.short:
			r.NotTaken++
		}
	}
	r.Outcome, r.Reason = a.outcome(r)
	return r
}

// outcome is that of the definition as a whole.
func (a *artefact) outcome(r *ArtifactRow) (evidence.Outcome, jsonl.Text) {
	if a.chosen.Skip != nil {
		o, note, _ := evidence.Classify(a.chosen.Skip, 0)
		return o, jsonl.Text(note)
	}
	if err := a.tally.Err(); err != nil {
		o, note, _ := evidence.Classify(err, int64(len(a.files)))
		return o, jsonl.Text(note)
	}
	if r.NotTaken > 0 {
		return evidence.Partial, "some of its files are not here: see their rows"
	}
	if len(a.files) > 0 {
		return evidence.Collected, ""
	}
	skipped := 0
	for _, p := range a.patterns {
		if p.Outcome == evidence.Skipped.String() {
			skipped++
		}
	}
	if skipped > 0 && skipped == len(a.patterns) {
		return evidence.Skipped, a.patterns[0].Reason
	}
	return evidence.Absent, "nothing that it names is on this host"
}

func (r *run) writeUnreadable(w io.Writer) error { return jsonl.Write(w, r.unreadable) }
