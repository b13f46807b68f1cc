package volatile

import (
	"fmt"
	"strconv"
	"strings"
)

// PF_KTHREAD of include/linux/sched.h, in the flags of stat.
const pfKthread = 0x00200000

// procStat is the text of /proc/PID/stat or /proc/PID/task/TID/stat.
type procStat struct {
	pid   int
	comm  string
	state string
	// field holds the numbers of proc_pid_stat(5) under their numbers there;
	// those of an older kernel that are not there are 0. Unsigned ones are to be
	// converted back.
	field [53]int64
	last  int // the highest field that is there
}

// Numbers of fields in proc_pid_stat(5).
const (
	statPPID        = 4
	statPgrp        = 5
	statSession     = 6
	statTTY         = 7
	statTTYPgrp     = 8
	statFlags       = 9
	statMinflt      = 10
	statMajflt      = 12
	statUtime       = 14
	statStime       = 15
	statCutime      = 16
	statCstime      = 17
	statPriority    = 18
	statNice        = 19
	statThreads     = 20
	statStart       = 22
	statVsize       = 23
	statRSS         = 24
	statExitSignal  = 38
	statProcessor   = 39
	statRTPriority  = 40
	statPolicy      = 41
	statBlockIO     = 42
	statGuest       = 43
	statFieldsAtAll = 22
)

// parseStat reads stat. The name stands in parentheses and may itself hold
// parentheses, spaces and newlines, so it ends at the last parenthesis: what
// follows is numbers and one letter only.
func parseStat(text string) (s procStat, err error) {
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 2 || end < open {
		return s, fmt.Errorf("stat: no name in parentheses: %.80q", text)
	}
	if s.pid, err = strconv.Atoi(text[:open-1]); err != nil {
		return s, fmt.Errorf("stat: pid: %.80q", text)
	}
	s.comm = text[open+1 : end]
	rest := strings.TrimSpace(text[end+1:])
	s.state, rest, _ = strings.Cut(rest, " ")
	s.last = 3
	for rest != "" && s.last+1 < len(s.field) {
		var word string
		word, rest, _ = strings.Cut(rest, " ")
		v, err := parseNumber(word)
		if err != nil {
			return s, fmt.Errorf("stat: field %d: %.40q", s.last+1, word)
		}
		s.last++
		s.field[s.last] = v
	}
	if s.last < statFieldsAtAll || len(s.state) != 1 {
		return s, fmt.Errorf("stat: only %d fields", s.last)
	}
	return s, nil
}

// parseNumber reads a signed or an unsigned 64-bit number into the same bits.
func parseNumber(s string) (int64, error) {
	if strings.HasPrefix(s, "-") {
		return strconv.ParseInt(s, 10, 64)
	}
	u, err := strconv.ParseUint(s, 10, 64)
	return int64(u), err
}

func (s *procStat) start() uint64      { return uint64(s.field[statStart]) }
func (s *procStat) kernelThread() bool { return s.field[statFlags]&pfKthread != 0 }

// eachLine calls f with the key and the trimmed value of each "key: value" line.
func eachLine(text string, f func(key, value string)) {
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(line, ":"); ok {
			f(key, strings.TrimSpace(value))
		}
	}
}

// fillStatus takes proc_pid_status(5) into a row that has stat already. The Name line has newlines
// escaped by the kernel, so each line is what it seems.
func fillStatus(p *Process, text string, b *basis) {
	var caps Caps
	seen := false
	if p.CPU == nil || p.Memory == nil {
		return
	}
	eachLine(text, func(key, value string) {
		switch key {
		case "Umask":
			p.Umask = value
		case "TracerPid":
			p.TracerPID = procNumber(value)
		case "Uid":
			p.UID = b.users.four(value)
		case "Gid":
			p.GID = b.groups.four(value)
		case "Groups":
			p.Groups = b.groups.list(p.Groups[:0], value)
		case "NSpid":
			p.NSPID = nested(value)
		case "Seccomp":
			p.Seccomp = procNumberIf(value)
		case "Seccomp_filters":
			p.SeccompFilters = procNumberIf(value)
		case "NoNewPrivs":
			p.NoNewPrivs = procNumberIf(value)
		case "Cpus_allowed_list":
			p.CPU.AllowedCPUs = printable(value)
		case "voluntary_ctxt_switches":
			p.CPU.Voluntary = new(uint64(procNumber(value)))
		case "nonvoluntary_ctxt_switches":
			p.CPU.Nonvoluntary = new(uint64(procNumber(value)))
		case "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb":
			seen = true
			*caps.named(key) = b.cap(value)
		default:
			if at := p.Memory.named(key); at != nil {
				*at = kibibytes(value)
			}
		}
	})
	if seen {
		p.Caps = &caps
	}
}

func (c *Caps) named(key string) *Cap {
	switch key {
	case "CapInh":
		return &c.Inheritable
	case "CapPrm":
		return &c.Permitted
	case "CapEff":
		return &c.Effective
	case "CapBnd":
		return &c.Bounding
	}
	return &c.Ambient
}

func (m *Memory) named(key string) *uint64 {
	switch key {
	case "VmPeak":
		return &m.Peak
	case "VmHWM":
		return &m.HWM
	case "VmLck":
		return &m.Locked
	case "VmPin":
		return &m.Pinned
	case "RssAnon":
		return &m.Anon
	case "RssFile":
		return &m.File
	case "RssShmem":
		return &m.Shmem
	case "VmData":
		return &m.Data
	case "VmStk":
		return &m.Stack
	case "VmExe":
		return &m.Text
	case "VmLib":
		return &m.Lib
	case "VmSwap":
		return &m.Swap
	}
	return nil
}

// parseIO reads proc_pid_io(5); nil if there is none of its lines.
func parseIO(text string) *IO {
	var io IO
	seen := false
	eachLine(text, func(key, value string) {
		at := io.named(key)
		if at != nil {
			seen = true
			*at = uint64(procNumber(value))
		}
	})
	if !seen {
		return nil
	}
	return &io
}

func (io *IO) named(key string) *uint64 {
	switch key {
	case "rchar":
		return &io.ReadChars
	case "wchar":
		return &io.WriteChars
	case "syscr":
		return &io.ReadCalls
	case "syscw":
		return &io.WriteCalls
	case "read_bytes":
		return &io.ReadBytes
	case "write_bytes":
		return &io.WriteBytes
	case "cancelled_write_bytes":
		return &io.CancelledBytes
	}
	return nil
}

// procNumber reads a decimal number; what is none is 0, for the raw text has it.
func procNumber(s string) int64 {
	v, err := parseNumber(s)
	if err != nil {
		return 0
	}
	return v
}

// procNumberIf is number for what may be missing.
func procNumberIf(s string) *int64 {
	v, err := parseNumber(strings.TrimSpace(s))
	if err != nil {
		return nil
	}
	return &v
}

// kibibytes reads "12 kB", as bytes.
func kibibytes(s string) uint64 {
	digits, _, _ := strings.Cut(s, " ")
	v, err := strconv.ParseUint(digits, 10, 54)
	if err != nil {
		return 0
	}
	return v << 10
}

// nested reads the pids of NSpid; nil where there is but one.
func nested(value string) []int {
	words := strings.Fields(value)
	if len(words) < 2 || len(words) > 64 {
		return nil
	}
	out := make([]int, len(words))
	for i, w := range words {
		out[i] = int(procNumber(w))
	}
	return out
}

// printable gives s if it is printable ASCII, as the kernel's own words are.
func printable(s string) string {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return ""
		}
	}
	return s
}
