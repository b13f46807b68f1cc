package indicators

import (
	"fmt"
	"strconv"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
)

// A finding is a sign as a check reports it.
type finding struct {
	id   string // of its kind
	seen string // one sentence: what was seen
	// object names what it was seen on, where that is no process: "module foo".
	object string
	// subject is the process, in a finding of a host check that is about one.
	subject *memory.Subject
	views   []memory.View
	// explained is the benign explanation that fits; the row is then low.
	explained string
	// level is another one than that of the kind, where the check knows better; 0: the kind's.
	level memory.Level
	// regions are ranges of the process's memory that contents should keep.
	regions []memory.Region
	// proofs are bytes that show it, put beside the raw text of the process.
	proofs []proof
	// evidence names members that the check has put itself.
	evidence []string
}

// A proof is a small member of evidence: "text-7f12a000.bin".
type proof struct {
	name   string // within the folder of the process; [a-z0-9.-]
	source string // what was read: "/proc/7/mem"
	data   []byte
}

// row makes the row of a finding; evidence names the members that prove it.
func (f *finding) row(kinds map[string]Kind, subject *memory.Subject, evidence []string) memory.Indicator {
	k := kinds[f.id]
	level := k.Level
	if f.level != 0 {
		level = f.level
	}
	if f.explained != "" {
		level = memory.Low
	}
	return memory.Indicator{
		ID: f.id, Technique: k.Technique, Level: level, Process: subject, Object: jsonl.Text(f.object),
		Seen: jsonl.Text(f.seen), Views: f.views, Evidence: evidence, Explained: jsonl.Text(f.explained), Benign: k.Benign,
	}
}

// stem is the name of the evidence of one process: "memory/indicators/12-3456".
func stem(pid int, start uint64) string {
	return "memory/indicators/" + strconv.Itoa(pid) + "-" + strconv.FormatUint(start, 10)
}

// many writes a number with its word: "1 page", "2 pages".
func many[N int | int64 | uint64](n N, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
