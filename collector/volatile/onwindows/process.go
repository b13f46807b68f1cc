package onwindows

import (
	"context"
	"fmt"
	"slices"
	"time"

	"hozen/collector"
	"hozen/collector/ntapi"
	"hozen/collector/pe/authenticode"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
	"hozen/packager/evidence/sorting"
)

// Processes is the collector "processes": every process with its threads, modules, memory
// map and handles, and the drivers in the kernel. The answers about the whole system are
// asked for first, at once; then each process is read; handles are named and images hashed
// last, because that takes longest.
//
//	volatile/processes/system.bin        the list of processes and threads, as the call gave it
//	volatile/processes/system-later.bin  the same after all process numbers were tried
//	volatile/processes/handles.bin       the table of handles
//	volatile/processes/types.bin         the types of objects
//	volatile/processes/drivers.bin       the list of drivers
//	volatile/processes/basis.txt         what the rows rest on: our privilege, drives, profiles
//	volatile/processes/PID-CREATED.bin   what one process was asked, and the memory read of it
//	volatile/processes.jsonl             a ProcessRow a process
//	volatile/processes/threads.jsonl, modules.jsonl, maps.jsonl, handles.jsonl, drivers.jsonl
//	volatile/processes/module_files.jsonl  an ImageFile for each file of a module that is not the system's
//
// Processes are read by two workers; one that does not answer is left behind after some
// seconds, and recorded. SeDebugPrivilege is enabled where we hold it. Nothing is suspended,
// nothing is written, and no account is looked up.
func Processes() collector.Collector {
	return collector.Collector{
		Name: "processes", Doc: "processes with their images, threads, modules, memory maps and handles, and loaded drivers",
		Volatility: collector.Live, Needs: collector.LiveHost,
		Limit: collector.Limit{Time: 5 * time.Minute},
		Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
			return collectProcesses(ctx, h, to, liveProcesses())
		},
	}
}

// maxCatalog is the largest catalogue of signatures that is read, in bytes.
const maxCatalog = 16 << 20

const (
	processTable = "volatile/processes.jsonl"
	processFiles = "volatile/processes/"
	sourceSystem = "NtQuerySystemInformation"
)

// A processSystem is the running Windows, or what a test has in its place.
type processSystem struct {
	system      func(class ntapi.SystemClass, limit int) (ntapi.Answer, error)
	types       func() (ntapi.Answer, error)
	pids        func(ctx context.Context, most uint32) ([]uint32, error)
	open        func(pid uint32, created uint64) (*openedProcess, error)
	enableDebug func() (bool, error)
	names       func() (ntapi.Drives, string)
	namer       func() (n namer, end func())
	trust       func(name string) (authenticode.Trust, error)
}

// An openedProcess is one that can be asked.
type openedProcess struct {
	subject
	created uint64
	handle  uint64 // of ours
	denied  error  // which rights were refused
	end     func()
}

// A candidate is one process number with what is known of it before it is read.
type candidate struct {
	pid    uint32
	snap   *ntapi.Process // nil if no list has it
	seen   []string
	opened *openedProcess
	err    error // why it is not opened
}

// A processJob is one run of the collector.
type processJob struct {
	ctx     context.Context
	h       *collector.Host
	to      evidence.Sink
	sys     processSystem
	basis   *processBasis
	text    []byte // of the basis
	answers []systemAnswer
	all     []candidate
	rows    map[uint32]*ProcessRow
	order   []*ProcessRow
	tally   evidence.Tally // of the processes' table
	// of the tables of threads, modules and maps
	tableTally [3]evidence.Tally
	images     images
	modules    []string // files of modules that are looked at, by their Windows paths
	known      map[string]bool
}

// A systemAnswer is one answer about the whole system: a raw item.
type systemAnswer struct {
	path, source string
	class        ntapi.SystemClass
	answer       ntapi.Answer
	err          error
}

