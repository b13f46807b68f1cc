package volatile

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/sparse"
	"hozen/packager/evidence"
)

// mountOn mounts for the time of the test.
func mountOn(t *testing.T, source, dir, fstype string, flags uintptr, data string) {
	t.Helper()
	if err := unix.Mount(source, dir, fstype, flags, data); err != nil {
		t.Skipf("needs root: mount %s: %v", fstype, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("%s: %v", dir, err)
		}
	})
}

func needsRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: to mount file systems")
	}
}

// hungFUSE mounts a file system whose server answers the kernel's first message
// (FUSE_INIT, include/uapi/linux/fuse.h) and nothing more: every look at it hangs.
func hungFUSE(t *testing.T, dir string) {
	t.Helper()
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("needs root: %v", err)
	}
	t.Cleanup(func() { unix.Close(fd) }) // last: lets those go that hang
	mountOn(t, "hozen-test", dir, "fuse", 0, fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", fd))
	in := make([]byte, 1<<17)
	if _, err := unix.Read(fd, in); err != nil {
		t.Fatal(err)
	}
	out := make([]byte, 16+64)
	binary.NativeEndian.PutUint32(out, uint32(len(out)))
	copy(out[8:16], in[8:16]) // unique
	binary.NativeEndian.PutUint32(out[16:], 7)
	binary.NativeEndian.PutUint32(out[20:], 31)
	binary.NativeEndian.PutUint32(out[36:], 4096) // max_write
	if _, err := unix.Write(fd, out); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const memSparse = 4 << 30

// hostileTree fills a tmpfs and gives the names of its regular files with contents.
func hostileTree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{
		"a\nb": "newline", "\x1b[31mred": "escape", "\xff\xfe": "not UTF-8", "k=v%41": "signs", "..x": "dots", "A": "upper", "a": "lower",
		strings.Repeat("n", 255): "long name", "d/e/f/deep": "deep", ".hidden/" + strings.Repeat("\xfe", 200): "hidden", "empty": "", "locked": "mode 0",
	}
	for name, text := range files {
		must(t, os.MkdirAll(filepath.Dir(dir+"/"+name), 0o755))
		must(t, os.WriteFile(dir+"/"+name, []byte(text), 0o600))
	}
	must(t, os.Chmod(dir+"/locked", 0))
	must(t, unix.Mkfifo(dir+"/fifo", 0o600))
	must(t, unix.Mknod(dir+"/device", unix.S_IFCHR|0o600, int(unix.Mkdev(1, 8))))
	must(t, unix.Mknod(dir+"/socket", unix.S_IFSOCK|0o600, 0))
	must(t, os.Symlink(dir+"/hung/x", dir+"/link"))
	must(t, os.Symlink(".", dir+"/loop"))
	must(t, os.Link(dir+"/A", dir+"/z-second-name"))
	must(t, unix.Setxattr(dir+"/a", "trusted.test", []byte{0xff, 1}, 0))
	must(t, unix.Setxattr(dir+"/d", "trusted.long", bytes.Repeat([]byte("v"), 5000), 0))
	sparse, err := os.Create(dir + "/sparse")
	must(t, err)
	must(t, sparse.Truncate(memSparse))
	_, err = sparse.WriteAt([]byte("middle"), memSparse/2)
	must(t, err)
	must(t, sparse.Close())
	must(t, os.Mkdir(dir+"/hung", 0o755))
	must(t, os.Mkdir(dir+"/over", 0o755))
	must(t, os.WriteFile(dir+"/over/proc.Beneath", []byte("hidden by a mount"), 0o600))
	must(t, os.Mkdir(dir+"/bound", 0o755))
	return files
}

// entries lists what is in the tree, other mounts left out.
func entries(t *testing.T, dir string) (out []string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		out = append(out, p)
		if p == dir+"/hung" || p == dir+"/over" || p == dir+"/bound" {
			return fs.SkipDir
		}
		return err
	}))
	return out
}

