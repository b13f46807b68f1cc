package onwindows

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/memory/indicators"
)

func imageKinds() []indicators.Kind {
	upgraded := "software was upgraded or removed while it ran"
	return []indicators.Kind{
		{ID: "image-deleted", Technique: "T1070.004", Level: memory.High,
			Doc:    "the file of the running image has no name any more",
			Benign: []string{upgraded, "an installer that removes itself"}},
		{ID: "image-replaced", Technique: "T1055.013", Level: memory.High,
			Doc:    "the name of the running image leads to another program than the one that is mapped",
			Benign: []string{upgraded}},
		{ID: "image-renamed", Technique: "T1036.005", Level: memory.Medium,
			Doc:    "the file of the running image has another name than when it was started",
			Benign: []string{upgraded}},
		{ID: "image-base", Technique: "T1055.012", Level: memory.High,
			Doc: "where the process says that its image lies is no image, or that of another file"},
		{ID: "map-image-no-file", Technique: "T1055.013", Level: memory.High,
			Doc: "an image is mapped for which the kernel has no file"},
		{ID: "map-image-deleted", Technique: "T1070.004", Level: memory.Medium,
			Doc:    "the file of a mapped library has no name any more",
			Benign: []string{upgraded, "a program that unpacks a library and removes it"}},
		{ID: "map-image-replaced", Technique: "T1055.013", Level: memory.High,
			Doc:    "the name of a mapped library leads to another one than the one that is mapped",
			Benign: []string{upgraded}},
		{ID: "map-head-wiped", Technique: "T1620", Level: memory.Medium,
			Doc:    "the headers of a mapped image were overwritten",
			Benign: []string{"programs that protect themselves against copying"}},
	}
}

// checkImages holds what is mapped as an image against the file that it is from.
func checkImages(p *process) {
	if p.pebRead && len(p.regions) > 0 {
		checkBase(p)
	}
	if main := p.image(p.peb.ImageBase); p.pebRead && main != nil || p.path == "" {
		checkNames(p)
	}
	for i := range p.images {
		if p.ctx.Err() != nil {
			return
		}
		checkImage(p, &p.images[i])
	}
}

// checkBase looks at what lies where the process says that its image is.
func checkBase(p *process) {
	r, ok := p.region(p.peb.ImageBase)
	m := p.image(p.peb.ImageBase)
	f := finding{id: "image-base", views: []memory.View{
		{Source: "PEB ImageBaseAddress", Says: jsonl.Text(address(p.peb.ImageBase))},
		{Source: "image name of the kernel", Says: jsonl.Text(firstOf(p.path, p.kernelPath))},
	}}
	switch {
	case !ok:
		f.seen = fmt.Sprintf("says that its image lies at %#x, where nothing is mapped", p.peb.ImageBase)
	case m == nil:
		f.seen = fmt.Sprintf("its image at %#x is %s memory that belongs to no image", p.peb.ImageBase, r.TypeName())
		s := p.allocation(r.AllocationBase)
		f.regions = []memory.Region{regionOf(s, f.id)}
		f.proofs = []proof{p.proof("image", p.peb.ImageBase, 4096)}
	case onDrive(p.path) && onDrive(m.path) && !sameName(m.path, p.path) && !sameName(m.path, p.kernelPath):
		f.seen = fmt.Sprintf("its image at %#x is of another file than the process was made of", p.peb.ImageBase)
		f.views = append(f.views, memory.View{Source: "file mapped there", Says: jsonl.Text(m.path)})
		f.regions = []memory.Region{regionOf(m.span, f.id)}
	default:
		return
	}
	p.report(f)
}

// checkNames compares the name at the start with the name now.
func checkNames(p *process) {
	if !onDrive(p.path) || !onDrive(p.kernelPath) || sameName(p.path, p.kernelPath) {
		return
	}
	f := finding{id: "image-renamed", seen: "was started as " + clipped(p.kernelPath) + "; its file is called " + clipped(p.path) + " now",
		views: []memory.View{{Source: "ProcessImageFileName", Says: jsonl.Text(p.kernelPath)}, {Source: "ProcessImageFileNameWin32", Says: jsonl.Text(p.path)}}}
	if p.s.places.installed(p.path) && p.s.places.installed(p.kernelPath) {
		f.explained = "both names lie where only administrators write"
	}
	p.report(f)
}

