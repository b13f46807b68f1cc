package ram

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"hozen/collector"
)

const fakePage = 4096

// A fakeFile is a file of the kernel in memory: parts of it, and offsets at which
// reading fails.
type fakeFile struct {
	parts []fakePart
	fails func(at int64) error // nil: never
	reads int
	each  func() // called before every read
}

type fakePart struct {
	at int64
	b  []byte
}

func (f *fakeFile) Close() error { return nil }

// ReadAt reads as os.File does: what comes before the page that fails, and its error.
func (f *fakeFile) ReadAt(b []byte, at int64) (int, error) {
	f.reads++
	if f.each != nil {
		f.each()
	}
	n := 0
	for n < len(b) {
		page := min(len(b)-n, int(fakePage-(at+int64(n))%fakePage))
		if f.fails != nil {
			if err := f.fails(at + int64(n)); err != nil {
				return n, err
			}
		}
		k := f.copyPage(b[n:n+page], at+int64(n))
		if n += k; k < page {
			return n, io.EOF
		}
	}
	return n, nil
}

func (f *fakeFile) copyPage(b []byte, at int64) int {
	for _, p := range f.parts {
		if at >= p.at && at < p.at+int64(len(p.b)) {
			return copy(b, p.b[at-p.at:])
		}
	}
	return 0
}

// A fakeRAM is a machine's memory: ranges and what is in them.
type fakeRAM struct {
	ranges []span
	bytes  map[uint64][]byte // by start
}

// newFakeRAM fills ranges with bytes that differ everywhere, with a note
// VMCOREINFO in the last, and with every eighth page empty.
func newFakeRAM(ranges ...span) *fakeRAM {
	m := &fakeRAM{ranges: ranges, bytes: map[uint64][]byte{}}
	random := rand.NewChaCha8([32]byte{7})
	for _, r := range ranges {
		b := make([]byte, r.size())
		random.Read(b)
		for at := 0; at+fakePage <= len(b); at += 8 * fakePage {
			clear(b[at : at+fakePage])
		}
		m.bytes[r.start] = b
	}
	copy(m.at(m.notePlace()), note("VMCOREINFO", "OSRELEASE=6.1.0-test\nPAGESIZE=4096\n"))
	return m
}

func (m *fakeRAM) notePlace() uint64 { return m.ranges[len(m.ranges)-1].start + 5*fakePage }

func (m *fakeRAM) at(at uint64) []byte {
	for _, r := range m.ranges {
		if at >= r.start && at < r.end {
			return m.bytes[r.start][at-r.start:]
		}
	}
	return nil
}

func note(name, text string) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(name)+1))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(text)))
	b = append(binary.LittleEndian.AppendUint32(b, 0), name...)
	b = append(b, make([]byte, 4-len(name)%4)...)
	return append(append(b, text...), make([]byte, (4-len(text)%4)%4)...)
}

// devMem is the memory as /dev/mem has it.
func (m *fakeRAM) devMem() *fakeFile {
	f := &fakeFile{}
	for _, r := range m.ranges {
		f.parts = append(f.parts, fakePart{int64(r.start), m.bytes[r.start]})
	}
	return f
}

// kcore makes the memory's /proc/kcore, with the direct map at base; whole pages
// only, as the kernel does. Without told, the headers say 0 for every physical
// address. There are loads of vmalloc and of the kernel's text, too.
func (m *fakeRAM) kcore(base uint64, told bool) *fakeFile {
	f := &fakeFile{}
	loads := []load{{base + 1<<45, ^uint64(0), 1 << 45, 1 << 44}}
	text := m.ranges[len(m.ranges)-1]
	loads = append(loads, load{0xffffffff81000000, text.start, 1 << 47, fakePage * 4})
	f.parts = append(f.parts, fakePart{1 << 47, m.bytes[text.start][:4*fakePage]})
	for _, r := range m.ranges {
		first, last := (r.start+fakePage-1)/fakePage*fakePage, r.end/fakePage*fakePage
		if first >= last {
			continue
		}
		loads = append(loads, load{base + first, first, first + 16*fakePage, last - first})
		f.parts = append(f.parts, fakePart{int64(first + 16*fakePage), m.bytes[r.start][first-r.start : last-r.start]})
	}
	if !told {
		for i := range loads {
			loads[i].paddr = 0
		}
	}
	f.parts = append(f.parts, fakePart{0, append(elf(loads, note("VMCOREINFO", "OSRELEASE=6.1.0-test\n")), make([]byte, fakePage)...)})
	return f
}

