package ntfs

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"hozen/collector/disk/image/ntfs/layout"
	"hozen/packager/evidence"
)

// ntfs-3g writes a volume; what it reads back is what we read of the image.
func TestAgreesWithDriver(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not as root: a file system is mounted")
	}
	for _, tool := range []string{"mkfs.ntfs", "ntfs-3g"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s here", tool)
		}
	}
	if f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0); err != nil {
		t.Skip("kernel has no FUSE that we may use: ", err)
	} else {
		f.Close()
	}
	image, point := filepath.Join(t.TempDir(), "volume"), t.TempDir()
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, 40<<20); err != nil {
		t.Fatal(err)
	}
	tool(t, "mkfs.ntfs", "-F", "-q", image)
	tool(t, "ntfs-3g", "-o", "streams_interface=windows,compression", image, point)
	mounted := true
	unmount := func() {
		if mounted {
			mounted = unix.Unmount(point, 0) != nil
		}
	}
	t.Cleanup(unmount)
	fillVolume(t, point)
	want := sums(t, point)
	unmount()
	if mounted {
		t.Fatal("it stays mounted")
	}
	awaitFlushed(t, image)
	f, err := os.Open(image)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	v, err := Open(f)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, v, want)
}

func tool(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// fillVolume writes what is hard to read: compressed and sparse files, one in
// thousands of pieces (its runs fill several records), a directory of thousands,
// streams, hard links, odd names.
func fillVolume(t *testing.T, point string) {
	t.Helper()
	write := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(point, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	packed := filepath.Join(point, "packed")
	if err := os.Mkdir(packed, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setxattr(packed, "system.ntfs_attrib", []byte{0, 0x08, 0, 0}, 0); err != nil {
		t.Fatal(err)
	}
	write("packed/text", []byte(strings.Repeat("compress me, please; and not in the same way. ", 20000)+strings.Repeat("\x00", 300000)+"end"))
	noise := make([]byte, 200_001)
	for i := range noise {
		noise[i] = byte(i * i >> 7)
	}
	write("packed/noise", noise)
	write("with stream", []byte("plain"))
	write("with stream:hidden.exe", noise)
	write("日本語 名前.txt", []byte("名"))
	if err := os.Link(filepath.Join(point, "with stream"), filepath.Join(point, "packed/second name")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(point, "many"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 3000 {
		write(fmt.Sprintf("many/file with a long name %04d", i), []byte(fmt.Sprint(i)))
	}
	for i := range 1000 { // what is removed must not be listed
		os.Remove(filepath.Join(point, fmt.Sprintf("many/file with a long name %04d", 3*i)))
	}
	sparse, err := os.Create(filepath.Join(point, "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	sparse.WriteAt([]byte("begin"), 0)
	sparse.WriteAt([]byte("end"), 50<<20)
	sparse.Close()
	inPieces(t, point)
}

// inPieces writes a file where every second cluster is free.
func inPieces(t *testing.T, point string) {
	t.Helper()
	cluster, n := make([]byte, 4096), 0
	for ; ; n++ {
		if err := os.WriteFile(filepath.Join(point, fmt.Sprintf("many/%d", n)), cluster, 0o644); errors.Is(err, unix.ENOSPC) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for i := 0; i <= n; i += 2 {
		os.Remove(filepath.Join(point, fmt.Sprintf("many/%d", i)))
	}
	f, err := os.Create(filepath.Join(point, "in pieces"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i := range n / 3 {
		if _, err := fmt.Fprintf(f, "%-4096d", i); err != nil {
			t.Fatal(err)
		}
	}
}

// sums gives the SHA-256 of each file, by name; "dir" for a directory.
func sums(t *testing.T, point string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(point, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == point {
			return err
		}
		rel := strings.TrimPrefix(name, point)
		if d.IsDir() {
			out[rel] = "dir"
			return nil
		}
		b, err := os.ReadFile(name)
		s := sha256.Sum256(b)
		out[rel] = hex.EncodeToString(s[:])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(point, "with stream:hidden.exe"))
	if err != nil {
		t.Fatal(err)
	}
	s := sha256.Sum256(b)
	out["/with stream:hidden.exe"] = hex.EncodeToString(s[:])
	out["/packed/second name:hidden.exe"] = out["/with stream:hidden.exe"]
	return out
}

// awaitFlushed waits until the driver, which ends after the unmount, has let go of
// the image.
func awaitFlushed(t *testing.T, image string) {
	t.Helper()
	f, err := os.OpenFile(image, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(f.Fd(), unix.F_SETLKW, &lock); err != nil {
		t.Fatal(err)
	}
}

func compare(t *testing.T, v *FS, want map[string]string) {
	t.Helper()
	seen := 0
	every(t, v, "/", func(name string, m *evidence.FileMeta) {
		if strings.HasPrefix(name, "/$") {
			return
		}
		seen++
		got := "dir"
		if m.Regular() {
			var n int64
			if got, n = sumOf(t, v, name); n != m.Size {
				t.Errorf("%s: %d bytes of %d", name, n, m.Size)
			}
		}
		if want[name] != got {
			t.Errorf("%s: %s, the driver read %q", name, got, want[name])
		}
	})
	if seen != len(want) {
		t.Errorf("%d names, the driver has %d", seen, len(want))
	}
	d, _, err := v.lookup("/in pieces")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(d.parts(layout.TypeData, "")); n < 2 {
		t.Errorf("the file in pieces is described in %d place(s): not the hard case", n)
	}
	d, _, err = v.lookup("/packed/text")
	if err != nil {
		t.Fatal(err)
	}
	if parts := d.parts(layout.TypeData, ""); parts[0].Flags&layout.Compressed == 0 || parts[0].Unit == 0 {
		t.Errorf("not compressed: flags %#x, unit %d", parts[0].Flags, parts[0].Unit)
	}
}
