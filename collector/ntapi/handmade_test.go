package ntapi

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"hozen/collector/utf16"
)

// A made answer is written field by field after the layouts that the comments name.
type made struct {
	base uint64
	b    []byte
}

func (m *made) put(at int, v any) {
	field, err := binary.Append(nil, binary.LittleEndian, v)
	if err != nil {
		panic(err)
	}
	if need := at + len(field); need > len(m.b) {
		m.b = append(m.b, make([]byte, need-len(m.b))...)
	}
	copy(m.b[at:], field)
}

// text writes a UNICODE_STRING at an offset, whose text lies at another.
func (m *made) text(at, to int, s string) {
	units, err := utf16.Bytes(s)
	if err != nil {
		panic(err)
	}
	m.put(at, []uint16{uint16(len(units)), uint16(len(units))})
	m.put(at+8, m.base+uint64(to))
	m.put(to, units)
}

func (m *made) answer() Answer { return Answer{m.base, m.b} }

// A space is memory: pieces at addresses.
type space map[uint64][]byte

var errUnmapped = errors.New("nothing is there")

// ReadAt reads from one piece.
func (s space) ReadAt(b []byte, at int64) (int, error) {
	for base, piece := range s {
		if uint64(at) >= base && uint64(at)-base < uint64(len(piece)) {
			n := copy(b, piece[uint64(at)-base:])
			if n < len(b) {
				return n, io.EOF
			}
			return n, nil
		}
	}
	return 0, errUnmapped
}

// system is the SID S-1-5-18.
func systemSID() []byte { return []byte{1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0} }

// madeProcesses are two processes of SystemFullProcess, or of another class: Idle with no
// thread, and one with two threads, a SID and a package.
func madeProcesses(class SystemClass) *made {
	m := &made{base: 0x7f0000000000}
	m.put(processHead-1, uint8(0))
	size := threadSize(class)
	first := processHead
	if class == SystemFullProcess {
		first += 0x40
	}
	m.put(0, uint32(first))
	at := first
	m.put(at+0x04, uint32(2))
	m.put(at+0x20, []uint64{134398127051131720, 10000000, 20000000})
	m.put(at+0x50, []uint64{4242, 17})
	m.put(at+0x60, []uint32{99, 3})
	m.put(at+0xc8, uint64(1<<20))
	end := at + processHead + 2*size
	for i := range 2 {
		t := at + processHead + i*size
		m.put(t+0x10, uint64(134398127051131721+i))
		m.put(t+0x20, []uint64{0xfffff80000001000, 4242, uint64(100 + 4*i)})
		m.put(t+0x44, []uint32{5, uint32(5 + i)})
		if size == threadExtended {
			m.put(t+0x60, []uint64{0x7ff612340000, 0x7ff0})
		}
		m.put(t+size-1, uint8(0))
	}
	if class == SystemFullProcess {
		m.put(end+0x34, []uint32{0x100, 0x120})
		m.put(end+0x100, systemSID())
		units, _ := utf16.Bytes("Pack_1.0_x64\x00")
		m.put(end+0x120, units)
		end += 0x150
	}
	m.text(at+0x38, end, "evil\xed\xa0\x80.exe")
	return m
}

// madeProcess is the memory of a process: PEB, parameters, environment and a loader with
// three modules, of which the last stands in the first list alone.
func madeProcess(wide bool) (mem space, peb uint64) {
	v := view{nil, wide}
	o := func(w, n uint64) int { return int(v.pick(w, n)) }
	const base = 0x10000
	m := &made{base: base}
	pointer := func(at int, to uint64) {
		if wide {
			m.put(at, to)
		} else {
			m.put(at, uint32(to))
		}
	}
	str := func(at, to int, s string) {
		units, _ := utf16.Bytes(s)
		m.put(at, []uint16{uint16(len(units)), uint16(len(units))})
		pointer(at+o(8, 4), base+uint64(to))
		m.put(to, units)
	}
	m.put(0x3000, uint8(0))
	m.put(2, []uint8{1, 4})
	pointer(o(0x10, 0x08), 0x400000)
	pointer(o(0x18, 0x0c), base+0x400)
	pointer(o(0x20, 0x10), base+0x800)
	m.put(o(0xbc, 0x68), uint32(0x70))
	m.put(o(0x118, 0xa4), []uint32{10, 0})
	m.put(o(0x120, 0xac), uint16(19045))
	m.put(o(0x2c0, 0x1d4), uint32(3))

	m.put(0x808, uint32(1))
	str(0x800+o(0x38, 0x24), 0xd00, `C:\cwd\`)
	str(0x800+o(0x60, 0x38), 0xd40, `C:\a.exe`)
	str(0x800+o(0x70, 0x40), 0xd80, "a.exe \xed\xb0\x80 /x")
	str(0x800+o(0xb0, 0x70), 0xdc0, "title")
	str(0x800+o(0xc0, 0x78), 0xe00, `WinSta0\Default`)
	m.put(0x800+o(0xa4, 0x68), []uint32{0x801, 5})
	pointer(0x800+o(0x80, 0x48), base+0x1400)
	block, _ := utf16.Bytes("=C:=C:\\x\x00A=1\x00LONE=\xed\xa0\x80\x00\x00")
	pointer(0x800+o(0x3f0, 0x290), uint64(len(block)))
	m.put(0x1400, block)

	madeLoader(m, v, str, pointer)
	return space{base: m.b}, base
}

func madeLoader(m *made, v view, str func(at, to int, s string), pointer func(int, uint64)) {
	o := func(w, n uint64) int { return int(v.pick(w, n)) }
	entry := func(i int) int { return 0x2000 + i*0x180 }
	link := func(list int, at ...int) {
		head := 0x400 + o(0x10, 0x0c) + list*o(0x10, 0x08)
		places := []int{head}
		for _, i := range at {
			places = append(places, entry(i)+list*o(0x10, 0x08))
		}
		for i, p := range places {
			pointer(p, m.base+uint64(places[(i+1)%len(places)]))
			pointer(p+o(8, 4), m.base+uint64(places[(i+len(places)-1)%len(places)]))
		}
	}
	link(0, 0, 1, 2)
	link(1, 1, 0)
	link(2, 1)
	for i, name := range []string{"a.exe", "ntdll.dll", "third.dll"} {
		e := entry(i)
		pointer(e+o(0x30, 0x18), 0x400000+uint64(i)*0x100000)
		pointer(e+o(0x38, 0x1c), 0x401000+uint64(i)*0x100000)
		m.put(e+o(0x40, 0x20), uint32(0x5000))
		str(e+o(0x48, 0x24), 0x2800+i*0x80, `C:\`+name)
		str(e+o(0x58, 0x2c), 0x2a00+i*0x80, name)
		m.put(e+o(0x80, 0x44), uint32(0x60000000+i))
		m.put(e+o(0x100, 0x88), uint64(134398127051131720))
		m.put(e+o(0x10c, 0x94), uint32(4))
	}
}

func names(all []Module) (out []string) {
	for _, m := range all {
		out = append(out, m.BaseName)
	}
	slices.Sort(out)
	return out
}
