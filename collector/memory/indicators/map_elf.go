package indicators

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"hozen/collector/memory"
)

const elfMagic = "\x7fELF"

// programHead says what head of a program a page begins with: "an ELF header", or
// "a table of segments", which stands 64 bytes (52 in a 32-bit program) after the
// beginning, where a loader has wiped the header. "" is none. See elf(5).
func programHead(page []byte) string {
	switch {
	case bytes.HasPrefix(page, []byte(elfMagic)):
		return "an ELF header"
	case len(page) > 64 && (segmentTable(page[64:], 56) || segmentTable(page[52:], 32)):
		return "a table of segments of an ELF program"
	}
	return ""
}

// segmentTable says whether b begins with program headers of a size (56: 64 bit,
// 32: 32 bit; little-endian): the first four are of known types and possible,
// and one of them is code to be loaded.
func segmentTable(b []byte, size int) bool {
	const load, code = 1, 1
	if len(b) < 4*size {
		return false
	}
	found := false
	for i := range 4 {
		h := b[i*size:]
		kind := binary.LittleEndian.Uint32(h)
		var flags uint32
		var offset, addr, inFile, inMemory, align uint64
		if size == 56 {
			flags, offset, addr = binary.LittleEndian.Uint32(h[4:]), binary.LittleEndian.Uint64(h[8:]), binary.LittleEndian.Uint64(h[16:])
			inFile, inMemory, align = binary.LittleEndian.Uint64(h[32:]), binary.LittleEndian.Uint64(h[40:]), binary.LittleEndian.Uint64(h[48:])
		} else {
			word := func(i int) uint64 { return uint64(binary.LittleEndian.Uint32(h[4*i:])) }
			flags, offset, addr, inFile, inMemory, align = uint32(word(6)), word(1), word(2), word(4), word(5), word(7)
		}
		known := kind >= 1 && kind <= 7 || kind>>20 == 0x647 // PT_LOAD to PT_TLS; PT_GNU_*
		if !known || flags == 0 || flags > 7 || align&(align-1) != 0 {
			return false
		}
		if kind != load {
			continue
		}
		if inMemory == 0 || inFile > inMemory || align > 1 && (addr-offset)%align != 0 {
			return false
		}
		found = found || flags&code != 0
	}
	return found
}

// mapElsewhere bounds the areas that may not be executed and are looked at for a
// head all the same.
const mapElsewhere = 2 << 10

// reportHeads reports heads of programs: those found in executable areas, and
// those that begin another readable area of no file.
func (l *mapLook) reportHeads() {
	var in, before []uint64
	for _, a := range l.areas {
		in = append(in, a.heads...)
	}
	l.reportHeadsAt(in, "executable memory", 0)
	left := mapElsewhere
	for i := range l.p.maps {
		m := &l.p.maps[i]
		if m.Inode != 0 || m.Path != "" && specialKind(m.Path) != areaAnonymous || !m.Readable() || m.Executable() {
			continue
		}
		next := i+1 < len(l.p.maps) && l.p.maps[i+1].Start == m.End && l.p.maps[i+1].Executable() && l.p.maps[i+1].Inode == 0
		if left == 0 && !next {
			continue
		}
		left = max(0, left-1)
		if l.pages.resident(m.Start) {
			if page := l.pages.read(m.Start); page != nil && programHead(page) != "" {
				before = append(before, m.Start)
			}
		}
		if l.pages.err != nil {
			break
		}
	}
	l.reportHeadsAt(before, "memory that may not be executed", memory.Medium)
}

func (l *mapLook) reportHeadsAt(at []uint64, where string, level memory.Level) {
	if len(at) == 0 {
		return
	}
	f := finding{id: "map-elf-anonymous", level: level}
	kinds := map[string]bool{}
	what := ""
	for _, addr := range at {
		page := l.pages.read(addr)
		if kind := programHead(page); kind != "" && !kinds[kind] {
			kinds[kind] = true
			what += ", " + kind
		}
		if page != nil {
			l.show(&f, addr, page[:min(len(page), 4<<10)])
		}
		start, end := l.around(addr)
		l.region(&f, start, end)
	}
	f.seen = fmt.Sprintf("%s at the beginning of a page of %s of no file: %s%s", many(len(at), "program head"), where, addresses(at), what)
	l.p.report(f)
}

// around gives the mapping that an address lies in.
func (l *mapLook) around(addr uint64) (start, end uint64) {
	for i := range l.p.maps {
		if m := &l.p.maps[i]; m.Start <= addr && addr < m.End {
			return m.Start, m.End
		}
	}
	return addr, addr + 1
}
