package volatile

import (
	"strconv"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/proc"
	"hozen/collector/section"
)

// makeRows makes the rows of a process from its raw text alone (and the image,
// which only the running host has), so that anybody can make them again from
// the archive.
func makeRows(r *procRead, b *basis) {
	m := rowMaker{r: r, b: b, p: Process{PID: r.pid, Gone: r.gone}}
	if r.image != nil {
		m.p.Exe = &r.image.Image
	}
	rest := string(r.raw)
	for rest != "" {
		s, after, err := section.Cut(rest)
		if err != nil {
			m.fault("raw", err.Error())
			break
		}
		m.section(s)
		rest = after
	}
	m.flushFile()
	m.finish()
	r.row = append(appendProcess(r.row, &m.p), '\n')
}

// A rowMaker takes the sections of one process.
type rowMaker struct {
	r        *procRead
	b        *basis
	p        Process
	main     proc.Stat
	seen     bool // the first stat was taken
	file     File
	inFile   bool
	files    int
	mappings int
}

// section takes one section. Text that is not what it should be is a fault of
// its field; the others are taken all the same.
func (m *rowMaker) section(s section.Section) {
	name := strings.TrimPrefix(s.Name, "/proc/")
	if _, after, ok := strings.Cut(name, "/"); ok {
		name = after
	}
	if !procName(name) {
		m.fault("raw", "a section that is not of a process")
		return
	}
	top, sub, _ := strings.Cut(name, "/")
	if top == "fd" && sub != "" || top == "fdinfo" {
		m.openFile(top, sub, s)
		return
	}
	if s.Err != "" && s.Outcome() != "absent" {
		m.fault(top, s.Err)
	}
	if s.Err != "" && s.Data == "" {
		return
	}
	switch top {
	case "stat":
		m.stat(s.Data)
	case "fd":
		m.p.OpenFiles = &m.files
	case "maps":
		m.p.Mappings = &m.mappings
		m.maps(s.Data)
	case "task":
		if sub != "" {
			m.thread(s.Data)
		}
	case "ns":
		m.namespace(sub, s.Data)
	default:
		m.field(top, s.Data)
	}
}

