package pe

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// each runs a test on the handmade image of both widths, as a file and in memory.
func each(t *testing.T, test func(t *testing.T, im *Image)) {
	for _, wide := range []bool{true, false} {
		file := handmade(wide)
		name := map[bool]string{true: "PE32+", false: "PE32"}[wide]
		t.Run(name+" file", func(t *testing.T) {
			im, err := File(bytes.NewReader(file), int64(len(file)))
			if err != nil {
				t.Fatal(err)
			}
			test(t, im)
		})
		t.Run(name+" mapped", func(t *testing.T) {
			im, err := Mapped(shifted{mappedOf(file), 0x7ff000000}, 0x7ff000000)
			if err != nil {
				t.Fatal(err)
			}
			test(t, im)
		})
	}
}

// shifted is memory that begins at an address.
type shifted struct {
	b  []byte
	at int64
}

func (s shifted) ReadAt(b []byte, at int64) (int, error) {
	if at < s.at || at-s.at >= int64(len(s.b)) {
		return 0, errors.New("nothing is there")
	}
	n := copy(b, s.b[at-s.at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func TestHandmade(t *testing.T) {
	each(t, func(t *testing.T, im *Image) {
		if im.EntryPoint != 0x1008 || im.SizeOfImage != 0x2000 || im.Timestamp != 0x5f5e1000 || !im.DLL() || im.Checksum != 0xabcd {
			t.Errorf("headers: %+v", im)
		}
		if len(im.Sections) != 1 || im.Sections[0].Name != ".all" || !im.Sections[0].Executable() || im.Sections[0].Writable() {
			t.Errorf("sections: %+v", im.Sections)
		}
		name, exports, err := im.Exports()
		want := []Export{{"Elsewhere", 7, 0, "NTDLL.RtlMove"}, {"Here", 5, 0x1abc, ""}, {"", 8, 0x1def, ""}}
		if err != nil || name != "made.dll" || !slices.Equal(exports, want) {
			t.Errorf("exports: %q %+v, %v", name, exports, err)
		}
		imports, err := im.Imports()
		step := uint32(4)
		if im.Wide {
			step = 8
		}
		wantImports := []Import{
			{DLL: "KERNEL32.dll", Functions: []ImportedFunction{{"ExitProcess", 0, 0x12c0}, {"", 77, 0x12c0 + step}}},
			{DLL: "late.dll", Delayed: true, Functions: []ImportedFunction{{"Later", 0, 0x1560}}},
		}
		if diff := cmp.Diff(wantImports, imports); err != nil || diff != "" {
			t.Errorf("imports: %v %s", err, diff)
		}
		sum := md5.Sum([]byte("kernel32.exitprocess,kernel32.ord77"))
		if hash, exact := Imphash(imports); hash != hex.EncodeToString(sum[:]) || !exact {
			t.Errorf("imphash %s, exact %v", hash, exact)
		}
		pdb, err := im.PDB()
		if err != nil || pdb != (PDB{`c:\b\made.pdb`, "001122334455667788" + "99AABBCCDDEEFF", 3}) {
			t.Errorf("PDB: %+v, %v", pdb, err)
		}
		v, err := im.Version()
		wantVersion := Version{File: "10.2.3.4", Product: "10.0.0.5", Flags: 1, Strings: []VersionString{
			{"041104b0", "CompanyName", "Erde\xed\xa0\x80"}, {"041104b0", "OriginalFilename", "made.dll"}, {"041104b0", "製品", "保全"},
		}}
		if diff := cmp.Diff(wantVersion, v); err != nil || diff != "" {
			t.Errorf("version: %v %s", err, diff)
		}
		if v.Get("OriginalFilename") != "made.dll" || v.Get("none") != "" {
			t.Error("Get")
		}
	})
}

func TestHashRanges(t *testing.T) {
	file := append(handmade(true), "certificates!!!!and more"...)
	dir := 0x58 + 112 + 8*DirectorySecurity
	binary.LittleEndian.PutUint32(file[dir:], 0x1200)
	binary.LittleEndian.PutUint32(file[dir+4:], 16)
	im, err := File(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	parts, certificates, err := im.HashRanges()
	want := []Range{{0, 0x58 + 64}, {0x58 + 68, int64(dir) - 0x58 - 68}, {int64(dir) + 8, 0x1200 - int64(dir) - 8}, {0x1210, 8}}
	if err != nil || certificates != (Range{0x1200, 16}) || !slices.Equal(parts, want) {
		t.Errorf("%+v %+v %v", parts, certificates, err)
	}
	binary.LittleEndian.PutUint32(file[dir+4:], 1<<20)
	if im, err = File(bytes.NewReader(file), int64(len(file))); err != nil {
		t.Fatal(err)
	}
	if _, _, err := im.HashRanges(); !errors.Is(err, errDamaged) {
		t.Errorf("certificates beyond the end: %v", err)
	}
}

func TestNotPE(t *testing.T) {
	for _, b := range []string{"", "MZ", "not a program at all, not even a bit of one, but long enough to be....."} {
		if _, err := File(bytes.NewReader([]byte(b)), int64(len(b))); !errors.Is(err, ErrNotPE) {
			t.Errorf("%q: %v", b, err)
		}
	}
	if _, err := Mapped(shifted{make([]byte, 4096), 0x10000}, 0x10000); !errors.Is(err, ErrNotPE) {
		t.Errorf("wiped headers: %v", err)
	}
}

// TestLies makes each field of the tables' heads as large as it can be: no read may go on
// without end, and what is elsewhere is still read.
func TestLies(t *testing.T) {
	for at := 0x40; at < sectionRaw; at += 2 {
		lie(t, at)
	}
	for at := sectionRaw; at < sectionRaw+0xa00; at += 2 {
		lie(t, at)
	}
}

func lie(t *testing.T, at int) {
	t.Helper()
	for _, v := range []uint16{0xffff, 0x7fff, 0, 0x1200} {
		file := handmade(true)
		binary.LittleEndian.PutUint16(file[at:], v)
		readAll(file)
	}
}

// readAll reads everything of a file and of the same bytes in memory, and gives how many
// things it found.
func readAll(file []byte) (n int) {
	for _, mapped := range []bool{false, true} {
		var im *Image
		if mapped {
			im, _ = Mapped(shifted{file, 1 << 20}, 1<<20)
		} else {
			im, _ = File(bytes.NewReader(file), int64(len(file)))
		}
		_, exports, _ := im.Exports()
		imports, _ := im.Imports()
		hash, _ := Imphash(imports)
		pdb, _ := im.PDB()
		v, _ := im.Version()
		parts, _, _ := im.HashRanges()
		n += len(exports) + len(imports) + len(hash) + len(pdb.Path) + len(v.Strings) + len(parts)
	}
	return n
}

func FuzzRead(f *testing.F) {
	f.Add(handmade(true))
	f.Add(handmade(false))
	f.Add(mappedOf(handmade(true)))
	f.Fuzz(func(t *testing.T, b []byte) { readAll(b) })
}

func FuzzVersion(f *testing.F) {
	f.Add(handmade(true)[sectionRaw+0x880:])
	f.Fuzz(func(t *testing.T, b []byte) {
		v, _ := parseVersion(b)
		if len(v.Strings) > maxVersionStrings {
			t.Error(len(v.Strings))
		}
	})
}
