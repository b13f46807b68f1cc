package onwindows

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/ntapi"
	"hozen/collector/proc"
	"hozen/collector/section"
	"hozen/collector/volatile/winsys"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// putAnswers puts the raw answers about the whole system.
func (j *processJob) putAnswers() error {
	if j.basis == nil { // the context has ended before anything was asked
		j.basis = &processBasis{}
		for _, name := range []string{"system.bin", "handles.bin", "types.bin", "drivers.bin", "system-later.bin"} {
			j.answers = append(j.answers, systemAnswer{path: name, source: sourceSystem, err: context.Cause(j.ctx)})
		}
	}
	for _, a := range j.answers {
		err := j.to.Put(j.ctx, evidence.Item{Path: processFiles + a.path, Source: a.source}, func(w io.Writer) error {
			if a.err != nil {
				return a.err
			}
			_, err := w.Write(winsys.Pieces{{Addr: a.answer.Base, Data: a.answer.Data}}.Append(nil))
			return err
		})
		if err != nil {
			return err
		}
	}
	return j.to.Put(j.ctx, evidence.Item{Path: processFiles + "basis.txt", Source: "AdjustTokenPrivileges and others, as headed"}, func(w io.Writer) error {
		_, err := w.Write(j.text)
		return err
	})
}

// answer gives the raw answer that was kept under a path.
func (j *processJob) answer(path string) systemAnswer {
	for _, a := range j.answers {
		if a.path == path {
			return a
		}
	}
	return systemAnswer{err: errNoAnswer}
}

// putProcesses reads every process and puts its raw item and the rows that come of it.
func (j *processJob) putProcesses() error {
	var tables [3]*rowStream
	for i, name := range []string{"threads.jsonl", "modules.jsonl", "maps.jsonl"} {
		tables[i] = openRows(j.ctx, j.to, evidence.Item{Path: processFiles + name, Source: "the processes, each as recorded in PID-CREATED.bin"})
	}
	err := j.eachProcess(tables)
	for i, t := range tables {
		err = fault.Join(err, t.end(j.tableTally[i].Err()))
	}
	return err
}

func (j *processJob) eachProcess(tables [3]*rowStream) error {
	index := make([]int, len(j.all))
	for i := range index {
		index[i] = i
	}
	pool := proc.NewPool(j.ctx, func() func(context.Context, int, *processRead) { return j.read }, func() {})
	defer pool.Close()
	for i := range index {
		patience := pool.Patience
		r, why := pool.Next(j.ctx, index[i:])
		if why != nil {
			left := fmt.Errorf("%d processes not read: %w", len(index)-i, why)
			j.tally.Add("processes", left)
			for k := range j.tableTally {
				j.tableTally[k].Add("processes", left)
			}
			for k := range index[i:] {
				j.add(j.unread(&j.all[i+k], why))
			}
			return nil
		}
		if r == nil {
			r = j.unread(&j.all[i], evidence.Cut("no answer within %v", patience))
		}
		j.add(r)
		j.tally.Merge(&r.tally)
		j.tableTally[1].Merge(&r.moduleTally)
		j.tableTally[2].Merge(&r.mapTally)
		writeRows(tables[0], r.threads)
		writeRows(tables[1], r.modules)
		j.noteModules(r.modules)
		writeRows(tables[2], r.maps)
		if err := j.putRaw(r); err != nil {
			return err
		}
	}
	return nil
}

func (j *processJob) add(r *processRead) {
	j.rows[r.row.PID] = r.row
	j.order = append(j.order, r.row)
}

func (j *processJob) putRaw(r *processRead) error {
	item := evidence.Item{
		Path:   fmt.Sprintf("%s%d-%d.bin", processFiles, r.row.PID, r.row.StartedAt),
		Source: fmt.Sprintf("process %d: NtQueryInformationProcess, GetTokenInformation, ReadProcessMemory", r.row.PID),
	}
	return j.to.Put(j.ctx, item, func(w io.Writer) error {
		if _, err := w.Write(r.raw); err != nil {
			return err
		}
		if r.gone {
			return evidence.Gone("it ended while it was read")
		}
		return r.tally.Err()
	})
}

// begin makes the row of a process of what is known before it is read.
func (j *processJob) begin(c *candidate) *ProcessRow {
	row := &ProcessRow{PID: c.pid}
	if c.snap != nil {
		row = fromSnapshot(c.snap)
		row.User = j.basis.sid(c.snap.SID)
	}
	if row.SeenIn = c.seen; c.opened != nil && row.StartedAt == 0 {
		row.StartedAt, row.Start = c.opened.created, stamp(c.opened.created)
	}
	return row
}

func (j *processJob) unread(c *candidate, why error) *processRead {
	r := &processRead{row: j.begin(c)}
	r.row.Unread = jsonl.Text(section.Because(why))
	what := fmt.Sprintf("process %d", c.pid)
	r.tally.Add(what, why)
	r.moduleTally.Add(what, why)
	r.mapTally.Add(what, why)
	return r
}

