package volatile

import (
	"strconv"
	"strings"

	"hozen/collector/proc"
)

// fillStatus takes proc_pid_status(5) into a row that has stat already. The Name line has newlines
// escaped by the kernel, so each line is what it seems.
func fillStatus(p *Process, text string, b *basis) {
	var caps Caps
	seen := false
	if p.CPU == nil || p.Memory == nil {
		return
	}
	proc.EachLine(text, func(key, value string) {
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
	proc.EachLine(text, func(key, value string) {
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
	v, err := proc.ParseNumber(s)
	if err != nil {
		return 0
	}
	return v
}

// procNumberIf is number for what may be missing.
func procNumberIf(s string) *int64 {
	v, err := proc.ParseNumber(strings.TrimSpace(s))
	if err != nil {
		return nil
	}
	return &v
}

// kibibytes reads "12 kB", as bytes.
func kibibytes(s string) uint64 {
	number, _, _ := strings.Cut(s, " ")
	v, err := strconv.ParseUint(number, 10, 54)
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
