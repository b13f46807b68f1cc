package ram

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

func TestKcoreOfEitherByteOrderAndDamagedOnes(t *testing.T) {
	loads := []load{{1 << 40, 1 << 20, 1 << 16, 1 << 21}, {1 << 41, ^uint64(0), 1 << 30, 1 << 20}}
	good := elf(loads, note("VMCOREINFO", "OSRELEASE=x\n"))
	damaged := func(change func(b []byte)) []byte {
		b := bytes.Clone(good)
		change(b)
		return b
	}
	for _, c := range []struct {
		name, want string // "" if it is read
		file       []byte
	}{
		{"good", "", good},
		{"empty", "EOF", nil},
		{"cut header", "EOF", good[:40]},
		{"cut program headers", "program headers: EOF", good[:100]},
		{"no ELF", "is not that of an ELF64 file", damaged(func(b []byte) { b[0] = 0 })},
		{"ELF32", "is not that of an ELF64 file", damaged(func(b []byte) { b[4] = 1 })},
		{"headers beyond all", "program headers of", damaged(func(b []byte) { binary.LittleEndian.PutUint64(b[32:], 1<<60) })},
		{"headers of other size", "program headers of 57 bytes", damaged(func(b []byte) { b[54]++ })},
		{"no memory", "no memory", elf(nil, nil)},
		{"only what wraps", "no memory", elf([]load{{1 << 63, 0, 1 << 63, 1 << 62}, {1 << 63, 0, 1, 1 << 63}, {^uint64(0) - 10, 0, 0, 100}}, nil)},
		{"note beyond all", "", damaged(func(b []byte) { binary.LittleEndian.PutUint64(b[elfHeaderSize+32:], 1<<60) })},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			k, err := parseKcore(bytes.NewReader(c.file))
			if c.want == "" {
				if err != nil || len(k.loads) != 2 || k.loads[0] != loads[0] {
					t.Errorf("%+v, %v", k, err)
				}
			} else if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestDirectMapIsNotGuessed(t *testing.T) {
	ram := []resource{{span: span{1 << 20, 4 << 20}}, {span: span{8 << 20, 9 << 20}}}
	const base = 0xff11000000000000
	whole := []load{{base + 1<<20, 0, 0, 3 << 20}, {base + 8<<20, 0, 3 << 20, 1 << 20}}
	twice := append(append([]load(nil), whole...), load{1<<40 + 1<<20, 0, 0, 3 << 20}, load{1<<40 + 8<<20, 0, 3 << 20, 1 << 20})
	for _, c := range []struct {
		name  string
		loads []load
		found int
	}{
		{"found", whole, 2}, {"one is missing", whole[:1], 0}, {"two are possible", twice, 0},
	} {
		pieces, _, err := (&kcore{loads: c.loads}).direct(ram, 4096)
		if len(pieces) != c.found || c.found == 0 && !errors.Is(err, errNoDirectMap) {
			t.Errorf("%s: %v, %v", c.name, pieces, err)
		}
	}
}

func FuzzKcore(f *testing.F) {
	f.Add(elf([]load{{1 << 40, 1 << 20, 1 << 16, 1 << 21}, {1 << 41, 1 << 20, 1 << 30, 1 << 20}}, note("VMCOREINFO", "OSRELEASE=x\n")), "100000-2fffff : System RAM\n")
	f.Add(elf([]load{{1 << 40, 0, 1 << 16, 1 << 20}}, nil), "100000-1fffff : System RAM\n")
	f.Fuzz(func(t *testing.T, file []byte, text string) {
		k, err := parseKcore(bytes.NewReader(file))
		if err != nil {
			return
		}
		findNote(k.notes, k.order, noteName)
		m := parseIomem(text)
		pieces, _, err := k.direct(m.ram, 4096)
		if err != nil {
			return
		}
		end := uint64(0)
		for _, p := range pieces {
			if p.start < end || p.end <= p.start || p.end > maxPhysical || p.offset < 0 || p.offset+int64(p.size()) < 0 {
				t.Fatalf("%+v behind %#x", p, end)
			}
			end = p.end
		}
		s := &source{pieces: pieces, dev: &fakeFile{}}
		l := layOut(m.ram, s.has())
		end = 0
		for _, part := range l.sections {
			if part.start < end || part.end <= part.start {
				t.Fatalf("section %+v behind %#x", part, end)
			}
			end = part.end
		}
	})
}

func TestNotes(t *testing.T) {
	notes := append(note("CORE", "12345"), note("VMCOREINFO", "OSRELEASE=6.1\n")...)
	if b, ok := findNote(notes, binary.LittleEndian, noteName); !ok || string(b) != "OSRELEASE=6.1\n" {
		t.Errorf("%q, %v", b, ok)
	}
	for n := range notes {
		findNote(notes[:n], binary.LittleEndian, noteName)
	}
	for text, want := range map[string]notePlace{
		"0x0000000100c66000 1024\n": {0x100c66000, 0x1024}, "": {}, "0x0 1024": {}, "0x1000 ffffffff": {}, "x y": {}, "fffffffffffffff0 10": {},
	} {
		p, err := parseNotePlace(text)
		if (err == nil) != (want.at != 0) || err == nil && p != want {
			t.Errorf("%q: %+v, %v", text, p, err)
		}
	}
}
