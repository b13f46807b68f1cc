package onwindows

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"sort"
	"strings"

	"hozen/packager/evidence/sorting"
)

// A span is a run of addresses or RVAs, its end not included.
type span struct{ start, end uint64 }

func (s span) has(a uint64) bool { return a >= s.start && a < s.end }

// expected gives what the image holds at an RVA when it lies at base: the bytes of the
// file with its relocations applied.
func (f *peFile) expected(rva uint64, n int, base uint64) []byte {
	f.load()
	from := rva - min(rva, 8)
	b := make([]byte, int(rva-from)+n+8)
	f.at(b, from)
	if delta := base - f.imageBase; delta != 0 {
		i := sort.Search(len(f.relocs), func(i int) bool { return uint64(f.relocs[i].rva) >= from })
		for ; i < len(f.relocs) && uint64(f.relocs[i].rva) < from+uint64(len(b)); i++ {
			at := b[uint64(f.relocs[i].rva)-from:]
			switch {
			case f.relocs[i].kind == relDir64 && len(at) >= 8:
				binary.LittleEndian.PutUint64(at, binary.LittleEndian.Uint64(at)+delta)
			case f.relocs[i].kind == relHighLow && len(at) >= 4:
				binary.LittleEndian.PutUint32(at, binary.LittleEndian.Uint32(at)+uint32(delta))
			}
		}
	}
	return b[rva-from:][:n]
}

// A difference is a run of bytes in which memory is not what its file says.
type difference struct {
	rva      uint64
	is, want []byte
}

// nearRun is how many equal bytes may lie within one difference.
const nearRun = 4

// differences compares memory at an RVA with what is expected there, leaving out what
// the loader itself changes.
func (f *peFile) differences(is []byte, rva, base uint64) (out []difference) {
	want := f.expected(rva, len(is), base)
	if bytes.Equal(is, want) {
		return nil
	}
	start, last := -1, -1
	end := func() {
		if start >= 0 {
			out = append(out, difference{rva + uint64(start), bytes.Clone(is[start : last+1]), bytes.Clone(want[start : last+1])})
		}
	}
	for i := range is {
		if is[i] == want[i] || f.fixed(rva+uint64(i)) {
			continue
		}
		if start < 0 || i-last > nearRun {
			end()
			start = i
		}
		last = i
	}
	end()
	return out
}

// fixed says whether the loader changes a place in its own way.
func (f *peFile) fixed(rva uint64) bool {
	i := sort.Search(len(f.fixes), func(i int) bool { return f.fixes[i].end > rva })
	return i < len(f.fixes) && f.fixes[i].has(rva)
}

// merged sorts spans and joins those that touch.
func merged(in []span) (out []span) {
	sorting.By(in, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	for _, s := range in {
		if n := len(out); n > 0 && s.start <= out[n-1].end {
			out[n-1].end = max(out[n-1].end, s.end)
		} else {
			out = append(out, s)
		}
	}
	return out
}

// loaderFixes lists the places outside relocations that the loader writes: import
// address tables, which old linkers put into code, and what the image's table of
// dynamic value relocations names.
func (f *peFile) loaderFixes() (out []span) {
	if d := f.dirs[dirIAT]; d.size > 0 {
		out = append(out, span{uint64(d.rva), uint64(d.rva) + uint64(d.size)})
	}
	out = append(out, f.imports()...)
	return merged(append(out, f.dynamicFixes()...))
}

const maxImports = 1 << 12

// imports lists the tables of addresses of IMAGE_IMPORT_DESCRIPTORs.
func (f *peFile) imports() (out []span) {
	d := f.dirs[dirImport]
	size := uint64(8)
	if !f.wide {
		size = 4
	}
	b := make([]byte, 20)
	for i := range uint64(maxImports) {
		if d.rva == 0 || i*20 >= uint64(max(d.size, 20)) {
			break
		}
		f.at(b, uint64(d.rva)+i*20)
		names, first := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[16:])
		if first == 0 {
			break
		}
		if names == 0 {
			names = first
		}
		n := uint64(0)
		for e := make([]byte, 8); n < maxImports; n++ {
			clear(e)
			f.at(e[:size], uint64(names)+n*size)
			if binary.LittleEndian.Uint64(e) == 0 {
				break
			}
		}
		out = append(out, span{uint64(first), uint64(first) + (n+1)*size})
	}
	return out
}

// An export is a named function of an image.
type export struct {
	rva  uint32
	name string
}

const maxExports = 1 << 16

// exports lists the functions that an image exports by name, by address. Forwarders are
// left out.
func (f *peFile) exports() (out []export) {
	d := f.dirs[dirExport]
	if d.rva == 0 || d.size < 40 {
		return nil
	}
	le := binary.LittleEndian
	head := make([]byte, 40)
	f.at(head, uint64(d.rva))
	functions, names := le.Uint32(head[20:]), min(le.Uint32(head[24:]), maxExports)
	addresses, table, ordinals := le.Uint32(head[28:]), le.Uint32(head[32:]), le.Uint32(head[36:])
	nameAt, ordinal := make([]byte, 4*names), make([]byte, 2*names)
	f.at(nameAt, uint64(table))
	f.at(ordinal, uint64(ordinals))
	address, text := make([]byte, 4), make([]byte, 128)
	for i := range int(names) {
		n := uint32(le.Uint16(ordinal[2*i:]))
		if n >= functions {
			continue
		}
		f.at(address, uint64(addresses)+4*uint64(n))
		rva := le.Uint32(address)
		if rva == 0 || rva >= d.rva && rva-d.rva < d.size {
			continue
		}
		f.at(text, uint64(le.Uint32(nameAt[4*i:])))
		name, _, _ := strings.Cut(string(text), "\x00")
		out = append(out, export{rva, name})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].rva < out[j].rva })
	return out
}

// nearest gives the export that a place lies in or behind: the last that begins at or
// before it, and how far behind.
func nearest(all []export, rva uint64) (export, uint64, bool) {
	i := sort.Search(len(all), func(i int) bool { return uint64(all[i].rva) > rva })
	if i == 0 {
		return export{}, 0, false
	}
	for i > 1 && all[i-2].rva == all[i-1].rva { // of several names the first
		i--
	}
	return all[i-1], rva - uint64(all[i-1].rva), true
}