// procName says whether a name is of the kind that the kernel gives below
// /proc/PID: names become keys of the row.
func procName(name string) bool {
	for i := range len(name) {
		if c := name[i]; c != '_' && c != '/' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

func (m *rowMaker) fault(name, why string) {
	if m.p.Errors == nil {
		m.p.Errors = map[string]jsonl.Text{}
	}
	if _, has := m.p.Errors[name]; !has {
		m.p.Errors[name] = jsonl.Text(why)
	}
}

// field takes the files that are one value or a few.
func (m *rowMaker) field(name, data string) {
	p := &m.p
	line := strings.TrimSuffix(data, "\n")
	switch name {
	case "status":
		fillStatus(p, data, m.b)
	case "cmdline":
		p.Argv = splitTexts(nil, data, 0)
	case "environ":
		p.Environ = splitTexts(nil, data, 0)
	case "exe":
		if p.Exe == nil {
			p.Exe = &Image{Path: jsonl.Text(data)}
		}
	case "cwd":
		p.Cwd = jsonl.Text(data)
	case "root":
		p.Root = jsonl.Text(data)
	case "uid_map":
		p.UIDMap = splitTexts(nil, data, '\n')
	case "gid_map":
		p.GIDMap = splitTexts(nil, data, '\n')
	case "cgroup":
		p.Cgroup = splitTexts(nil, data, '\n')
		runtime, id := proc.Container(data)
		p.Runtime, p.Container = runtime, jsonl.Text(id)
	case "io":
		p.IO = parseIO(data)
	case "loginuid":
		// 4294967295 is "nobody logged in": INVALID_UID, user_namespaces(7).
		if id, ok := m.b.users.id(line); ok && id.ID != 1<<32-1 {
			p.LoginUID = &id
		}
	case "sessionid":
		if id := procNumberIf(line); id != nil && *id != 1<<32-1 {
			p.SessionID = id
		}
	case "oom_score":
		p.OOMScore = procNumberIf(line)
	case "oom_score_adj":
		p.OOMScoreAdj = procNumberIf(line)
	case "wchan":
		if line != "0" { // it waits for nothing, or we may not know
			p.WChan = jsonl.Text(line)
		}
	case "personality":
		p.Personality = printable(line)
	case "attr":
		p.Label = jsonl.Text(strings.TrimRight(line, "\x00"))
	}
}

func (m *rowMaker) stat(data string) {
	if m.seen {
		return // the second look, kept only where it tells of an end
	}
	s, err := proc.ParseStat(data)
	if err != nil {
		m.fault("stat", err.Error())
		return
	}
	m.main, m.seen = s, true
	p, f := &m.p, &s.Field
	u := func(n int) uint64 { return uint64(f[n]) }
	p.PPID, p.Comm, p.State = new(int(f[proc.StatPPID])), new(jsonl.Text(s.Comm)), printable(s.State)
	p.StartTicks, p.Start = new(s.Start()), m.b.started(s.Start())
	if p.Start != "" {
		p.StartFrom = m.b.bootFrom
	}
	p.KernelThread, p.Flags = new(s.KernelThread()), new(u(proc.StatFlags))
	p.Pgrp, p.Session = new(f[proc.StatPgrp]), new(f[proc.StatSession])
	if p.TTY = ttyOf(f[proc.StatTTY], m.b.ttys); p.TTY != nil {
		p.TTYPgrp = f[proc.StatTTYPgrp]
	}
	p.NumThreads, p.ExitSignal = new(f[proc.StatThreads]), f[proc.StatExitSignal]
	p.CPU = &CPU{
		User: u(proc.StatUtime), System: u(proc.StatStime), ChildUser: u(proc.StatCutime), ChildSystem: u(proc.StatCstime),
		Guest: u(proc.StatGuest), BlockIO: u(proc.StatBlockIO), MinorFaults: u(proc.StatMinflt), MajorFaults: u(proc.StatMajflt),
		Processor: f[proc.StatProcessor], TicksEachSecond: m.b.ticks,
	}
	p.Sched = &Sched{Priority: new(f[proc.StatPriority]), Nice: f[proc.StatNice], RTPriority: f[proc.StatRTPriority], Policy: new(f[proc.StatPolicy])}
	p.Memory = &Memory{Virtual: u(proc.StatVsize), Resident: u(proc.StatRSS) * m.b.pageSize}
}

func (m *rowMaker) thread(data string) {
	s, err := proc.ParseStat(data)
	if err != nil {
		m.fault("task", err.Error())
		return
	}
	m.p.Threads = append(m.p.Threads, m.threadOf(&s))
}

func (m *rowMaker) threadOf(s *proc.Stat) Thread {
	return Thread{TID: s.PID, Comm: jsonl.Text(s.Comm), State: printable(s.State), StartTicks: s.Start(), Start: m.b.started(s.Start())}
}

// namespace reads the target of a link of namespaces(7): "net:[4026531840]".
func (m *rowMaker) namespace(name, target string) {
	_, number, ok := strings.Cut(target, ":[")
	inode, err := strconv.ParseUint(strings.TrimSuffix(number, "]"), 10, 64)
	if !ok || err != nil {
		m.fault("ns", "not a namespace: "+target)
		return
	}
	if m.p.Namespaces == nil {
		m.p.Namespaces = make(map[string]uint64, 10)
	}
	m.p.Namespaces[name] = inode
}

func (m *rowMaker) maps(data string) {
	for line := range strings.Lines(data) {
		row, err := parseMapLine(strings.TrimSuffix(line, "\n"))
		if err != nil {
			m.fault("maps", err.Error())
			continue
		}
		row.PID, row.StartTicks = m.r.pid, m.r.start
		m.r.maps = append(appendMap(m.r.maps, &row), '\n')
		m.mappings++
	}
}

// openFile takes fd/N, and the fdinfo/N that follows it.
func (m *rowMaker) openFile(top, sub string, s section.Section) {
	if top == "fd" {
		m.flushFile()
		fd, err := strconv.Atoi(sub)
		if err != nil {
			m.fault("fd", "not a number: "+sub)
			return
		}
		m.inFile = true
		target, deleted := strings.CutSuffix(s.Data, proc.DeletedMark)
		m.file = File{PID: m.r.pid, StartTicks: m.r.start, FD: fd, Target: jsonl.Text(target), Deleted: deleted, Error: jsonl.Text(s.Err)}
		return
	}
	if !m.inFile {
		return
	}
	fillFDInfo(&m.file, s.Data)
	if m.file.Error == "" {
		m.file.Error = jsonl.Text(s.Err)
	}
}

func (m *rowMaker) flushFile() {
	if m.inFile {
		m.r.files = append(appendFile(m.r.files, &m.file), '\n')
		m.files++
		m.inFile = false
	}
}

// finish adds what rests on several sections.
func (m *rowMaker) finish() {
	if !m.seen {
		return
	}
	if len(m.p.Threads) == 0 && *m.p.NumThreads == 1 {
		m.p.Threads = []Thread{m.threadOf(&m.main)}
	}
	*m.p.NumThreads = max(*m.p.NumThreads, int64(len(m.p.Threads)))
}
