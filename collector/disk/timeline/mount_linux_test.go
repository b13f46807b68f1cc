package timeline

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/memory"
	"hozen/packager/evidence"
)

func needsRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not as root: nothing can be mounted")
	}
}

// mount mounts for the time of the test.
func mount(t *testing.T, source, dir, fstype string, flags uintptr, data string) {
	t.Helper()
	if err := unix.Mount(source, dir, fstype, flags, data); err != nil {
		t.Skipf("kernel has no %s that we may mount: %v", fstype, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("%s: %v", dir, err)
		}
	})
}

// hungFUSE mounts a file system whose server answers the kernel's first message
// (FUSE_INIT, include/uapi/linux/fuse.h) and nothing more: every look at it hangs.
func hungFUSE(t *testing.T, dir string) {
	t.Helper()
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("kernel has no fuse: %v", err)
	}
	t.Cleanup(func() { unix.Close(fd) }) // last: lets those go that hang
	mount(t, "hozen-test", dir, "fuse", 0, fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", fd))
	in := make([]byte, 1<<17)
	_, err = unix.Read(fd, in)
	must(t, err)
	out := make([]byte, 16+64)
	binary.NativeEndian.PutUint32(out, uint32(len(out)))
	copy(out[8:16], in[8:16]) // unique
	binary.NativeEndian.PutUint32(out[16:], 7)
	binary.NativeEndian.PutUint32(out[20:], 31)
	binary.NativeEndian.PutUint32(out[36:], 4096) // max_write
	_, err = unix.Write(fd, out)
	must(t, err)
}

func rowsOf(t *testing.T, s *hosttest.Sink) map[string]Row {
	rows := map[string]Row{}
	for _, r := range table[Row](t, s, rowsItem) {
		name := string(r.Path)
		if r.Hidden {
			name += " (hidden)"
		}
		rows[name] = r
	}
	return rows
}

func mountsOf(t *testing.T, s *hosttest.Sink) map[string]MountRow {
	rows := map[string]MountRow{}
	for _, r := range table[MountRow](t, s, mountsItem) {
		rows[string(r.MountPoint)] = r
	}
	return rows
}

// A tree with mounts of many kinds: each file system is walked once, what lies beneath a
// mount is seen, and what hangs is not looked at.
func TestMountsOfATree(t *testing.T) {
	needsRoot(t)
	dir := t.TempDir()
	mount(t, "hozen-test", dir, "tmpfs", 0, "size=8m")
	plant(t, dir, "plain", "data/file", "over/beneath", "bound/", "hung/", "proc/", "second/")
	hungFUSE(t, filepath.Join(dir, "hung"))
	mount(t, "hozen-test", filepath.Join(dir, "over"), "tmpfs", 0, "size=64k")
	plant(t, dir, "over/above")
	mount(t, filepath.Join(dir, "data"), filepath.Join(dir, "bound"), "", unix.MS_BIND, "")
	mount(t, "proc", filepath.Join(dir, "proc"), "proc", 0, "")
	done := make(chan *hosttest.Sink, 1)
	go func() { done <- take(t, Timeline(Options{}), &collector.Host{Root: dir, Elevated: true}) }()
	var s *hosttest.Sink
	select {
	case s = <-done:
	case <-time.After(time.Minute):
		t.Fatal("hangs")
	}
	rows, mounts := rowsOf(t, s), mountsOf(t, s)
	for _, p := range []string{"/", "/plain", "/data/file", "/over/above", "/over/beneath (hidden)", "/over (hidden)", "/over"} {
		if r := rows[p]; r.Kind == "" || r.Error != "" {
			t.Errorf("%s: %+v", p, r)
		}
	}
	for _, p := range []string{"/bound/file", "/proc/self", "/hung/x"} {
		if r, ok := rows[p]; ok {
			t.Errorf("%s: %+v", p, r)
		}
	}
	for p, walked := range map[string]bool{"/": true, "/over": true, "/bound": false, "/hung": false, "/proc": false} {
		if m, ok := mounts[p]; !ok || m.Walked != walked || !walked && m.Why == "" || walked && !m.Private {
			t.Errorf("%s: %+v", p, m)
		}
	}
	if same := mounts["/"].Same; len(same) != 1 || same[0] != "/bound" {
		t.Errorf("the same as /: %q", same)
	}
}

// Where file systems that programs serve are asked for, one that hangs is left behind,
// and the others are walked to their end.
func TestHungFileSystemIsLeft(t *testing.T) {
	needsRoot(t)
	dir := t.TempDir()
	mount(t, "hozen-test", dir, "tmpfs", 0, "size=8m")
	plant(t, dir, "hung/", "a/b/c", "z/file")
	hungFUSE(t, filepath.Join(dir, "hung"))
	done := make(chan *hosttest.Sink, 1)
	go func() {
		done <- take(t, Timeline(Options{NetworkMounts: true, Patience: 5 * time.Second}), &collector.Host{Root: dir})
	}()
	var s *hosttest.Sink
	select {
	case s = <-done:
	case <-time.After(time.Minute):
		t.Fatal("hangs")
	}
	rows, mounts := rowsOf(t, s), mountsOf(t, s)
	if rows["/a/b/c"].Kind != "regular" || rows["/z/file"].Kind != "regular" || mounts["/"].Error != "" {
		t.Errorf("%+v", rows)
	}
	if r, m := rows["/hung"], mounts["/hung"]; r.Error == "" || !m.Walked || !strings.Contains(string(m.Error), "no answer") {
		t.Errorf("%+v, %+v", r, m)
	}
	if r, _ := s.Record(rowsItem); r.Outcome != evidence.Partial || !r.Shortfall || !strings.Contains(r.Note, "no answer") {
		t.Errorf("%+v", r)
	}
}

