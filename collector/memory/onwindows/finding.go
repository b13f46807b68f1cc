package onwindows

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/memory/indicators"
)

// Kinds lists all kinds of signs that are looked for on Windows, by family.
func Kinds() []indicators.Kind {
	return slices.Concat(imageKinds(), mapKinds(), moduleKinds(), textKinds(), identityKinds(), handleKinds(), hiddenKinds(), driverKinds())
}

// A finding is a sign as a check reports it.
type finding struct {
	id   string // of its kind
	seen string // one sentence
	// object names what it was seen on, where that is no process: "driver \…\x.sys".
	object    string
	subject   *memory.Subject // of a host check that is about a process
	views     []memory.View
	explained string       // the benign explanation that fits; the row is then low
	level     memory.Level // another one than the kind's; 0: the kind's
	regions   []memory.Region
	proofs    []proof
	evidence  []string // members that the check has put itself
}

// A proof is a small member of evidence beside the text of the process.
type proof struct {
	name   string // [a-z0-9.-]
	source string
	data   []byte
}

// row makes the row of a finding.
func (f *finding) row(kinds map[string]indicators.Kind, subject *memory.Subject, evidence []string) memory.Indicator {
	k := kinds[f.id]
	level := cmp.Or(f.level, k.Level)
	if f.explained != "" {
		level = memory.Low
	}
	return memory.Indicator{
		ID: f.id, Technique: k.Technique, Level: level, Process: subject, Object: jsonl.Text(f.object),
		Seen: jsonl.Text(f.seen), Views: f.views, Evidence: evidence, Explained: jsonl.Text(f.explained), Benign: k.Benign,
	}
}

// stem is the name of the evidence of one process: "memory/indicators/12-133000000".
func stem(pid uint32, created uint64) string {
	return "memory/indicators/" + strconv.FormatUint(uint64(pid), 10) + "-" + strconv.FormatUint(created, 10)
}

// clipped bounds a text that goes into a sentence; the raw text has all of it.
func clipped(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}

func address(v uint64) string { return fmt.Sprintf("%#x", v) }
