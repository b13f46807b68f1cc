package contents

import (
	"encoding/binary"
	"strings"

	"hozen/collector/proc"
)

// A core is the plan of an ELF core file of a process: what core(5) describes,
// in the form of the System V ABI's ELF-64: header, program headers, notes, and
// then the bytes of each segment.
type core struct {
	machine  uint16 // e_machine
	notes    []byte
	segments []segment
}

// A segment is one PT_LOAD. Of size bytes of memory, data are in the file; the
// rest, which the process never touched, is zeros.
type segment struct {
	start, size uint64
	data        bool
	whole       bool   // pages that are not resident are read, too: they are in a file on a disk
	flags       uint32 // PF_R, PF_W, PF_X
}

// Sizes and constants of ELF-64 (elf(5)).
const (
	elfHeader     = 64
	elfProgram    = 56
	elfSection    = 64
	ptLoad        = 1
	ptNote        = 4
	pfX, pfW, pfR = 1, 2, 4
	etCore        = 4
	pnXnum        = 0xffff // more program headers than fit: their number is in section 0
	coreAlign     = 4096
)

// dataAt is where the bytes of the segments begin.
func (c *core) dataAt() uint64 {
	at := elfHeader + elfProgram*uint64(len(c.segments)+1) + uint64(len(c.notes))
	if len(c.segments)+1 >= pnXnum {
		at += elfSection
	}
	return (at + coreAlign - 1) / coreAlign * coreAlign
}

// size is that of the whole file.
func (c *core) size() (n uint64) {
	n = c.dataAt()
	for _, s := range c.segments {
		if s.data {
			n += s.size
		}
	}
	return n
}

// head writes all that comes before the bytes of the segments, in the byte order
// of the machine.
func (c *core) head() []byte {
	e := binary.NativeEndian
	headers := uint64(len(c.segments) + 1)
	out := append([]byte{0x7f, 'E', 'L', 'F', 2, byteOrder(), 1}, make([]byte, 9)...)
	out = e.AppendUint16(out, etCore)
	out = e.AppendUint16(out, c.machine)
	out = e.AppendUint32(out, 1)
	out = e.AppendUint64(out, 0)
	out = e.AppendUint64(out, elfHeader)
	notesAt := elfHeader + elfProgram*headers
	sections, number := uint64(0), uint16(headers)
	if headers >= pnXnum {
		sections, number = notesAt, pnXnum
		notesAt += elfSection
	}
	out = e.AppendUint64(out, sections)
	out = e.AppendUint32(out, 0)
	count := uint16(0)
	if sections != 0 {
		count = 1
	}
	for _, v := range []uint16{elfHeader, elfProgram, number, elfSection, count, 0} {
		out = e.AppendUint16(out, v)
	}
	out = program(out, ptNote, 0, notesAt, 0, uint64(len(c.notes)), 0, 4)
	at := c.dataAt()
	for _, s := range c.segments {
		in := uint64(0)
		if s.data {
			in = s.size
		}
		out = program(out, ptLoad, s.flags, at, s.start, in, s.size, coreAlign)
		at += in
	}
	if sections != 0 {
		section := make([]byte, elfSection)
		e.PutUint32(section[44:], uint32(headers)) // sh_info
		out = append(out, section...)
	}
	out = append(out, c.notes...)
	return append(out, make([]byte, c.dataAt()-uint64(len(out)))...)
}

func program(out []byte, kind, flags uint32, offset, addr, inFile, inMemory, align uint64) []byte {
	e := binary.NativeEndian
	out = e.AppendUint32(out, kind)
	out = e.AppendUint32(out, flags)
	for _, v := range []uint64{offset, addr, 0, inFile, inMemory, align} {
		out = e.AppendUint64(out, v)
	}
	return out
}

// byteOrder is EI_DATA: 1 for little-endian, 2 for big-endian machines.
func byteOrder() byte {
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return 1
	}
	return 2
}

