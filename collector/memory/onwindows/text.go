package onwindows

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/memory/indicators"
	"hozen/packager/evidence"
)

func textKinds() []indicators.Kind {
	hooks := "security software, debuggers and overlays of games that put their own code before functions"
	return []indicators.Kind{
		{ID: "image-entry-patched", Technique: "T1055.012", Level: memory.High,
			Doc:    "the first instructions of the running image are not those of its file",
			Benign: []string{"programs that decrypt themselves after their start; debuggers"}},
		{ID: "hook-export-patched", Technique: "T1055", Level: memory.High,
			Doc:    "a function that a library of the system exports begins with other instructions than in its file",
			Benign: []string{hooks}},
		{ID: "map-text-patched", Technique: "T1055", Level: memory.High,
			Doc:    "code of an image in memory is not that of its file",
			Benign: []string{hooks, "programs that decrypt themselves after their start"}},
	}
}

// Bounds of what of the changed code of one process is compared and shown.
const (
	limitChanged = 4096 // pages of one image
	limitShown   = 64   // differences of one image that have a row of their own
	limitProof   = 64 << 10
	pageBytes    = 4096
	blockBytes   = 64 << 10
)

// checkText compares the code of images with their files: where the system tells which
// pages are the process's own, only those; else all of it.
func checkText(p *process) {
	for i := range p.images {
		if p.ctx.Err() != nil {
			p.tally.Add("code of images", p.ctx.Err())
			return
		}
		m := &p.images[i]
		file, err := p.s.files.get(m.path)
		if err != nil || !p.mapped(m) {
			continue // checkImages says so
		}
		if d := p.changed(m, file); len(d) > 0 {
			p.reportChanged(m, file, d)
		}
	}
}

// changed gives the differences of one image, bounded.
func (p *process) changed(m *imageMap, f *peFile) (out []difference) {
	pages := 0
	for _, s := range f.sections {
		// A section that is to be written and executed says itself that its code changes.
		if s.flags&sectionExecute == 0 || s.flags&sectionWrite != 0 || uint64(s.rva)+uint64(s.size) > uint64(f.sizeOfImage) {
			continue
		}
		for _, run := range p.ownPages(m, span{uint64(s.rva), uint64(s.rva) + min(uint64(s.size), uint64(s.rawSize))}) {
			for at := run.start; at < run.end && p.ctx.Err() == nil; at += blockBytes {
				is, err := p.read(m.start+at, int(min(run.end-at, blockBytes)))
				if err != nil || p.s.equal(f, m, at, is) {
					continue
				}
				d := f.differences(is, at, m.start)
				if out = append(out, d...); len(d) > 0 {
					pages += (len(is) + pageBytes - 1) / pageBytes
				}
				if pages > limitChanged {
					p.tally.Add(m.path, evidence.Cut("more than %d pages of its code may have been changed; the rest was not compared", limitChanged))
					return out
				}
			}
		}
	}
	return out
}

// equal says whether a block of code is what is expected. What was found so in one
// process is remembered for the others, in which the same image lies at the same place.
func (s *survey) equal(f *peFile, m *imageMap, rva uint64, is []byte) bool {
	key := blockKey{plainName(m.path), m.start, rva, len(is)}
	sum := sha256.Sum256(is)
	if s.blocks[key] == sum {
		return true
	}
	if len(f.differences(is, rva, m.start)) > 0 {
		return false
	}
	if s.blocks == nil || len(s.blocks) > maxBlocks {
		s.blocks = map[blockKey][sha256.Size]byte{}
	}
	s.blocks[key] = sum
	return true
}

const maxBlocks = 1 << 16

type blockKey struct {
	path     string
	base, at uint64
	size     int
}

// ownPages gives the runs of pages that are not shared with others who map the file;
// all where the system does not tell.
func (p *process) ownPages(m *imageMap, s span) (out []span) {
	if p.pages == nil {
		return []span{s}
	}
	var at []uint64
	for a := s.start &^ (pageBytes - 1); a < s.end; a += pageBytes {
		at = append(at, m.start+a)
	}
	states, err := p.pages(at)
	if err != nil || len(states) != len(at) {
		return []span{s}
	}
	for i, st := range states {
		if st.Shared() {
			continue
		}
		a := at[i] - m.start
		out = append(out, span{max(a, s.start), min(a+pageBytes, s.end)})
	}
	return merged(out)
}

// watched are the libraries whose exported functions are what others hook: each
// difference in them is told by the function.
func watched(name string) bool {
	switch strings.ToLower(base(name)) {
	case "ntdll.dll", "kernel32.dll", "kernelbase.dll", "user32.dll", "win32u.dll", "amsi.dll", "wldp.dll", "ws2_32.dll",
		"advapi32.dll", "sechost.dll", "wininet.dll", "winhttp.dll", "crypt32.dll", "sspicli.dll", "clr.dll", "coreclr.dll":
		return true
	}
	return false
}