// read reads one process: a worker of the pool.
func (j *processJob) read(ctx context.Context, i int, r *processRead) {
	c := &j.all[i]
	if c.opened == nil {
		*r = *j.unread(c, c.err)
		p := processReader{snap: c.snap, basis: j.basis, processRead: r}
		p.threadStarts(nil)
		r.raw = section.Append(r.raw, "OpenProcess", false, nil, c.err)
		return
	}
	rec := &recorder{subject: c.opened}
	r.row = j.begin(c)
	p := processReader{s: rec, snap: c.snap, basis: j.basis, processRead: r}
	p.read(ctx, c.opened.denied)
	r.gone = r.row.Ended
	if rec.cut {
		p.fail("raw", evidence.Cut("more than %d bytes of memory were read: the raw item has the first", maxRecorded))
	}
	r.raw = rec.bytes()
}

// putHandles names the handles and puts their rows.
func (j *processJob) putHandles() error {
	t := openRows(j.ctx, j.to, evidence.Item{Path: processFiles + "handles.jsonl", Source: sourceSystem + " 64, NtQueryObject"})
	raw := j.answer("handles.bin")
	var tally evidence.Tally
	tally.Add("handles", raw.err)
	all, err := ntapi.Handles(raw.answer)
	tally.Add("handles", parsed(raw, err))
	kinds := j.answer("types.bin")
	tally.Add("types", kinds.err)
	types, err := ntapi.ObjectTypes(kinds.answer)
	tally.Add("types", parsed(kinds, err))
	own := map[uint64]uint32{}
	for _, c := range j.all {
		if c.opened != nil && c.opened.handle != 0 {
			own[c.opened.handle] = c.pid
		}
	}
	table := newHandleTable(all, types, ourPID(), own)
	table.rows, table.basis = j.rows, j.basis
	if len(all) > 0 {
		n, end := j.sys.namer()
		table.each(j.ctx, n, &tally, func(r *HandleRow) { t.row(r) })
		end()
	}
	table.addHolders()
	return t.end(tally.Err())
}

// putRows hashes the images of processes and drivers, and puts their rows.
func (j *processJob) putRows() error {
	t := openRows(j.ctx, j.to, evidence.Item{Path: processFiles + "drivers.jsonl", Source: j.answer("drivers.bin").source})
	rows := openRows(j.ctx, j.to, evidence.Item{Path: processTable, Source: "NtQuerySystemInformation, NtQueryInformationProcess, GetTokenInformation, ReadProcessMemory, the image files"})
	raw := j.answer("drivers.bin")
	var tally evidence.Tally
	tally.Add("drivers", raw.err)
	all, err := ntapi.Drivers(raw.answer, raw.class)
	tally.Add("drivers", parsed(raw, err))
	j.addImages()
	list := driverRows(all, j.basis, &j.images)
	j.images.read(j.ctx, patienceImages, &tally)
	j.parents()
	writeRows(t, list)
	for _, row := range j.order {
		rows.row(row)
	}
	j.tally.Merge(&tally)
	return fault.Join(t.end(tally.Err()), rows.end(j.tally.Err()))
}

// noteModules keeps the files of modules that putModuleFiles looks at.
func (j *processJob) noteModules(modules []ProcessModuleRow) {
	for i := range modules {
		path := string(cmp.Or(modules[i].MappedPath, modules[i].Path))
		if key := strings.ToLower(path); j.basis.besides(path) && !j.known[key] && len(j.modules) <= maxModuleFiles {
			j.known[key] = true
			j.modules = append(j.modules, path)
		}
	}
}

// putModuleFiles hashes the files of modules, looks at their signatures, and puts their rows.
func (j *processJob) putModuleFiles() error {
	t := openRows(j.ctx, j.to, evidence.Item{Path: processFiles + "module_files.jsonl", Source: "the files of modules that do not lie in directories of the system"})
	tally := j.tableTally[1] // what is not known of modules is not known of their files
	if len(j.modules) > maxModuleFiles {
		j.modules = j.modules[:maxModuleFiles]
		tally.Add("files of modules", evidence.Cut("more than %d", maxModuleFiles))
	}
	rows := make([]*ImageFile, len(j.modules))
	for i, path := range j.modules {
		rows[i] = j.images.want(path)
	}
	j.images.read(j.ctx, patienceModules, &tally)
	for _, row := range rows {
		t.row(row)
	}
	return t.end(tally.Err())
}

// addImages says which file each process runs.
func (j *processJob) addImages() {
	for _, row := range j.order {
		path := string(row.Image)
		if path == "" {
			path = j.basis.drives.Win32(string(row.ImageNT), j.basis.root)
		}
		row.Exe = j.images.want(path)
	}
}

// parents says of each process what its parent is now: one that began later only has the number.
func (j *processJob) parents() {
	for _, row := range j.order {
		if row.PPID == nil || *row.PPID == 0 {
			continue
		}
		parent := j.rows[*row.PPID]
		if parent == nil || parent.Ended || parent.StartedAt > row.StartedAt {
			row.ParentGone = true
			continue
		}
		row.ParentStart, row.ParentName = parent.Start, parent.Name
	}
}