// ageAll sets old times, so that any access would show, and gives them all by
// entry, but for mount points. Only lstat is used after that.
func ageAll(t *testing.T, names []string) map[string]string {
	t.Helper()
	old := unix.NsecToTimespec(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
	for _, p := range names {
		if !isMountIn(p) {
			must(t, unix.UtimesNanoAt(unix.AT_FDCWD, p, []unix.Timespec{old, old}, unix.AT_SYMLINK_NOFOLLOW))
		}
	}
	return times(t, names)
}

func isMountIn(p string) bool {
	b := filepath.Base(p)
	return b == "hung" || b == "over" || b == "bound"
}

func times(t *testing.T, names []string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, p := range names {
		if !isMountIn(p) {
			var st unix.Stat_t
			must(t, unix.Lstat(p, &st))
			out[p] = fmt.Sprint(st.Atim, st.Mtim, st.Ctim)
		}
	}
	return out
}

func TestTemporaryHostileTree(t *testing.T) {
	needsRoot(t)
	dir := t.TempDir()
	mountOn(t, "hozen-test", dir, "tmpfs", unix.MS_STRICTATIME, "size=16m")
	files := hostileTree(t, dir)
	names := entries(t, dir)
	hungFUSE(t, dir+"/hung")
	mountOn(t, "hozen-test", dir+"/over", "tmpfs", 0, "size=64k")
	must(t, os.WriteFile(dir+"/over/above", []byte("on top"), 0o600))
	mountOn(t, dir, dir+"/bound", "", unix.MS_BIND, "")
	var own unix.Stat_t
	must(t, unix.Lstat(dir+"/..x", &own))
	for _, elevated := range []bool{true, false} { // with a private view of the mount, and by its name
		t.Run(fmt.Sprint("elevated ", elevated), func(t *testing.T) {
			h := &collector.Host{Root: "/", Live: true, Elevated: elevated, Own: []collector.FileID{{Dev: own.Dev, Inode: own.Ino}}}
			before := ageAll(t, names)
			var s hosttest.Sink
			done := make(chan error, 1)
			go func() {
				done <- TemporaryWithin(TemporaryLimits{PerFile: 1 << 20}).Collect(context.Background(), h, &s)
			}()
			select {
			case err := <-done:
				must(t, err)
			case <-time.After(time.Minute):
				t.Fatal("hangs")
			}
			for p, after := range times(t, names) {
				link := strings.HasSuffix(p, "/link") || strings.HasSuffix(p, "/loop")
				if before[p] != after && (elevated || !link) { // see openMemTree
					t.Errorf("%q: times changed from %s to %s", p, before[p], after)
				}
			}
			checkHostile(t, &s, dir, names, files, elevated)
		})
	}
}

func checkHostile(t *testing.T, s *hosttest.Sink, dir string, names []string, files map[string]string, elevated bool) {
	t.Helper()
	rows := map[string]TemporaryEntry{}
	for _, r := range table[TemporaryEntry](t, s, "volatile/temporary.jsonl") {
		if _, twice := rows[string(r.Path)]; twice && strings.HasPrefix(string(r.Path), dir) && !strings.Contains(string(r.Path), "/over") {
			t.Errorf("%q has two rows", r.Path)
		}
		rows[string(r.Path)] = r
	}
	for _, p := range names {
		if _, ok := rows[p]; !ok {
			t.Errorf("%q has no row", p)
		}
	}
	for name, text := range files {
		got := s.Body("volatile/temporary" + dir + "/" + name)
		if rec, ok := s.Record("volatile/temporary" + dir + "/" + name); name == "..x" {
			if ok || rows[dir+"/"+name].Contents != "our own output" {
				t.Errorf("our own file was taken: %+v", rec)
			}
		} else if !ok || string(got) != text || rec.Outcome != evidence.Collected || rec.Source != dir+"/"+name {
			t.Errorf("%q: %q, %+v", name, got, rec)
		}
	}
	for name, kind := range map[string]string{"fifo": "fifo", "device": "char", "socket": "socket", "link": "symlink", "d": "directory"} {
		if r := rows[dir+"/"+name]; r.Kind != kind || r.Contents != "" {
			t.Errorf("%s: %+v", name, r)
		}
		if _, ok := s.Record("volatile/temporary" + dir + "/" + name); ok {
			t.Errorf("%s was read", name)
		}
	}
	if r := rows[dir+"/z-second-name"]; string(r.SameAs) != dir+"/A" {
		t.Errorf("hard link: %+v", r)
	}
	if r := rows[dir+"/a"]; len(r.Xattrs) != 1 || r.Xattrs[0].Name != "trusted.test" || r.Xattrs[0].Value != "\xff\x01" {
		t.Errorf("xattrs: %+v", r)
	}
	if r := rows[dir+"/d"]; len(r.Xattrs) != 1 || len(r.Xattrs[0].Value) != 5000 {
		t.Errorf("long xattr: %+v", r)
	}
	checkSparse(t, s, dir)
	if r := rows[dir+"/hung"]; r.MountPoint != "fuse" || elevated != (r.Kind == "directory") {
		t.Errorf("hung mount: %+v", r)
	}
	if string(s.Body("volatile/temporary"+dir+"/over/above")) != "on top" {
		t.Error("the mount on top was not walked")
	}
	hidden := 0
	for _, r := range s.Records() {
		if strings.Contains(r.Path, "/@under-") && strings.HasSuffix(r.Path, "/over/proc.Beneath") && r.Outcome == evidence.Collected {
			hidden++
		}
	}
	if elevated && hidden != 1 {
		t.Errorf("the file that a mount hides was taken %d times", hidden)
	}
}

func checkSparse(t *testing.T, s *hosttest.Sink, dir string) {
	t.Helper()
	rec, _ := s.Record("volatile/temporary" + dir + "/sparse")
	extents := table[sparse.Extent](t, s, "volatile/temporary/@extents"+dir+"/sparse.jsonl")
	body := s.Body("volatile/temporary" + dir + "/sparse")
	if rec.Shortfall || rec.File.Size != memSparse || len(extents) != 1 || extents[0].Offset > memSparse/2 || int64(len(body)) != extents[0].Length ||
		!bytes.HasPrefix(body[memSparse/2-extents[0].Offset:], []byte("middle")) {
		t.Errorf("sparse: %+v, extents %v, %d bytes", rec, extents, len(body))
	}
}

// onWrite calls f once, when it is first written to.
type onWrite struct {
	io.Writer
	f func()
}

func (w *onWrite) Write(p []byte) (int, error) {
	if w.f != nil {
		w.f()
		w.f = nil
	}
	return w.Writer.Write(p)
}

func TestFilesThatChangeWhileRead(t *testing.T) {
	const size = 1 << 20
	tests := []struct {
		name   string
		change func(t *testing.T, name string)
		bytes  int
		note   string
	}{
		{"grows", func(t *testing.T, name string) { must(t, os.Truncate(name, size+5)) }, size, "grew from 1048576 to 1048581"},
		{"shrinks", func(t *testing.T, name string) { must(t, os.Truncate(name, 100)) }, 32 << 10, "shrank from 1048576"},
		{"removed", func(t *testing.T, name string) { must(t, os.Remove(name)) }, size, ""},
	}
	for _, tt := range tests {
		name := filepath.Join(t.TempDir(), "f")
		must(t, os.WriteFile(name, bytes.Repeat([]byte("x"), size), 0o600))
		d, err := openDirAt(unix.AT_FDCWD, filepath.Dir(name), filepath.Dir(name))
		must(t, err)
		meta, _, err := d.stat("f")
		must(t, err)
		c := &memContents{ctx: context.Background(), limits: TemporaryLimits{}.orDefault()}
		var buf bytes.Buffer
		err = c.copyWhole(&onWrite{&buf, func() { tt.change(t, name) }}, &memEntry{in: d, name: "f", meta: meta})
		if o, _, short := evidence.Classify(err, int64(buf.Len())); buf.Len() != tt.bytes || short || tt.note != "" && (o != evidence.Partial || !strings.Contains(err.Error(), tt.note)) {
			t.Errorf("%s: %d bytes, %v", tt.name, buf.Len(), err)
		}
		must(t, os.RemoveAll(name))
		if err := c.copyWhole(&buf, &memEntry{in: d, name: "f", meta: meta}); !ended(err) {
			t.Errorf("%s: gone before it was opened: %v", tt.name, err)
		}
		must(t, unix.Mkfifo(name, 0o600))
		if err := c.copyWhole(&buf, &memEntry{in: d, name: "f", meta: meta}); err == nil || !strings.Contains(err.Error(), "replaced") {
			t.Errorf("%s: a FIFO in its place: %v", tt.name, err)
		}
		d.close()
	}
}

// TestForeignNamespace looks into a tmpfs that only another process's mount
// namespace has.
func TestForeignNamespace(t *testing.T) {
	needsRoot(t)
	const asked = "HOZEN_TEST_NAMESPACE"
	if dir := os.Getenv(asked); dir != "" {
		must(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
		must(t, unix.Mount("hozen-test", dir, "tmpfs", 0, "size=64k"))
		must(t, os.WriteFile(dir+"/inside", []byte("only here"), 0o600))
		fmt.Println("ready")
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	}
	dir := t.TempDir()
	self, err := os.Executable()
	must(t, err)
	in, feed, err := os.Pipe()
	must(t, err)
	answer, out, err := os.Pipe()
	must(t, err)
	p, err := os.StartProcess(self, []string{self, "-test.run=^TestForeignNamespace$"}, &os.ProcAttr{
		Env: append(os.Environ(), asked+"="+dir), Files: []*os.File{in, out, os.Stderr}, Sys: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS},
	})
	if err != nil {
		t.Skipf("needs root: a mount namespace: %v", err)
	}
	defer func() {
		feed.Close()
		_, _ = p.Wait()
	}()
	if _, err := answer.Read(make([]byte, 64)); err != nil {
		t.Fatal(err)
	}
	s := collectTest(t, Temporary(), collector.ThisHost())
	found := 0
	for _, r := range s.Records() {
		if strings.HasPrefix(r.Path, "volatile/temporary/@") && strings.HasSuffix(r.Path, dir+"/inside") && string(s.Body(r.Path)) == "only here" {
			found++
		}
	}
	if found != 1 {
		t.Errorf("found %d times", found)
	}
}

func BenchmarkTemporary(b *testing.B) {
	root := b.TempDir()
	if err := os.MkdirAll(root+"/proc/self", 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(root+"/proc/self/mountinfo", []byte("1 0 0:1 / /t rw - tmpfs t rw\n"), 0o644); err != nil {
		b.Fatal(err)
	}
	for i := range 100 {
		dir := fmt.Sprintf("%s/t/%03d", root, i)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			b.Fatal(err)
		}
		for j := range 100 {
			if err := os.WriteFile(fmt.Sprintf("%s/%03d", dir, j), []byte("x"), 0o644); err != nil {
				b.Fatal(err)
			}
		}
	}
	for b.Loop() {
		var s hosttest.Sink
		if err := Temporary().Collect(context.Background(), &collector.Host{Root: root}, &s); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(10_000, "files")
}
