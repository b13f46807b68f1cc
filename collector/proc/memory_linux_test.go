package proc

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"hozen/collector"
)

// TestMemoryOfOurselves reads three pages of our own: one written, one that may
// not be read, one never touched.
func TestMemoryOfOurselves(t *testing.T) {
	page := os.Getpagesize()
	area, err := unix.Mmap(-1, 0, 3*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(area) })
	copy(area, bytes.Repeat([]byte("here"), page/4))
	if err := unix.Mprotect(area[page:2*page], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	addr := uint64(uintptr(unsafe.Pointer(&area[0])))
	m, err := OpenMemory(collector.ThisHost(), os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	states := make([]PageState, 3)
	if n, err := m.Pagemap(states, addr+5); n != 3 || err != nil {
		t.Fatalf("%d pages, %v", n, err)
	}
	if !states[0].Present() || states[1].Present() || states[2].Present() || states[2].Swapped() {
		t.Errorf("%#x", states)
	}
	b := make([]byte, page)
	all := make([]byte, 3*page)
	if n, err := m.ReadPresent(all, addr+4); n != page-4 || err != nil || string(all[:4]) != "here" {
		t.Errorf("what is in RAM: %d bytes, %v", n, err)
	}
	if n, err := m.ReadPresent(all, addr+2*uint64(page)); n != 0 || !errors.Is(err, ErrUnreadable) {
		t.Errorf("a page that was never touched was read: %d bytes, %v", n, err)
	}
	if _, err := m.Pagemap(states, addr); err != nil || states[2].Present() {
		t.Errorf("reading brought a page in: %#x, %v", states[2], err)
	}
	if n, err := m.ReadAt(b, addr+uint64(page)-4); n < 4 || string(b[:4]) != "here" {
		t.Errorf("%d bytes, %v: %q", n, err, b[:4])
	}
	if n, err := m.ReadAt(b, 1<<12); n != 0 || !errors.Is(err, ErrUnreadable) {
		t.Errorf("where nothing is mapped: %d bytes, %v", n, err)
	}
}