// elf makes the headers of a core file.
func elf(loads []load, notes []byte) []byte {
	le := binary.LittleEndian
	b := make([]byte, elfHeaderSize)
	copy(b, "\x7fELF\x02\x01\x01")
	le.PutUint64(b[32:], elfHeaderSize)
	le.PutUint16(b[54:], programHdrSize)
	le.PutUint16(b[56:], uint16(len(loads)+1))
	header := func(kind uint32, l load) {
		p := make([]byte, programHdrSize)
		le.PutUint32(p, kind)
		le.PutUint64(p[8:], l.offset)
		le.PutUint64(p[16:], l.vaddr)
		le.PutUint64(p[24:], l.paddr)
		le.PutUint64(p[32:], l.size)
		le.PutUint64(p[40:], l.size)
		b = append(b, p...)
	}
	header(ptNote, load{offset: uint64(elfHeaderSize + (len(loads)+1)*programHdrSize), size: uint64(len(notes))})
	for _, l := range loads {
		header(ptLoad, l)
	}
	return append(b, notes...)
}

// iomemText writes the ranges as /proc/iomem does, with others between them.
func (m *fakeRAM) iomemText() string {
	text := "00000000-00000fff : Reserved\n"
	for i, r := range m.ranges {
		text += fmt.Sprintf("%08x-%08x : System RAM\n", r.start, r.end-1)
		if i == 0 {
			text += fmt.Sprintf("  %08x-%08x : Kernel code\n", r.start+fakePage, r.start+2*fakePage-1)
		}
	}
	return text + "fee00000-fee00fff : Local APIC\n"
}

// host makes a live host of the memory.
func (m *fakeRAM) host(t testing.TB) *collector.Host {
	t.Helper()
	h := &collector.Host{Root: t.TempDir(), Live: true, Elevated: true}
	for name, text := range map[string]string{
		"/proc/iomem": m.iomemText(), "/proc/version": "Linux version 6.1.0-test\n",
		"/proc/sys/kernel/osrelease": "6.1.0-test\n", "/proc/cmdline": "quiet\n", "/proc/kallsyms": "ffffffff81000000 T _text\n",
		"/proc/meminfo":               "MemTotal:       1024 kB\n",
		"/proc/self/status":           "VmHWM:\t 2048 kB\nVmRSS:\t  1024 kB\nCapEff:\t000001ffffffffff\n",
		"/boot/System.map-6.1.0-test": "ffffffff81000000 T _text\n",
		vmcoreinfoName:                fmt.Sprintf("0x%016x 400\n", m.notePlace()),
	} {
		put(t, h, name, text)
	}
	return h
}

func put(t testing.TB, h *collector.Host, name, text string) {
	t.Helper()
	at := filepath.Join(h.Root, name)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// opens gives the files by name; what is not there is absent.
func opens(files map[string]device) opener {
	return func(_ *collector.Host, name string) (device, error) {
		if f, ok := files[name]; ok {
			return f, nil
		}
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
}

// A limeRange is a range of an image as another reader sees it.
type limeRange struct {
	start, end uint64 // the end included
	offset     int
	b          []byte
}

// readLime reads an image by LiME's own words: a packed struct of two unsigned
// int, two unsigned long long and eight bytes, then the memory.
func readLime(t testing.TB, image []byte) (ranges []limeRange) {
	t.Helper()
	type header struct {
		Magic, Version uint32
		Start, End     uint64
		Reserved       [8]byte
	}
	r := bytes.NewReader(image)
	for r.Len() > 0 {
		var h header
		if err := binary.Read(r, binary.LittleEndian, &h); err != nil {
			t.Fatalf("header %d: %v", len(ranges), err)
		}
		if h.Magic != 0x4C694D45 || h.Version != 1 || h.Reserved != [8]byte{} || h.End < h.Start {
			t.Fatalf("header %d: %+v", len(ranges), h)
		}
		if n := len(ranges); n > 0 && ranges[n-1].end >= h.Start {
			t.Fatalf("header %d: %#x does not ascend", n, h.Start)
		}
		size := h.End - h.Start + 1
		if uint64(r.Len()) < size {
			t.Fatalf("header %d: %d bytes, %d are left", len(ranges), size, r.Len())
		}
		at := len(image) - r.Len()
		ranges = append(ranges, limeRange{h.Start, h.End, at, image[at : at+int(size)]})
		r.Seek(int64(size), io.SeekCurrent)
	}
	return ranges
}
