package main

import (
	"context"
	"fmt"
	"strings"

	"hozen/packager"
	"hozen/packager/evidence"
)

// outcomes counts the records behind authentic checkpoints: what an archive says
// became of its plan.
type outcomes struct {
	count      [evidence.Failed + 1]int64
	short      int64
	notPlanned []string // collectors that the plan left out, by name
	unread     error    // why the records could not be counted
}

func (o *outcomes) add(l packager.RecordLine) error {
	if l.Part != nil {
		return nil // its whole has a record of its own
	}
	o.count[l.Outcome]++
	if l.Shortfall {
		o.short++
	}
	name, step := strings.CutPrefix(l.Path, dataPrefix+"collector/")
	if step && l.Outcome == evidence.Skipped && !l.Shortfall && len(o.notPlanned) < maxListed {
		o.notPlanned = append(o.notPlanned, name)
	}
	return nil
}

func (o *outcomes) byWord() map[string]int64 {
	m := map[string]int64{}
	for _, word := range evidence.Outcomes() {
		m[word.String()] = o.count[word]
	}
	return m
}

// verified is a report and what the records in the same pass say; the JSON of verify.
type verified struct {
	*packager.Report
	Outcomes   map[string]int64 `json:"outcomes,omitempty"` // records by outcome; none where they cannot be read
	Shortfalls int64            `json:"shortfalls"`         // records that are short of the plan
	NotPlanned []string         `json:"not_planned"`        // collectors that the plan left out
	tally      outcomes
}

// check verifies a file and counts its records in the same pass. Records that
// are signed but cannot be understood do not change the verdict.
func check(ctx context.Context, file *archive) (verified, error) {
	var o outcomes
	r, err := packager.List(ctx, file, file.size, file.options, o.add)
	if err != nil && ctx.Err() == nil {
		o = outcomes{unread: err}
		r, err = packager.Verify(ctx, file, file.size, file.options)
	}
	v := verified{Report: r, Shortfalls: o.short, NotPlanned: list(o.notPlanned), tally: o}
	if o.unread == nil {
		v.Outcomes = o.byWord()
	}
	return v, err
}

// outcomesRow says it for people.
func (a *app) outcomesRow(file string, v verified) string {
	if v.Outcomes == nil {
		return v.tally.unread.Error()
	}
	var counted []string
	for _, o := range evidence.Outcomes() {
		if n := v.tally.count[o]; n > 0 {
			counted = append(counted, a.text(mCountOf, countText(n), a.outcomeText(o.String())))
		}
	}
	text := strings.Join(counted, ", ")
	switch {
	case v.Shortfalls == 0 && (v.Seal == nil || v.Verdict == packager.Invalid):
		return text // whether what was not reached would have been whole, nobody knows
	case v.Shortfalls == 0:
		return text + a.text(mNoneShort)
	}
	return text + a.text(mSomeShort, countText(v.Shortfalls), fmt.Sprintf("hozen show --short %s", shellWord(file)))
}