// Bounds of the plan of a core.
const (
	maxSegments = 1 << 20
	maxScanned  = 1 << 28 // pages that are looked at: 1 TiB of address space
	joinGap     = 64      // untouched pages between touched ones that are written as zeros all the same
)

// pageScan tells the state of pages from an address on; proc.Memory's Pagemap.
type pageScan func(dst []proc.PageState, addr uint64) (int, error)

// plan makes segments of a mapping: runs of pages that the process has touched,
// and between them what it has not. It gives how many pages were looked at.
func (c *core) plan(m proc.Mapping, page uint64, scan pageScan) (pages int) {
	flags := flagsOf(m)
	switch {
	case m.End <= m.Start:
		return 0
	case ofDevice(m):
		c.add(segment{start: m.Start, size: m.End - m.Start, flags: flags})
		return 0
	case wholeFile(m):
		c.add(segment{m.Start, m.End - m.Start, true, true, flags}) // what is not resident is in the file
		return 0
	}
	states := make([]proc.PageState, min(8192, (m.End-m.Start)/page))
	for at := m.Start; at < m.End; {
		want := states[:min(uint64(len(states)), (m.End-at)/page)]
		n, err := scan(want, at)
		if n == 0 || err != nil {
			// It cannot be told: all of it, where nobody has to answer for it.
			c.add(segment{start: at, size: m.End - at, data: m.Readable() && m.Inode == 0, flags: flags})
			return pages
		}
		for _, s := range want[:n] {
			c.add(segment{start: at, size: page, data: s.Present() || s.Swapped(), flags: flags})
			at += page
		}
		pages += n
	}
	return pages
}

// add appends a segment, or joins it to the last one that it continues. Small
// untouched gaps join what is around them.
func (c *core) add(s segment) {
	last := len(c.segments) - 1
	if last < 0 || c.segments[last].start+c.segments[last].size != s.start || c.segments[last].flags != s.flags || c.segments[last].whole != s.whole {
		c.segments = append(c.segments, s)
		return
	}
	l := &c.segments[last]
	if l.data == s.data {
		l.size += s.size
		return
	}
	if s.data && last > 0 && l.size <= joinGap*coreAlign {
		before := &c.segments[last-1]
		if before.data && before.start+before.size == l.start && before.flags == s.flags && before.whole == s.whole {
			before.size += l.size + s.size
			c.segments = c.segments[:last]
			return
		}
	}
	c.segments = append(c.segments, s)
}

// maxWholeFile is the longest mapping of a file that is taken whole.
const maxWholeFile = 1 << 30

// wholeFile says that a mapping is taken with the pages that are not resident, too:
// they are in a file on a disk. Of all others the kernel names a device of its own
// (major number 0): to read a hole of shared memory fills it with a page, so that a
// sparse memfd of a terabyte would fill the host's RAM; and a file system in user
// space or of another machine may never answer. Of a large file most may be hole.
func wholeFile(m proc.Mapping) bool {
	return m.Inode != 0 && m.Readable() && !strings.HasPrefix(m.Dev, "00:") && m.End-m.Start <= maxWholeFile
}

func flagsOf(m proc.Mapping) (f uint32) {
	if m.Readable() {
		f |= pfR
	}
	if m.Writable() {
		f |= pfW
	}
	if m.Executable() {
		f |= pfX
	}
	return f
}

// ofDevice says that reading a mapping may act on hardware, or gives nothing.
func ofDevice(m proc.Mapping) bool {
	switch {
	case m.Path == "[vvar]" || m.Path == "[vvar_vclock]" || m.Path == "[vsyscall]" || m.Path == "[uprobes]":
		return true
	case strings.HasPrefix(m.Path, "/dev/shm/"), strings.HasPrefix(m.Path, "/dev/zero"):
		return false
	}
	return strings.HasPrefix(m.Path, "/dev/") || strings.HasPrefix(m.Path, "/sys/") || strings.HasPrefix(m.Path, "anon_inode:")
}
