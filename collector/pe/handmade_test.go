package pe

import (
	"encoding/binary"

	"hozen/collector/utf16"
)

// A builder lays a small image out by RVA: headers up to 0x200, one section from 0x1000 on
// whose bytes in the file begin at 0x200.
type builder struct {
	wide bool
	sect []byte // of the section
}

const (
	sectionRVA  = 0x1000
	sectionRaw  = 0x200
	sectionSize = 0x1000
)

func (b *builder) put(rva uint32, v any) uint32 {
	buf, err := binary.Append(nil, binary.LittleEndian, v)
	if err != nil {
		panic(err)
	}
	copy(b.sect[rva-sectionRVA:], buf)
	return rva + uint32(len(buf))
}

func (b *builder) text(rva uint32, s string) { b.put(rva, []byte(s+"\x00")) }

// handmade builds a library that has everything that is read here.
func handmade(wide bool) (file []byte) {
	b := &builder{wide, make([]byte, sectionSize)}
	b.exports(0x1000)
	b.imports(0x1200)
	b.delayed(0x1500)
	b.debug(0x1700)
	b.resource(0x1800)
	h := b.header()
	return append(h, b.sect...)
}

// mapped lays the same out as the loader does.
func mappedOf(file []byte) []byte {
	out := make([]byte, sectionRVA+sectionSize)
	copy(out, file[:sectionRaw])
	copy(out[sectionRVA:], file[sectionRaw:])
	return out
}

func (b *builder) header() []byte {
	h := make([]byte, sectionRaw)
	at := func(i int, v any) {
		buf, _ := binary.Append(nil, binary.LittleEndian, v)
		copy(h[i:], buf)
	}
	at(0, []byte("MZ"))
	at(0x3c, uint32(0x40))
	at(0x40, []byte("PE\x00\x00"))
	optional, magic, machine, dirs := uint16(112+128), uint16(0x20b), uint16(0x8664), 112
	if !b.wide {
		optional, magic, machine, dirs = 96+128, 0x10b, 0x14c, 96
	}
	at(0x44, machine)
	at(0x46, uint16(1))
	at(0x48, uint32(0x5f5e1000))
	at(0x54, optional)
	at(0x56, uint16(0x2022))
	o := 0x58
	at(o, magic)
	at(o+16, uint32(0x1008))
	if b.wide {
		at(o+24, uint64(0x180000000))
	} else {
		at(o+28, uint32(0x10000000))
	}
	at(o+32, []uint32{0x1000, 0x200})
	at(o+56, []uint32{0x2000, sectionRaw, 0xabcd})
	at(o+dirs-4, uint32(16))
	for i, d := range map[int]Directory{
		DirectoryExport: {0x1000, 0x200}, DirectoryImport: {0x1200, 60}, DirectoryDelay: {0x1500, 64},
		DirectoryDebug: {0x1700, 28}, DirectoryResource: {0x1800, 0x600},
	} {
		at(o+dirs+8*i, d)
	}
	s := o + int(optional)
	at(s, []byte(".all"))
	at(s+8, []uint32{sectionSize, sectionRVA, sectionSize, sectionRaw})
	at(s+36, uint32(0x60000020))
	return h
}

// exports: two names, one of them forwarded, and one that has only its ordinal.
func (b *builder) exports(at uint32) {
	b.put(at+12, []uint32{at + 0x100, 5, 4, 2, at + 0x40, at + 0x60, at + 0x80})
	b.put(at+0x40, []uint32{0x1abc, 0, at + 0x120, 0x1def}) // ordinals 5 to 8
	b.put(at+0x60, []uint32{at + 0x140, at + 0x150})
	b.put(at+0x80, []uint16{2, 0})
	b.text(at+0x100, "made.dll")
	b.text(at+0x120, "NTDLL.RtlMove")
	b.text(at+0x140, "Elsewhere")
	b.text(at+0x150, "Here")
}

func (b *builder) thunks(at uint32, v ...uint64) {
	for _, x := range append(v, 0) {
		if b.wide {
			at = b.put(at, x)
		} else {
			if x>>63 != 0 {
				x = 1<<31 | x&0xffff
			}
			at = b.put(at, uint32(x))
		}
	}
}

func (b *builder) imports(at uint32) {
	b.put(at, []uint32{at + 0x80, 0, 0, at + 0x100, at + 0xc0})
	b.text(at+0x100, "KERNEL32.dll")
	b.thunks(at+0x80, uint64(at+0x120), 1<<63|77)
	b.thunks(at+0xc0, uint64(at+0x120), 1<<63|77)
	b.text(at+0x122, "ExitProcess")
}

func (b *builder) delayed(at uint32) {
	b.put(at, []uint32{1, at + 0x80, 0, at + 0x60, at + 0x40, 0, 0, 0})
	b.thunks(at+0x40, uint64(at+0xa0))
	b.thunks(at+0x60, 0x12345678)
	b.text(at+0x80, "late.dll")
	b.text(at+0xa2, "Later")
}

func (b *builder) debug(at uint32) {
	b.put(at+12, []uint32{2, 24 + 14, at + 0x40, at + 0x40 - sectionRVA + sectionRaw})
	b.put(at+0x40, []byte("RSDS\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff\x03\x00\x00\x00c:\\b\\made.pdb\x00"))
}

func versionNode(kind uint16, key string, value []byte, count int, children ...[]byte) []byte {
	b := make([]byte, 6)
	units, _ := utf16.Bytes(key)
	b = append(append(b, units...), 0, 0)
	pad := func() {
		for len(b)%4 != 0 {
			b = append(b, 0)
		}
	}
	pad()
	b = append(b, value...)
	for _, c := range children {
		pad()
		b = append(b, c...)
	}
	binary.LittleEndian.PutUint16(b, uint16(len(b)))
	binary.LittleEndian.PutUint16(b[2:], uint16(count))
	binary.LittleEndian.PutUint16(b[4:], kind)
	return b
}

func versionText(key, value string) []byte {
	units, _ := utf16.Bytes(value)
	return versionNode(1, key, append(units, 0, 0), len(units)/2+1)
}

func (b *builder) resource(at uint32) {
	fixed := make([]byte, 52)
	for i, v := range []uint32{0xfeef04bd, 0x10000, 10<<16 | 2, 3<<16 | 4, 10 << 16, 5, 0x3f, 1} {
		binary.LittleEndian.PutUint32(fixed[4*i:], v)
	}
	v := versionNode(0, "VS_VERSION_INFO", fixed, len(fixed),
		versionNode(1, "StringFileInfo", nil, 0, versionNode(1, "041104b0", nil, 0,
			versionText("CompanyName", "Erde\xed\xa0\x80"), versionText("OriginalFilename", "made.dll"), versionText("製品", "保全"))),
		versionNode(1, "VarFileInfo", nil, 0))
	dir := func(at, id, to uint32) {
		b.put(at+14, uint16(1))
		b.put(at+16, []uint32{id, to})
	}
	dir(at, resourceVersion, 1<<31|0x20)
	dir(at+0x20, 1, 1<<31|0x40)
	dir(at+0x40, 0x411, 0x60)
	b.put(at+0x60, []uint32{at + 0x80, uint32(len(v))})
	b.put(at+0x80, v)
}