// checkImage compares the headers of one image with those of its file.
func checkImage(p *process, m *imageMap) {
	main := p.pebRead && m.start == p.peb.ImageBase
	kind := func(of string) string {
		if main {
			return "image-" + of
		}
		return "map-image-" + of
	}
	f := finding{regions: []memory.Region{{Start: m.start, End: m.end}}, views: []memory.View{{Source: "file mapped at " + address(m.start), Says: jsonl.Text(firstOf(m.path, m.device))}}}
	file, err := p.s.files.get(m.path)
	if m.device != "" && errors.Is(err, errors.ErrUnsupported) {
		return // on another machine, which may never answer
	}
	head, _ := p.read(m.start, headBytes)
	is, bad := parsePE(head)
	switch {
	case m.device == "":
		if m.fileErr != nil && !errors.Is(m.fileErr, fs.ErrNotExist) {
			p.tally.Add(fmt.Sprintf("process %d: file mapped at %#x", p.info.PID, m.start), m.fileErr)
			return
		}
		f.id, f.seen = "map-image-no-file", fmt.Sprintf("an image at %#x has no file", m.start)
	case errors.Is(err, fs.ErrNotExist):
		f.id, f.seen = kind("deleted"), clipped(m.path)+" is mapped, and no file has that name"
	case err != nil && !errors.Is(err, errNoPE):
		p.tally.Add(m.path, err)
		return
	case len(head) < 64:
		return
	case errors.Is(err, errNoPE) || bad == nil && !is.same(file.peHead):
		f.id, f.seen = kind("replaced"), clipped(m.path)+" is another program than the one that is mapped"
		f.proofs = []proof{{name: fmt.Sprintf("head-%x.bin", m.start), source: "headers in memory", data: head}}
	case bad != nil:
		f.id, f.seen = "map-head-wiped", fmt.Sprintf("the headers of %s at %#x were overwritten", clipped(m.path), m.start)
		f.proofs = []proof{{name: fmt.Sprintf("head-%x.bin", m.start), source: "headers in memory", data: head}}
	default:
		return
	}
	f.regions[0].Why = f.id
	if p.s.places.installed(m.path) && (strings.HasSuffix(f.id, "deleted") || strings.HasSuffix(f.id, "replaced") && bad == nil) {
		f.explained = "it lay where only administrators write: an upgrade or removal while it ran"
	}
	p.report(f)
}

// mapped says whether the file of an image is what is mapped, by its headers.
func (p *process) mapped(m *imageMap) bool {
	file, err := p.s.files.get(m.path)
	if err != nil {
		return false
	}
	head, _ := p.read(m.start, headBytes)
	is, err := parsePE(head)
	return err == nil && is.same(file.peHead)
}

// installed says whether the running image is installed software: its file lies where
// only administrators write, and is what is mapped.
func (p *process) installed(path string) bool {
	m := p.image(p.peb.ImageBase)
	return p.pebRead && m != nil && p.s.places.installed(path) && sameName(m.path, path) && p.mapped(m)
}

// allocation gives the whole range that was allocated at once.
func (p *process) allocation(base uint64) span {
	s := span{base, base}
	for _, r := range p.regions {
		if r.AllocationBase == base && r.Size > 0 {
			s.end = max(s.end, r.Base+r.Size)
		}
	}
	return s
}

// sameName compares names as Windows does, but for marks of its name spaces.
func sameName(a, b string) bool { return plainName(a) == plainName(b) }

func plainName(name string) string {
	name = fold(name)
	for _, mark := range []string{`\??\`, `\\?\`, `\\.\`} {
		name = strings.TrimPrefix(name, mark)
	}
	return name
}