// A collection whose time is over does not wait for a file system that hangs.
func TestHungFileSystemAtTheEndOfTime(t *testing.T) {
	needsRoot(t)
	dir := t.TempDir()
	mount(t, "hozen-test", dir, "tmpfs", 0, "size=8m")
	plant(t, dir, "hung/", "file")
	hungFUSE(t, filepath.Join(dir, "hung"))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // all but what hangs is walked in it
	defer cancel()
	done, s := make(chan error, 1), &hosttest.Sink{}
	go func() { done <- Timeline(Options{NetworkMounts: true}).Collect(ctx, &collector.Host{Root: dir}, s) }()
	select {
	case err := <-done:
		must(t, err)
	case <-time.After(25 * time.Second): // of the patience of thirty
		t.Fatal("waits for a file system that hangs")
	}
	if r, _ := s.Record(rowsItem); r.Outcome != evidence.Partial || rowsOf(t, s)["/file"].Kind != "regular" {
		t.Errorf("%+v", r)
	}
}

// Nothing changes an access time, not even where every access does: an ext4 in a file,
// mounted with strictatime.
func TestStrictAtimeIsLeftAlone(t *testing.T) {
	needsRoot(t)
	mkfs := program(t, "mkfs.ext4")
	image := filepath.Join(t.TempDir(), "image")
	f, err := os.Create(image)
	must(t, err)
	must(t, f.Truncate(16<<20))
	must(t, f.Close())
	out, err := exec.Command(mkfs, "-q", "-F", image).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	dir := t.TempDir()
	if out, err := exec.Command(program(t, "mount"), "-o", "loop,strictatime", image, dir).CombinedOutput(); err != nil {
		t.Skipf("kernel has no loop devices that we may use: %s", out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("%s: %v", out, err)
		}
	})
	plant(t, dir, append(odd(), "tmp/prog", "usr/bin/prog")...)
	must(t, os.Chmod(filepath.Join(dir, "tmp/prog"), 0o755))
	must(t, os.Symlink("tmp", filepath.Join(dir, "link")))
	must(t, unix.Setxattr(filepath.Join(dir, "usr/bin/prog"), "security.capability", []byte("\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), 0))
	must(t, os.Chmod(filepath.Join(dir, "usr/bin/prog"), 0o755))
	old := unix.NsecToTimespec(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
	names := []string{}
	must(t, filepath.WalkDir(dir, func(p string, _ os.DirEntry, err error) error {
		names = append(names, p)
		return err
	}))
	for _, p := range names {
		must(t, unix.UtimesNanoAt(unix.AT_FDCWD, p, []unix.Timespec{old, old}, unix.AT_SYMLINK_NOFOLLOW))
	}
	h := &collector.Host{Root: dir, Elevated: true}
	seen := &Seen{}
	s := take(t, Timeline(Options{Seen: seen}), h)
	found := take(t, Notable(NotableOptions{Seen: seen}), h)
	for _, p := range names {
		var st unix.Stat_t
		must(t, unix.Lstat(p, &st))
		if st.Atim != old || st.Mtim != old {
			t.Errorf("%q: its times were changed", p)
		}
	}
	if m := mountsOf(t, s)["/"]; !m.Private || m.FSType != "ext4" {
		t.Errorf("%+v", m)
	}
	capable := false
	for _, r := range table[NotableRow](t, found, notableItem) {
		capable = capable || r.Kind == "capability" && r.Path == "/usr/bin/prog" && strings.Contains(string(r.Seen), "cap_net_raw=ep")
	}
	if !capable {
		t.Errorf("no row of the capability: %s", found.Body(notableItem))
	}
}

func TestNotableDevices(t *testing.T) {
	needsRoot(t)
	dir := t.TempDir()
	mount(t, "hozen-test", dir, "tmpfs", 0, "size=1m")
	plant(t, dir, "var/x/", "chroot/dev/", "dev/")
	must(t, unix.Mknod(dir+"/var/x/disk", unix.S_IFBLK|0o600, int(unix.Mkdev(8, 0))))
	must(t, unix.Mknod(dir+"/chroot/dev/null", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
	must(t, unix.Mknod(dir+"/dev/sda", unix.S_IFBLK|0o600, int(unix.Mkdev(8, 0))))
	s := take(t, Notable(NotableOptions{}), &collector.Host{Root: dir})
	got := map[string]memory.Level{}
	for _, r := range table[NotableRow](t, s, notableItem) {
		got[r.Kind+" "+string(r.Path)] = r.Level
	}
	if len(got) != 2 || got["device /var/x/disk"] != memory.High || got["device /chroot/dev/null"] != memory.Low {
		t.Errorf("%v", got)
	}
}
