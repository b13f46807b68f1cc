package indicators

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/proc"
	"hozen/collector/section"
	"hozen/packager/evidence"
)

// A process is what a process check is given: what was read of one process in
// one go, and the way to read more of it. All that is read through it becomes
// the process's raw evidence.
type process struct {
	ctx   context.Context
	host  *collector.Host
	base  *base
	dir   proc.Dir
	pid   int
	stat  proc.Stat
	known bool // stat was read
	gone  bool // it ended, or its number was given away, while it was read
	// changed says that it began another program, or changed its name, while it was read.
	changed bool
	err     error // why nothing was read

	exe       string // where /proc/PID/exe leads, as the kernel says it; "" if unread or none
	comm      string
	status    map[string]string // the lines of status, without their colon
	cmdline   []byte            // as read; nil for a kernel thread
	environ   []byte
	maps      []proc.Mapping
	fds       []descriptor
	fdsUnread bool // descriptors were denied, all or some
	// ourMounts says that it is in our own mount namespace: names mean the same.
	ourMounts bool
	mountNS   string // its mount namespace, "mnt:[4026531841]"; "" if unread

	raw   []byte // sections
	found []finding
	tally evidence.Tally
}

// A descriptor is one open file descriptor and where its link leads.
type descriptor struct {
	fd     int
	target string
}

// Bounds of what is read of one process; more is recorded as cut.
const (
	limitText    = 1 << 20
	limitArgs    = 2 << 20
	limitMaps    = 12 << 20 // 65530 mappings (vm.max_map_count's default) of long names
	limitFiles   = 1 << 16
	limitFound   = 1 << 10 // findings of one process
	limitRawKept = 32 << 20
)

// text reads a file below /proc/PID, with a limit; it is kept as evidence. What
// was read before an error is given with it.
func (p *process) text(name string, limit int) ([]byte, error) {
	return p.section(name, false, limit)
}

// link reads where a link below /proc/PID leads.
func (p *process) link(name string) (string, error) {
	b, err := p.section(name, true, limitText)
	return string(b), err
}

func (p *process) section(name string, link bool, limit int) ([]byte, error) {
	b, err := p.dir.Get(nil, name, link, limit)
	if errors.Is(err, collector.ErrTooLong) {
		err = evidence.Cut("longer than the limit")
	}
	p.keep(name, link, b, err)
	return b, err
}

// keep adds a section to the raw evidence, and counts its error.
func (p *process) keep(name string, link bool, data []byte, err error) {
	full := p.path(name)
	if len(p.raw)+len(data) > limitRawKept {
		data, err = nil, evidence.Cut("%s: the evidence of this process is longer than %d bytes", full, limitRawKept)
	}
	p.raw = section.Append(p.raw, full, link, data, err)
	p.note(name, err)
}

// note counts an error in what was read of the process. That it has ended is ordinary.
func (p *process) note(name string, err error) {
	if err != nil && !proc.IsGone(err) {
		p.tally.Add(p.path(name), err)
	}
}

//go:noinline
func (p *process) path(name string) string { return "/proc/" + strconv.Itoa(p.pid) + "/" + name }

// report adds a finding.
func (p *process) report(f finding) {
	if len(p.found) == limitFound {
		p.tally.Add(p.path(""), evidence.Cut("more than %d indicators", limitFound))
	}
	if len(p.found) < limitFound {
		p.found = append(p.found, f)
	}
}

func (p *process) kernelThread() bool { return p.stat.KernelThread() }

// argv gives the arguments as they stand in the process's memory now.
func (p *process) argv() []string {
	if len(p.cmdline) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(p.cmdline), "\x00"), "\x00")
}

// uid gives the effective user; false where status was not read.
func (p *process) uid() (uint32, bool) {
	f := strings.Fields(p.status["Uid"])
	if len(f) < 2 {
		return 0, false
	}
	n, err := strconv.ParseUint(f[1], 10, 32)
	return uint32(n), err == nil
}

// subject names the process in a row.
func (p *process) subject() *memory.Subject {
	s := &memory.Subject{PID: p.pid, StartTicks: p.stat.Start(), Comm: jsonl.Text(p.comm), Exe: jsonl.Text(p.exe)}
	if uid, ok := p.uid(); ok {
		s.UID = &uid
	}
	return s
}

// read takes what every check wants. What tells who the process is comes first.
func (p *process) read() {
	text, err := p.text("stat", limitText)
	if err == nil {
		p.stat, err = proc.ParseStat(string(text))
	}
	if err == nil && p.stat.PID != p.pid {
		err = fmt.Errorf("/proc/%d says that it is %d: %w", p.pid, p.stat.PID, proc.ErrMounted)
	}
	if err != nil {
		p.err, p.gone = err, proc.IsGone(err)
		return
	}
	p.known, p.comm, p.status = true, p.stat.Comm, map[string]string{}
	text, _ = p.text("status", limitText)
	proc.EachLine(string(text), func(key, value string) { p.status[key] = value })
	p.exe, _ = p.link("exe")
	ns, err := p.link("ns/mnt")
	p.mountNS = ns
	p.ourMounts = err == nil && ns != "" && ns == p.base.mntNS()
	if p.kernelThread() {
		p.cmdline, _ = p.text("cmdline", limitArgs)
		return
	}
	p.cmdline, _ = p.text("cmdline", limitArgs)
	p.environ, _ = p.text("environ", limitArgs)
	text, _ = p.text("maps", limitMaps)
	var bad int
	if p.maps, bad, err = proc.ParseMappings(string(text)); bad > 0 {
		p.note("maps", fmt.Errorf("%d lines not understood: %w", bad, err))
	}
	p.descriptors()
}

func (p *process) descriptors() {
	numbers, err := p.dir.List(nil, "fd", limitFiles)
	p.note("fd", err)
	p.fdsUnread = err != nil && !proc.IsGone(err)
	var list []byte
	for _, n := range numbers {
		if p.ctx.Err() != nil {
			p.note("fd", context.Cause(p.ctx))
			break
		}
		target, err := p.dir.Get(nil, "fd/"+strconv.Itoa(n), true, limitText)
		if err != nil {
			p.note("fd/"+strconv.Itoa(n), err)
			p.fdsUnread = p.fdsUnread || !proc.IsGone(err)
			continue
		}
		p.fds = append(p.fds, descriptor{n, string(target)})
		list = append(append(append(strconv.AppendInt(list, int64(n), 10), ' '), strconv.Quote(string(target))...), '\n')
	}
	p.keep("fd", false, list, nil)
}

// again looks whether the process is still there, and still runs what it ran.
func (p *process) again() {
	text, err := p.dir.Get(nil, "stat", false, limitText)
	last, bad := proc.ParseStat(string(text))
	if err != nil || bad != nil || last.Start() != p.stat.Start() {
		p.gone = true
		return
	}
	exe, _ := p.dir.Get(nil, "exe", true, limitText)
	p.changed = last.Comm != p.comm || string(exe) != p.exe
}
