package indicators

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"hozen/collector/memory"
)

// lookAt gives what the family reports of a process and an address in it.
func lookAt(t *testing.T, pid int, addr uint64) (rows []memory.Indicator, found []finding) {
	t.Helper()
	s, read := readProcess(t)
	p := read(pid)
	defer p.dir.Close()
	checkMaps(s, p)
	for _, f := range p.found {
		if slices.ContainsFunc(f.regions, func(r memory.Region) bool { return r.Start <= addr && addr < r.End }) {
			rows = append(rows, f.row(s.kinds, p.subject(), nil))
			found = append(found, f)
		}
	}
	return rows, found
}

// mapped maps a file or memory, for as long as the test lasts.
func mapped(t *testing.T, fd, size, prot, flags int) ([]byte, uint64) {
	t.Helper()
	b, err := unix.Mmap(fd, 0, size, prot, flags)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(b) })
	return b, uint64(uintptr(unsafe.Pointer(&b[0])))
}

const readExecute = unix.PROT_READ | unix.PROT_EXEC

// TestTextOfAFile maps a file as a library and writes to it: first the bytes that
// are there, then others.
func TestTextOfAFile(t *testing.T) {
	page := os.Getpagesize()
	content := bytes.Repeat([]byte("\x55\x48\x89\xe5"), page/2) // two pages
	f, err := os.CreateTemp(t.TempDir(), "lib*.so")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(content); err != nil {
		t.Fatal(err)
	}
	b, addr := mapped(t, int(f.Fd()), 2*page, readExecute, unix.MAP_PRIVATE)
	addr += uint64(page)
	if rows, _ := lookAt(t, os.Getpid(), addr); len(rows) != 0 {
		t.Fatalf("nobody wrote: %+v", rows)
	}
	write := func(with []byte) {
		if err := unix.Mprotect(b, readExecute|unix.PROT_WRITE); err != nil {
			t.Fatal(err)
		}
		copy(b[page+8:], with)
		if err := unix.Mprotect(b, readExecute); err != nil {
			t.Fatal(err)
		}
	}
	write(content[:4])
	rows, _ := lookAt(t, os.Getpid(), addr)
	if len(rows) != 1 || rows[0].ID != "map-text-patched" || rows[0].Level != memory.Low {
		t.Errorf("the same bytes: %+v", rows)
	}
	write([]byte("\xe9\x01\x02"))
	rows, found := lookAt(t, os.Getpid(), addr)
	if len(rows) != 1 || rows[0].Level != memory.High || !strings.Contains(string(rows[0].Seen), "3 bytes: file 554889, memory e90102") {
		t.Fatalf("other bytes: %+v", rows)
	}
	if p := found[0].proofs; len(p) != 2 || !bytes.Equal(p[0].data, b[page:]) || !bytes.Equal(p[1].data, content[page:]) {
		t.Errorf("the proofs are not the two versions: %+v", p)
	}
}

// TestAreasOfOurselves makes areas that no compiler explains.
func TestAreasOfOurselves(t *testing.T) {
	page := os.Getpagesize()
	anonymous := unix.MAP_PRIVATE | unix.MAP_ANON
	shared, at := mapped(t, -1, page, readExecute|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANON)
	copy(shared, "here")
	rows, found := lookAt(t, os.Getpid(), at)
	if len(rows) != 2 || rows[0].ID != "map-anonymous-exec" || rows[1].ID != "map-rwx" || rows[0].Level != memory.Medium {
		t.Errorf("shared memory: %+v", rows)
	} else if p := found[0].proofs; len(p) == 0 || len(p)+len(found[0].evidence) > mapProofs || !slices.ContainsFunc(p, func(p proof) bool { return bytes.HasPrefix(p.data, []byte("here")) }) {
		t.Errorf("no page of it is kept: %+v", p)
	}
	// Between two pages that nobody may touch, so that it is a mapping of its own.
	b, at := mapped(t, -1, 3*page, unix.PROT_NONE, anonymous)
	b, at = b[page:2*page], at+uint64(page)
	if err := unix.Mprotect(b, unix.PROT_READ|unix.PROT_WRITE); err != nil {
		t.Fatal(err)
	}
	copy(b, wiped(t))
	if rows, _ = lookAt(t, os.Getpid(), at); len(rows) != 1 || rows[0].ID != "map-elf-anonymous" || rows[0].Level != memory.Medium {
		t.Errorf("a table of segments that is not executable: %+v", rows)
	}
	if err := unix.Mprotect(b, readExecute); err != nil {
		t.Fatal(err)
	}
	rows, _ = lookAt(t, os.Getpid(), at)
	if !slices.ContainsFunc(rows, func(r memory.Indicator) bool {
		return r.ID == "map-elf-anonymous" && r.Level == memory.High && strings.Contains(string(r.Seen), "table of segments")
	}) {
		t.Errorf("a table of segments: %+v", rows)
	}
	_, untouched := mapped(t, -1, 4*page, readExecute, anonymous)
	if rows, _ = lookAt(t, os.Getpid(), untouched); len(rows) != 1 || rows[0].ID != "map-anonymous-exec" {
		t.Errorf("never touched: %+v", rows)
	}
}
