package indicators

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"testing"
)

// wiped is the first page of a program, the header of which a loader has wiped.
func wiped(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	b.Write(make([]byte, 64))
	for _, p := range []elf.Prog64{
		{Type: uint32(elf.PT_PHDR), Flags: 4, Off: 64, Vaddr: 64, Filesz: 224, Memsz: 224, Align: 8},
		{Type: uint32(elf.PT_LOAD), Flags: 4, Filesz: 0x1000, Memsz: 0x1000, Align: 0x1000},
		{Type: uint32(elf.PT_LOAD), Flags: 5, Off: 0x1000, Vaddr: 0x1000, Filesz: 0x2000, Memsz: 0x2000, Align: 0x1000},
		{Type: uint32(elf.PT_GNU_STACK), Flags: 6, Align: 16},
	} {
		if err := binary.Write(&b, binary.LittleEndian, p); err != nil {
			t.Fatal(err)
		}
	}
	b.Write(make([]byte, 4096-b.Len()))
	return b.Bytes()
}

func TestProgramHead(t *testing.T) {
	noCode := wiped(t)
	noCode[64+2*56+4] = 4
	unaligned := wiped(t)
	unaligned[64+2*56+16] = 1
	text := bytes.Repeat([]byte("text "), 900)
	for _, c := range []struct {
		name string
		page []byte
		want bool
	}{
		{"an ELF header", []byte("\x7fELF\x02\x01\x01"), true},
		{"a wiped header", wiped(t), true},
		{"segments without code", noCode, false},
		{"segments that cannot be mapped", unaligned, false},
		{"zeros", make([]byte, 4096), false},
		{"text", text, false},
		{"ones", bytes.Repeat([]byte{1}, 4096), false},
		{"short", []byte("\x7fEL"), false},
		{"nothing", nil, false},
	} {
		if got := programHead(c.page); (got != "") != c.want {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

func FuzzProgramHead(f *testing.F) {
	f.Add(wiped(f))
	f.Add([]byte(elfMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		if bytes.HasPrefix(b, []byte(elfMagic)) != (programHead(b) == "an ELF header") {
			t.Errorf("%q", programHead(b))
		}
	})
}

func TestParseThread(t *testing.T) {
	for text, want := range map[string]mapThread{
		"35 0x7ffc 0x0 0x0 0x0 0x0 0x0 0x7ffd16c0 0x7f1200\n": {35, 0x7ffd16c0, 0x7f1200},
		"-1 0x7ffd16c0 0x7f1200\n":                            {-1, 0x7ffd16c0, 0x7f1200},
	} {
		if got, ok := parseThread(text); !ok || got != want {
			t.Errorf("%q: %+v %v", text, got, ok)
		}
	}
	for _, text := range []string{"running\n", "", "a b c", "1 2"} {
		if got, ok := parseThread(text); ok {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func FuzzParseThread(f *testing.F) {
	f.Add("-1 0x7ffd16c0 0x7f1200\n")
	f.Fuzz(func(_ *testing.T, text string) { parseThread(text) })
}
