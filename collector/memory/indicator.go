package memory

import (
	"cmp"
	"fmt"

	"hozen/collector/jsonl"
	"hozen/packager/evidence/sorting"
)

// An Indicator is a row of memory/indicators.jsonl: one sign, on one process or
// one object of the kernel, with what it rests on. It is a fact about what was
// seen, not a verdict.
type Indicator struct {
	// ID names the kind of sign ("image-deleted"); SCHEMA.md lists the kinds.
	ID string `json:"id"`
	// Technique is MITRE ATT&CK's number of what the sign is most often seen of.
	Technique string `json:"technique"`
	Level     Level  `json:"level"`
	// Process is whom it was seen on; nil for an object of the kernel or the host.
	Process *Subject `json:"process,omitempty"`
	// Object is the object of the kernel or the host: "module lkm_rk", "bpf program 17",
	// "socket udp 0.0.0.0:68", "pid 4711".
	Object jsonl.Text `json:"object,omitempty"`
	// Seen says in one sentence what was seen.
	Seen jsonl.Text `json:"seen"`
	// Views holds both sides where the sign is that two views of one thing disagree.
	Views []View `json:"views,omitempty"`
	// Evidence gives the members of the archive that prove it, as paths below data/.
	Evidence []string `json:"evidence"`
	// Explained is the known benign explanation that fits what was seen; a row
	// that has one is of level low. Left out where none fits.
	Explained jsonl.Text `json:"explained,omitempty"`
	// Benign lists what else is known to look so on healthy machines.
	Benign []string `json:"benign,omitempty"`
}

// Rank sorts rows: the surest first, then by process, kind and object.
func Rank(rows []Indicator) {
	pid := func(r Indicator) int {
		if r.Process != nil {
			return r.Process.PID
		}
		return 0
	}
	sorting.By(rows, func(a, b Indicator) int {
		return cmp.Or(-cmp.Compare(a.Level, b.Level), cmp.Compare(pid(a), pid(b)), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Object, b.Object))
	})
}

// A Subject is a process: its number and its start, which together name it once
// and for all between two boots.
type Subject struct {
	PID int `json:"pid"`
	// StartTicks is when it began: on Linux field 22 of proc_pid_stat(5), on Windows the
	// system's create time, 100 ns since 1601 UTC; 0 where it was not read.
	StartTicks uint64     `json:"start_ticks"`
	Created    string     `json:"created,omitempty"` // on Windows: the same as RFC 3339
	Comm       jsonl.Text `json:"comm,omitempty"`    // on Windows: the name of the image
	Exe        jsonl.Text `json:"exe,omitempty"`
	UID        *uint32    `json:"uid,omitempty"`
	SID        string     `json:"sid,omitempty"`  // on Windows: of its user
	User       jsonl.Text `json:"user,omitempty"` // on Windows: domain and name of the SID, where this PC knows them
}

// A View is what one source says of a thing that another source says otherwise.
type View struct {
	Source string     `json:"source"` // "readdir /proc", "sock_diag", "/proc/7/exe"
	Says   jsonl.Text `json:"says"`
}

// Level says how sure a sign is. The zero Level is not valid.
type Level uint8

// The levels.
const (
	// Low: healthy machines show it, or a known benign explanation fits this one.
	Low Level = iota + 1
	// Medium: unusual, and no known benign explanation fits; somebody must look.
	Medium
	// High: nothing benign is known to do this but debuggers and security tools.
	High
)

// Levels lists the levels, lowest first.
func Levels() []Level { return []Level{Low, Medium, High} }

// String gives the word used in rows.
func (l Level) String() string {
	if l < Low || l > High {
		return "invalid"
	}
	return [...]string{"low", "medium", "high"}[l-Low]
}

// MarshalText gives the word; it refuses an invalid level.
func (l Level) MarshalText() ([]byte, error) {
	if l < Low || l > High {
		return nil, fmt.Errorf("level %d: not one of %v", l, Levels())
	}
	return []byte(l.String()), nil
}

// UnmarshalText reads the word that MarshalText wrote.
func (l *Level) UnmarshalText(b []byte) error {
	for _, v := range Levels() {
		if v.String() == string(b) {
			*l = v
			return nil
		}
	}
	return fmt.Errorf("level %q: not one of %v", b, Levels())
}
