package pe

import (
	"bytes"
	gope "debug/pe"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"golang.org/x/sys/windows"

	"hozen/collector/ntapi"
)

// TestSystemLibraries reads every library of the system directory and holds sections and
// imports against what the standard library reads.
func TestSystemLibraries(t *testing.T) {
	dir, err := windows.GetSystemDirectory()
	if err != nil {
		t.Fatal(err)
	}
	names, _ := filepath.Glob(filepath.Join(dir, "*.dll"))
	read, versions := 0, 0
	for _, name := range names[:min(len(names), 120)] {
		b, err := os.ReadFile(name) // the standard library asks a file for each symbol
		if err != nil {
			t.Fatal(err)
		}
		v := againstStandard(t, name, bytes.NewReader(b), int64(len(b)))
		read, versions = read+1, versions+v
	}
	if read < 100 || versions < 10 {
		t.Errorf("only %d libraries read, %d of them with a version", read, versions)
	}
	t.Logf("%d libraries, %d with a version resource", read, versions)
}

func againstStandard(t *testing.T, name string, f *bytes.Reader, size int64) (versions int) {
	want, err := gope.NewFile(f)
	if err != nil {
		return 0
	}
	im, err := File(f, size)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return 0
	}
	for i, s := range want.Sections {
		if got := im.Sections[i]; got.RVA != s.VirtualAddress || got.RawAt != s.Offset || got.RawSize != s.Size {
			t.Errorf("%s: section %d: %+v, %+v", name, i, got, s.SectionHeader)
		}
	}
	imports, err := im.Imports()
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	var got []string
	for _, one := range imports {
		for _, fn := range one.Functions {
			if fn.Name != "" && !one.Delayed {
				got = append(got, fn.Name+":"+one.DLL)
			}
		}
	}
	wantSymbols, err := want.ImportedSymbols()
	sort.Strings(got)
	sort.Strings(wantSymbols)
	if err == nil && !slices.Equal(got, wantSymbols) {
		t.Errorf("%s: %d imports, the standard library has %d", name, len(got), len(wantSymbols))
	}
	if _, _, err := im.Exports(); err != nil {
		t.Errorf("%s: exports: %v", name, err)
	}
	if _, err := im.PDB(); err != nil {
		t.Logf("%s: %v", name, err)
	}
	v, err := im.Version()
	if err != nil {
		t.Errorf("%s: version: %v", name, err)
	}
	if v.File != "" {
		versions = 1
	}
	return versions
}

// TestOwnLibraries reads what the loader mapped into this process, and its files: the same
// exports, at the addresses that GetProcAddress gives.
func TestOwnLibraries(t *testing.T) {
	o, err := ntapi.Open(uint32(os.Getpid()), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	for _, name := range []string{"ntdll.dll", "kernel32.dll"} {
		h, err := windows.LoadLibraryEx(name, 0, windows.LOAD_LIBRARY_SEARCH_SYSTEM32)
		if err != nil {
			t.Fatal(err)
		}
		im, err := Mapped(o, uint64(h))
		if err != nil {
			t.Fatal(err)
		}
		own, exports, err := im.Exports()
		if err != nil || !strings.EqualFold(own, name) || len(exports) < 500 {
			t.Errorf("%s: %q, %d exports, %v", name, own, len(exports), err)
		}
		found := 0
		for _, e := range exports {
			if e.Name != "" && e.RVA != 0 && found < 200 {
				if at, err := windows.GetProcAddress(h, e.Name); err == nil && uint64(at) != uint64(h)+uint64(e.RVA) {
					t.Errorf("%s!%s: at %#x, GetProcAddress says %#x", name, e.Name, uint64(h)+uint64(e.RVA), at)
				}
				found++
			}
		}
	}
}