// reportChanged makes rows of the differences of one image.
func (p *process) reportChanged(m *imageMap, f *peFile, all []difference) {
	var rest []difference
	shown := 0
	for _, d := range all {
		e, behind, ok := nearest(f.exported(), d.rva)
		switch {
		case p.pebRead && m.start == p.peb.ImageBase && f.entry > 0 && d.rva <= uint64(f.entry)+16 && uint64(f.entry) < d.rva+uint64(len(d.is)):
			p.reportPatch("image-entry-patched", m, d, fmt.Sprintf("the entry of %s at %#x", clipped(m.path), m.start+uint64(f.entry)))
		case watched(m.path) && ok && behind < 32 && shown < limitShown:
			shown++
			p.reportPatch("hook-export-patched", m, d, fmt.Sprintf("%s!%s", base(m.path), e.name))
		default:
			rest = append(rest, d)
		}
	}
	if len(rest) == 0 {
		return
	}
	bytes, proofs := 0, []byte{}
	for _, d := range rest {
		bytes += len(d.is)
		if len(proofs) < limitProof {
			proofs = append(proofs, fmt.Sprintf("%#x memory %x file %x\n", m.start+d.rva, d.is[:min(len(d.is), 256)], d.want[:min(len(d.want), 256)])...)
		}
	}
	fd := finding{id: "map-text-patched", seen: fmt.Sprintf("%d bytes of the code of %s in memory, in %d places from %#x on, are not those of its file", bytes, clipped(m.path), len(rest), m.start+rest[0].rva),
		proofs: []proof{{name: fmt.Sprintf("text-%x.txt", m.start), source: "memory and " + m.path, data: proofs}}}
	for _, d := range rest[:min(len(rest), 256)] {
		at := (m.start + d.rva) &^ (pageBytes - 1)
		fd.regions = append(fd.regions, memory.Region{Start: at, End: (m.start + d.rva + uint64(len(d.is)) + pageBytes - 1) &^ (pageBytes - 1), Why: fd.id})
	}
	fd.explained = p.whyPatched(m, rest)
	p.report(fd)
}

// reportPatch makes a row of one difference.
func (p *process) reportPatch(id string, m *imageMap, d difference, what string) {
	at := m.start + d.rva
	n := min(len(d.is), 64)
	page := at &^ (pageBytes - 1)
	p.report(finding{id: id, seen: fmt.Sprintf("%s begins with other instructions than in its file: %d bytes at %#x", what, len(d.is), at),
		views: []memory.View{
			{Source: "memory at " + address(at), Says: jsonl.Text(fmt.Sprintf("%x", d.is[:n]))},
			{Source: m.path, Says: jsonl.Text(fmt.Sprintf("%x", d.want[:n]))},
		},
		proofs: []proof{
			{name: fmt.Sprintf("memory-%x.bin", at), source: fmt.Sprintf("memory of process %d at %#x", p.info.PID, at), data: d.is},
			{name: fmt.Sprintf("file-%x.bin", at), source: m.path, data: d.want},
		},
		regions:   []memory.Region{{Start: page, End: page + pageBytes, Why: id}},
		explained: p.whyPatched(m, []difference{d})})
}

// whyPatched explains differences each of which is a jump that ends in an image that
// somebody vouches for.
func (p *process) whyPatched(m *imageMap, all []difference) string {
	by, why := "", ""
	for _, d := range all {
		is, _ := p.read(m.start+d.rva, 16)
		to := p.follow(m.start+d.rva, is)
		if to == nil || !p.mapped(to) {
			return ""
		}
		if by, why = to.path, p.s.vouched(to.path); why == "" {
			return ""
		}
	}
	if by == "" {
		return ""
	}
	return "a jump into " + clipped(by) + ", " + why
}

// follow gives the image in which a jump ends, over at most three hops through private
// memory, which it notes as trampolines; nil if it ends elsewhere.
func (p *process) follow(at uint64, code []byte) *imageMap {
	var over []span
	for range 4 {
		to, ok := p.jump(at, code)
		if !ok {
			return nil
		}
		if m := p.image(to); m != nil {
			p.trampolines = append(p.trampolines, over...)
			return m
		}
		r, ok := p.region(to)
		if !ok || !r.Executable() {
			return nil
		}
		over = append(over, p.allocation(r.AllocationBase))
		at = to
		if code, _ = p.read(at, 16); len(code) < 16 {
			return nil
		}
	}
	return nil
}

// jump decodes the jumps that hooks are made of (Intel SDM, volume 2): jmp rel32, jmp
// [rip+disp32], mov rax/r10/r11,imm64 with jmp, push imm32 with mov [rsp+4] and ret,
// and on arm64 ldr x16/x17,#8 with br.
func (p *process) jump(at uint64, b []byte) (uint64, bool) {
	le := binary.LittleEndian
	switch {
	case len(b) >= 5 && b[0] == 0xe9:
		return at + 5 + uint64(int64(int32(le.Uint32(b[1:])))), true
	case len(b) >= 6 && b[0] == 0xff && b[1] == 0x25:
		ptr, err := p.read(at+6+uint64(int64(int32(le.Uint32(b[2:])))), 8)
		if err != nil {
			return 0, false
		}
		return le.Uint64(ptr), true
	case len(b) >= 12 && b[0] == 0x48 && b[1] == 0xb8 && b[10] == 0xff && b[11] == 0xe0,
		len(b) >= 13 && b[0] == 0x49 && (b[1] == 0xba || b[1] == 0xbb) && b[10] == 0x41 && b[11] == 0xff:
		return le.Uint64(b[2:]), true
	case len(b) >= 14 && b[0] == 0x68 && bytes.Equal(b[5:9], []byte{0xc7, 0x44, 0x24, 0x04}) && b[13] == 0xc3:
		return uint64(le.Uint32(b[1:])) | uint64(le.Uint32(b[9:]))<<32, true
	case len(b) >= 16 && (le.Uint32(b) == 0x58000050 && le.Uint32(b[4:]) == 0xd61f0200 || le.Uint32(b) == 0x58000051 && le.Uint32(b[4:]) == 0xd61f0220):
		return le.Uint64(b[8:]), true
	}
	return 0, false
}
