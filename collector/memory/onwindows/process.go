package onwindows

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/ntapi"
	"hozen/collector/section"
	"hozen/packager/evidence"
)

// A process is what a process check is given: what was read of one process in one
// go, and its memory to read more.
type process struct {
	ctx  context.Context
	s    *survey
	info ntapi.Process

	// path is the image's name now, kernelPath the one it was started by, as the kernel
	// says them; both as programs know names. "" where not known.
	path, kernelPath string
	sid, user        string
	protected        bool // the system keeps others from its memory
	peb              ntapi.PEB
	pebRead          bool
	params           ntapi.Parameters
	modules          []ntapi.Module // of the loader's lists, both widths
	modulesErr       error
	regions          []ntapi.Region // ascending; nil where they were not read
	images           []imageMap     // of regions
	// instructions says where threads are, by their number; 0 or left out where unknown.
	instructions map[uint32]uint64
	mem          io.ReaderAt // offsets are addresses; nil where memory cannot be read
	// pages says of pages of an image whether they are the process's own; nil where the
	// system does not tell that of other processes.
	pages func(addresses []uint64) ([]ntapi.WorkingSetPage, error)
	// gone says that it has ended, or that its number was given away.
	gone bool

	raw   []byte
	found []finding
	tally evidence.Tally
	// trampolines are runs of private memory through which hooks of installed software go.
	trampolines []span
}

// An imageMap is an image that is mapped: the regions of one allocation.
type imageMap struct {
	span
	path    string // of the file, as programs know it; "" where the kernel has no name
	device  string // as the kernel has it
	fileErr error
	regions []ntapi.Region
}

// Bounds of what is read of one process; more is recorded as cut.
const (
	limitFound   = 1 << 10
	limitRawKept = 16 << 20
)

// section keeps something that was read as raw evidence.
func (p *process) section(name string, data []byte, err error) {
	if len(p.raw)+len(data) > limitRawKept {
		data, err = nil, evidence.Cut("%s: the evidence of this process is longer than %d bytes", name, limitRawKept)
	}
	p.raw = section.Append(p.raw, name, false, data, err)
	if err != nil && !p.gone {
		p.tally.Add(fmt.Sprintf("process %d %s: %s", p.info.PID, p.info.Name, name), err)
	}
}

func (p *process) report(f finding) {
	switch {
	case len(p.found) < limitFound:
		p.found = append(p.found, f)
	case len(p.found) == limitFound:
		p.tally.Add(fmt.Sprintf("process %d", p.info.PID), evidence.Cut("more than %d indicators", limitFound))
	}
}

// subject names the process in a row.
func (p *process) subject() *memory.Subject {
	return subjectOf(p.info, firstOf(p.path, p.kernelPath), p.sid, p.user)
}

func subjectOf(i ntapi.Process, path, sid, user string) *memory.Subject {
	s := &memory.Subject{PID: int(i.PID), StartTicks: i.Created, Comm: jsonl.Text(i.Name), Exe: jsonl.Text(path), SID: sid, User: jsonl.Text(user)}
	if i.Created != 0 {
		s.Created = stamp(i.Created)
	}
	return s
}

func firstOf(names ...string) string {
	for _, n := range names {
		if n != "" {
			return n
		}
	}
	return ""
}

// arrange sorts the regions and finds the images in them.
func (p *process) arrange() {
	sort.Slice(p.regions, func(i, j int) bool { return p.regions[i].Base < p.regions[j].Base })
	for _, r := range p.regions {
		if r.Type != ntapi.MemImage || r.State == ntapi.MemFree {
			continue
		}
		n := len(p.images)
		if n == 0 || p.images[n-1].start != r.AllocationBase {
			p.images = append(p.images, imageMap{span: span{r.AllocationBase, r.Base + r.Size}, device: r.File, path: p.s.win32(r.File), fileErr: r.FileError})
			n++
		}
		m := &p.images[n-1]
		m.end = max(m.end, r.Base+r.Size)
		m.regions = append(m.regions, r)
		if m.device == "" && r.File != "" {
			m.device, m.path = r.File, p.s.win32(r.File)
		}
	}
	p.section("memory map", p.describeRegions(), nil)
	p.section("loader lists", p.describeModules(), p.modulesErr)
}

func (p *process) describeRegions() []byte {
	var b strings.Builder
	for _, r := range p.regions {
		if r.State != ntapi.MemFree {
			fmt.Fprintf(&b, "%x-%x allocation %x (%s) %s %s %s %q\n", r.Base, r.Base+r.Size, r.AllocationBase, ntapi.ProtectName(r.AllocationProtect), r.StateName(), ntapi.ProtectName(r.Protect), r.TypeName(), r.File)
		}
	}
	return []byte(b.String())
}

func (p *process) describeModules() []byte {
	var b strings.Builder
	for _, m := range p.modules {
		fmt.Fprintf(&b, "%x size %x load %d memory %d init %d entry %x %q %q %s\n", m.Base, m.Size, m.InLoad, m.InMemory, m.InInit, m.EntryPoint, m.FullName, m.BaseName, m.Error)
	}
	return []byte(b.String())
}

// region gives the region over an address; false in free or unread memory.
func (p *process) region(at uint64) (ntapi.Region, bool) {
	i := sort.Search(len(p.regions), func(i int) bool { return p.regions[i].Base+p.regions[i].Size > at })
	if i == len(p.regions) || p.regions[i].Base > at || p.regions[i].State == ntapi.MemFree {
		return ntapi.Region{}, false
	}
	return p.regions[i], true
}

// image gives the image over an address, or nil.
func (p *process) image(at uint64) *imageMap {
	i := sort.Search(len(p.images), func(i int) bool { return p.images[i].end > at })
	if i == len(p.images) || !p.images[i].has(at) {
		return nil
	}
	return &p.images[i]
}

var errNoMemory = errors.New("its memory cannot be read")

// read reads n bytes of memory; fewer come with an error.
func (p *process) read(at uint64, n int) ([]byte, error) {
	if p.mem == nil || at > 1<<62 {
		return nil, errNoMemory
	}
	b := make([]byte, n)
	got, err := p.mem.ReadAt(b, int64(at))
	if got = min(max(got, 0), n); got == n {
		err = nil
	} else if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return b[:got], err
}

// regionOf makes the range of a finding that contents should keep.
func regionOf(s span, why string) memory.Region {
	return memory.Region{Start: s.start, End: s.end, Why: why}
}

// text cuts memory into a proof that is not too large.
func (p *process) proof(name string, at uint64, n int) proof {
	b, _ := p.read(at, min(n, 4096))
	return proof{name: fmt.Sprintf("%s-%x.bin", name, at), source: fmt.Sprintf("memory of process %d", p.info.PID), data: b}
}
