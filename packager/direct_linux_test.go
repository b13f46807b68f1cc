package packager

import (
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestDirectDirLeavesThePageCacheAlone asks the kernel which pages of the file it holds.
func TestDirectDirLeavesThePageCacheAlone(t *testing.T) {
	const size = 8 << 20
	dir := DirectDir{Dir(t.TempDir())}
	f, err := dir.Create("a")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := f.(*directFile); !ok {
		t.Skip("kernel has no O_DIRECT on the file system of the temporary folder")
	}
	if _, err := f.Write(make([]byte, size+5)); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if n := cachedPages(t, filepath.Join(string(dir.Dir), "a"), size); n > 8 {
		t.Errorf("%d pages are in the page cache", n)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func cachedPages(t *testing.T, name string, size int) (n int) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(b)
	in := make([]byte, size/os.Getpagesize())
	if _, _, e := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&b[0])), uintptr(size), uintptr(unsafe.Pointer(&in[0]))); e != 0 {
		t.Fatal(e)
	}
	for _, page := range in {
		n += int(page & 1)
	}
	return n
}
