package ext4

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hozen/collector"
	"hozen/packager/evidence"
)

// tool gives the path of a program, or skips the test.
func tool(t testing.TB, name string) string {
	t.Helper()
	p, err := exec.LookPath(name)
	for _, dir := range []string{"/usr/sbin/", "/sbin/"} {
		if err != nil {
			p, err = exec.LookPath(dir + name)
		}
	}
	if err != nil {
		t.Skipf("no %s here", name)
	}
	return p
}

func execute(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// plant fills a folder with what is hard to read: holes, many runs of blocks, large
// directories, links of every length, names of any bytes.
func plant(t testing.TB, dir string) {
	t.Helper()
	random := rand.NewChaCha8([32]byte{7})
	write := func(name string, size int, at ...int64) {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, size)
		for _, off := range at {
			random.Read(b)
			if _, err := f.WriteAt(b, off); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{"many", "a/b/c/d/e", "small", "links", "etc"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 600 {
		write(fmt.Sprintf("many/%04d%s", i, strings.Repeat("x", i%200)), i%3, 0)
	}
	for i := range 200 {
		write(fmt.Sprintf("small/%d", i), i, 0)
	}
	var every []int64
	for i := range int64(700) { // more runs than two levels of 1 KiB nodes need
		every = append(every, i*8192+4096)
	}
	write("runs", 4096, every...)
	write("far", 5000, 0, 50<<10, 300<<10, 66<<20, 70<<20+3) // three levels of a block map of 1 KiB
	write("plain", 3<<20+17, 0)
	write("empty", 0)
	write("a/b/c/d/e/new\nline \xff\xfe", 10, 0)
	if err := os.Truncate(filepath.Join(dir, "far"), 80<<20); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 58, 59, 60, 61, 200, 1000} {
		if err := os.Symlink(strings.Repeat("l", n), filepath.Join(dir, "links", fmt.Sprint(n))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(filepath.Join(dir, "plain"), filepath.Join(dir, "hard")); err != nil {
		t.Fatal(err)
	}
}

// compare walks both hosts side by side: the kernel's view and ours. It gives the
// number of files that agree.
func compare(t *testing.T, kernel, ours *collector.Host, dir string, same func(a, b *evidence.FileMeta) string) (agreed int) {
	t.Helper()
	want, err := kernel.Names(dir)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ours.Names(dir)
	if err != nil {
		t.Error(err)
	}
	if dir == "/" && !kernelHas(want, "lost+found") {
		want = insertSorted(want, "lost+found")
	}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("%s: names differ: %d and %d", dir, len(got), len(want))
	}
	for _, n := range want {
		name := strings.TrimSuffix(dir, "/") + "/" + n
		if name == "/lost+found" {
			continue
		}
		a, err := kernel.Lstat(name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := ours.Lstat(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if why := same(a, b); why != "" {
			t.Errorf("%q: %s", name, why)
			continue
		}
		agreed++
		switch {
		case a.Mode&evidence.ModeType == evidence.ModeDir:
			agreed += compare(t, kernel, ours, name, same)
		case a.Regular():
			if x, y := sum(t, kernel, name), sum(t, ours, name); x != y {
				t.Errorf("%q: contents differ", name)
			}
		}
	}
	return agreed
}

func kernelHas(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

func insertSorted(names []string, name string) (out []string) {
	for i, n := range names {
		if n > name {
			return append(append(append(out, names[:i]...), name), names[i:]...)
		}
	}
	return append(append(out, names...), name)
}

func sum(t *testing.T, h *collector.Host, name string) [32]byte {
	t.Helper()
	r, err := h.Reader(name)
	if err != nil {
		t.Error(err)
		return [32]byte{}
	}
	defer r.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, r); err != nil {
		t.Error(err)
	}
	return [32]byte(hash.Sum(nil))
}

// contentsOnly is what mkfs keeps of a folder.
func contentsOnly(a, b *evidence.FileMeta) string {
	size := a.Size == b.Size || a.Mode&evidence.ModeType == evidence.ModeDir
	if a.Mode != b.Mode || a.UID != b.UID || a.GID != b.GID || !size || a.LinkTarget != b.LinkTarget || a.Mtime.Unix() != b.Mtime.Unix() {
		return fmt.Sprintf("%+v, want %+v", b, a)
	}
	return ""
}

// everything is what the kernel says of a file in an image that it wrote.
func everything(a, b *evidence.FileMeta) string {
	c := *a
	c.Dev = 0
	if c.Atime != b.Atime || c.Mtime != b.Mtime || c.Ctime != b.Ctime || c.Btime != b.Btime {
		return fmt.Sprintf("times %v %v %v %v, want %v %v %v %v", b.Atime, b.Mtime, b.Ctime, b.Btime, c.Atime, c.Mtime, c.Ctime, c.Btime)
	}
	c.Atime, c.Mtime, c.Ctime, c.Btime = b.Atime, b.Mtime, b.Ctime, b.Btime
	if c != *b {
		return fmt.Sprintf("%+v, want %+v", *b, c)
	}
	return ""
}

func openImage(t testing.TB, name string) *FS {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	fs, err := Open(f, st.Size())
	if err != nil {
		t.Fatal(err)
	}
	return fs
}

func variants() map[string][]string {
	return map[string][]string{
		"ext2, 1 KiB":                 {"-t", "ext2", "-b", "1024"},
		"ext3":                        {"-t", "ext3"},
		"ext4, 1 KiB":                 {"-t", "ext4", "-b", "1024"},
		"ext4, 4 KiB":                 {"-t", "ext4", "-b", "4096"},
		"ext4 without extents":        {"-t", "ext4", "-O", "^extent,^64bit", "-b", "1024"},
		"ext4 with inline data":       {"-t", "ext4", "-O", "inline_data", "-I", "512"},
		"ext4 with inodes of 128":     {"-t", "ext4", "-I", "128"},
		"ext4 with bigalloc":          {"-t", "ext4", "-O", "bigalloc", "-C", "16384"},
		"ext4 with bigalloc, 1 KiB":   {"-t", "ext4", "-O", "bigalloc", "-b", "1024", "-C", "16384"},
		"ext4 with meta_bg":           {"-t", "ext4", "-O", "meta_bg,^resize_inode", "-b", "1024"},
		"ext4 with sparse_super2":     {"-t", "ext4", "-O", "meta_bg,^resize_inode,sparse_super2", "-b", "1024"},
		"ext4 without flex_bg":        {"-t", "ext4", "-O", "^flex_bg,^64bit", "-b", "1024"},
		"ext4 without file types":     {"-t", "ext4", "-O", "^filetype,^metadata_csum,^dir_index"},
		"ext4 of 64 KiB, not mounted": {"-t", "ext4", "-b", "65536"},
	}
}

// TestMkfs holds what we read to the folder that mkfs filled the image from.
func TestMkfs(t *testing.T) {
	mkfs := tool(t, "mkfs.ext4")
	dir := t.TempDir()
	plant(t, dir)
	for name, options := range variants() {
		if os.Geteuid() == 0 && !strings.HasSuffix(name, "not mounted") && !strings.HasSuffix(name, "1 KiB") {
			continue // TestKernel has them
		}
		if strings.Contains(name, "inline") {
			continue // mke2fs 1.47 forgets the hole at the end of a file there: debugfs sees what we see
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			image := filepath.Join(t.TempDir(), "image")
			execute(t, mkfs, append(options, "-q", "-F", "-N", "2000", "-d", dir, image, "96M")...)
			f := openImage(t, image)
			n := compare(t, &collector.Host{Root: dir}, &collector.Host{Root: "/", Image: f}, "/", contentsOnly)
			t.Logf("%d files agree, %s, notes %q", n, f.Kind(), f.Notes())
			for _, name := range damageSuper(t, image) {
				if f := openImage(t, image); !strings.Contains(strings.Join(f.Notes(), "; "), "its copy at") || look(f, name) != nil {
					t.Errorf("with a damaged superblock: notes %q, %v", f.Notes(), look(f, name))
				}
			}
			if len(f.Notes()) > 0 || !strings.HasPrefix(name, f.Kind()) {
				t.Errorf("%s, notes %q", f.Kind(), f.Notes())
			}
		})
	}
}

// damageSuper wipes the superblock of an image that has more than one group, and names
// what is to be looked at then.
func damageSuper(t *testing.T, image string) []string {
	t.Helper()
	f, err := os.OpenFile(image, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if fs := openImage(t, image); fs.sb.blocks <= fs.sb.blocksPerGrp {
		return nil
	}
	if _, err := f.WriteAt(make([]byte, 64), superOffset); err != nil {
		t.Fatal(err)
	}
	return []string{"/small"}
}

// alone gives the test a mount namespace of its own: what is mounted there is seen by
// nobody who could keep it busy, and goes with the thread.
func alone(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
		t.Skipf("kernel has no mount namespaces: %v", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
}

// mounted mounts an image until the end of the test, or until it is called.
func mounted(t *testing.T, image, options string) (point string, unmount func()) {
	t.Helper()
	point = t.TempDir()
	if out, err := exec.Command("mount", "-o", options, image, point).CombinedOutput(); err != nil {
		if _, err := os.Stat("/dev/loop-control"); err != nil || !kernelKnows("ext4") {
			t.Skipf("kernel has no loop devices or no ext4: %s", out)
		}
		t.Fatalf("mount: %v: %s", err, out)
	}
	done := false
	unmount = func() {
		if !done {
			done = true
			execute(t, "umount", point)
		}
	}
	t.Cleanup(unmount)
	return point, unmount
}

func kernelKnows(fs string) bool {
	b, err := os.ReadFile("/proc/filesystems")
	return err == nil && strings.Contains(string(b), fs)
}

// TestKernel holds what we read to what the kernel says of what it wrote: indexes,
// extents that were never written, times to the nanosecond, devices, owners.
func TestKernel(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not as root: nothing can be mounted")
	}
	mkfs := tool(t, "mkfs.ext4")
	for name, options := range variants() {
		if strings.HasSuffix(name, "not mounted") { // blocks are at most as large as pages
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			image := filepath.Join(t.TempDir(), "image")
			execute(t, mkfs, append(options, "-q", "-F", "-N", "2000", image, "96M")...)
			alone(t)
			point, unmount := mounted(t, image, "loop")
			plant(t, point)
			plantMore(t, point)
			execute(t, "sync", "-f", point)
			if f := openImage(t, image); f.Kind() != "ext2" && !strings.Contains(strings.Join(f.Notes(), ""), "journal was not replayed") {
				t.Errorf("while it is mounted: notes %q", f.Notes())
			}
			unmount()
			point, _ = mounted(t, image, "loop,ro")
			f := openImage(t, image)
			n := compare(t, &collector.Host{Root: point}, &collector.Host{Root: "/", Image: f}, "/", everything)
			t.Logf("%d files agree", n)
			if len(f.Notes()) > 0 {
				t.Errorf("notes %q", f.Notes())
			}
		})
	}
}

func plantMore(t *testing.T, dir string) {
	t.Helper()
	at := func(name string) string { return filepath.Join(dir, name) }
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(unix.Mknod(at("zero"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))))
	check(unix.Mknod(at("large"), unix.S_IFBLK|0o600, int(unix.Mkdev(259, 70000))))
	check(unix.Mkfifo(at("fifo"), 0o640))
	check(os.WriteFile(at("owned"), []byte("x"), 0o4755))
	check(os.Lchown(at("owned"), 70001, 80002))
	for name, when := range map[string]time.Time{
		"old": time.Unix(-1000, 5), "new": time.Unix(5e9, 999999999), "late": time.Unix(13e9, 1),
	} {
		check(os.WriteFile(at(name), nil, 0o600))
		if err := os.Chtimes(at(name), when, when); err != nil && !errors.Is(err, unix.EINVAL) {
			t.Fatal(err)
		}
	}
	f, err := os.Create(at("unwritten"))
	check(err)
	defer f.Close()
	if err := unix.Fallocate(int(f.Fd()), 0, 0, 1<<20); err != nil && err != unix.EOPNOTSUPP {
		t.Fatal(err)
	}
	_, err = f.WriteAt([]byte("in the middle"), 300<<10)
	check(err)
}