func collectProcesses(ctx context.Context, h *collector.Host, to evidence.Sink, sys processSystem) error {
	j := &processJob{ctx: ctx, h: h, to: to, sys: sys, rows: map[uint32]*ProcessRow{}, known: map[string]bool{}}
	j.images = images{h: h, signs: &authenticode.Checker{Ask: sys.trust, Catalog: func(name string) ([]byte, error) {
		name, err := hostName(name)
		if err != nil {
			return nil, err
		}
		return h.ReadFile(name, maxCatalog)
	}}}
	if ctx.Err() == nil {
		j.snapshot()
		defer j.end()
	}
	steps := []func() error{j.putAnswers, j.putProcesses, j.putHandles, j.putRows, j.putModuleFiles}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// The largest answers, in bytes.
const (
	limitProcesses = 256 << 20
	limitHandles   = 128 << 20
	limitDrivers   = 16 << 20
)

// snapshot asks everything about the whole system, and opens the processes: their numbers
// stay theirs from then on, and our handles tell which object is which process.
func (j *processJob) snapshot() {
	j.basis, j.text = readBasis(j.h, j.sys)
	first := j.ask("system.bin", limitProcesses, ntapi.SystemFullProcess, ntapi.SystemExtendedProcess, ntapi.SystemProcess)
	list, err := ntapi.Processes(first.answer, first.class)
	j.tally.Add(sourceSystem, fault.Join(first.err, parsed(first, err)))
	j.tableTally[0].Add(sourceSystem, fault.Join(first.err, parsed(first, err)))
	byPID := map[uint32]bool{}
	for i := range list {
		byPID[list[i].PID] = true
		j.all = append(j.all, candidate{pid: list[i].PID, snap: &list[i], seen: []string{"list"}})
	}
	j.openAll(0)
	handles := j.ask("handles.bin", limitHandles, ntapi.SystemExtendedHandle)
	types, err := j.sys.types()
	j.answers = append(j.answers, systemAnswer{path: "types.bin", source: "NtQueryObject 3", answer: types, err: err})
	j.ask("drivers.bin", limitDrivers, ntapi.SystemModuleEx, ntapi.SystemModule)
	j.otherViews(byPID, handles)
}

// parsed leaves out the error of a parser where there was no answer.
func parsed(a systemAnswer, err error) error {
	if a.err != nil {
		return nil
	}
	return err
}

// ask asks for the first class that this Windows answers.
func (j *processJob) ask(path string, limit int, classes ...ntapi.SystemClass) systemAnswer {
	var s systemAnswer
	for _, c := range classes {
		a, err := j.sys.system(c, limit)
		s = systemAnswer{path, fmt.Sprintf("%s %d", sourceSystem, c), c, a, err}
		if err == nil {
			break
		}
	}
	j.answers = append(j.answers, s)
	return s
}

func (j *processJob) openAll(from int) {
	for i := from; i < len(j.all); i++ {
		c := &j.all[i]
		var created uint64
		if c.snap != nil {
			created = c.snap.Created
		}
		c.opened, c.err = j.sys.open(c.pid, created)
	}
}

// otherViews finds processes that the list does not have: by their numbers, and as owners of
// handles. The list is asked again afterwards, for those that began meanwhile.
func (j *processJob) otherViews(byPID map[uint32]bool, handles systemAnswer) {
	most := uint32(1 << 16)
	for pid := range byPID {
		most = max(most, min(2*pid, 1<<20))
	}
	seen := map[uint32][]string{}
	pids, err := j.sys.pids(j.ctx, most)
	j.tally.Add("process numbers", err)
	for _, pid := range pids {
		seen[pid] = []string{"number"}
	}
	owners, _ := ntapi.Handles(handles.answer)
	last := uint32(0)
	for _, h := range owners {
		if h.PID != last && !slices.Contains(seen[h.PID], "handles") {
			seen[h.PID] = append(seen[h.PID], "handles")
		}
		last = h.PID
	}
	again := j.ask("system-later.bin", limitProcesses, j.answers[0].class)
	later, _ := ntapi.Processes(again.answer, again.class)
	for i := range j.all {
		j.all[i].seen = append(j.all[i].seen, seen[j.all[i].pid]...)
	}
	began := len(j.all)
	for i := range later {
		if p := &later[i]; !byPID[p.PID] {
			byPID[p.PID] = true
			j.all = append(j.all, candidate{pid: p.PID, snap: p, seen: append([]string{"later list"}, seen[p.PID]...)})
		}
	}
	for _, pid := range sortedKeys(seen) {
		if !byPID[pid] && pid != 0 {
			j.all = append(j.all, candidate{pid: pid, seen: seen[pid]})
		}
	}
	j.openAll(began)
	kept := j.all[:began]
	for _, c := range j.all[began:] {
		if outcome, _, _ := evidence.Classify(c.err, 0); c.snap != nil || c.err == nil || outcome == evidence.Denied {
			kept = append(kept, c) // else it has ended meanwhile
		}
	}
	j.all = kept
	sorting.By(j.all, func(a, b candidate) int { return int(int64(a.pid) - int64(b.pid)) })
}

func (j *processJob) end() {
	for _, c := range j.all {
		if c.opened != nil && c.opened.end != nil {
			c.opened.end()
		}
	}
}
