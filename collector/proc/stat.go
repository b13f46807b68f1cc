package proc

import (
	"fmt"
	"strconv"
	"strings"

	"hozen/collector"
)

// PF_KTHREAD of include/linux/sched.h, in the flags of stat.
const pfKthread = 0x00200000

// Stat is the text of /proc/PID/stat or /proc/PID/task/TID/stat.
type Stat struct {
	PID   int
	Comm  string
	State string
	// Field holds the numbers of proc_pid_stat(5) under their numbers there;
	// those of an older kernel that are not there are 0. Unsigned ones are to be
	// converted back.
	Field [53]int64
	Last  int // the highest field that is there
}

// Numbers of fields in proc_pid_stat(5).
const (
	StatPPID        = 4
	StatPgrp        = 5
	StatSession     = 6
	StatTTY         = 7
	StatTTYPgrp     = 8
	StatFlags       = 9
	StatMinflt      = 10
	StatMajflt      = 12
	StatUtime       = 14
	StatStime       = 15
	StatCutime      = 16
	StatCstime      = 17
	StatPriority    = 18
	StatNice        = 19
	StatThreads     = 20
	StatStart       = 22
	StatVsize       = 23
	StatRSS         = 24
	StatExitSignal  = 38
	StatProcessor   = 39
	StatRTPriority  = 40
	StatPolicy      = 41
	StatBlockIO     = 42
	StatGuest       = 43
	StatFieldsAtAll = 22 // the least that a stat has
)

// ParseStat reads stat. The name stands in parentheses and may itself hold
// parentheses, spaces and newlines, so it ends at the last parenthesis: what
// follows is numbers and one letter only.
func ParseStat(text string) (s Stat, err error) {
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 2 || end < open {
		return s, fmt.Errorf("stat: no name in parentheses: %.80q", text)
	}
	if s.PID, err = strconv.Atoi(text[:open-1]); err != nil {
		return s, fmt.Errorf("stat: pid: %.80q", text)
	}
	s.Comm = text[open+1 : end]
	rest := strings.TrimSpace(text[end+1:])
	s.State, rest, _ = strings.Cut(rest, " ")
	s.Last = 3
	for rest != "" && s.Last+1 < len(s.Field) {
		var word string
		word, rest, _ = strings.Cut(rest, " ")
		v, err := ParseNumber(word)
		if err != nil {
			return s, fmt.Errorf("stat: field %d: %.40q", s.Last+1, word)
		}
		s.Last++
		s.Field[s.Last] = v
	}
	if s.Last < StatFieldsAtAll || len(s.State) != 1 {
		return s, fmt.Errorf("stat: only %d fields", s.Last)
	}
	return s, nil
}

// ReadStat reads the stat of a process or thread, whose directory is dir:
// "/proc/12" or "/proc/12/task/13".
func ReadStat(h *collector.Host, dir string) (Stat, error) {
	text, err := h.ReadFile(dir+"/stat", 1<<16)
	if err != nil {
		return Stat{}, err
	}
	return ParseStat(string(text))
}

// ParseNumber reads a signed or an unsigned 64-bit number into the same bits.
func ParseNumber(s string) (int64, error) {
	if strings.HasPrefix(s, "-") {
		return strconv.ParseInt(s, 10, 64)
	}
	u, err := strconv.ParseUint(s, 10, 64)
	return int64(u), err
}

// Start is when the process began, in ticks since boot.
func (s *Stat) Start() uint64 { return uint64(s.Field[StatStart]) }

// KernelThread says whether it is a thread of the kernel.
func (s *Stat) KernelThread() bool { return s.Field[StatFlags]&pfKthread != 0 }

// EachLine calls f with the key and the trimmed value of each "key: value" line.
func EachLine(text string, f func(key, value string)) {
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(line, ":"); ok {
			f(key, strings.TrimSpace(value))
		}
	}
}
