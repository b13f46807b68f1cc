package disk

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/collector/sparse"
	"hozen/packager/evidence"
)

// patientSink leaves a fill behind, as the archive does, when its context has ended.
type patientSink struct{ hosttest.Sink }

func (s *patientSink) Put(ctx context.Context, item evidence.Item, fill func(io.Writer) error) error {
	var buf bytes.Buffer
	done := make(chan error, 1)
	go func() { done <- fill(&buf) }()
	select {
	case err := <-done:
		return s.Sink.Put(ctx, item, func(w io.Writer) error {
			w.Write(buf.Bytes())
			return err
		})
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return s.Sink.Put(ctx, item, func(w io.Writer) error {
			w.Write(buf.Bytes())
			return err
		})
	case <-time.After(200 * time.Millisecond):
		return s.Sink.Put(ctx, item, func(io.Writer) error { return context.Cause(ctx) })
	}
}

// mountOn mounts for the time of the test.
func mountOn(t testing.TB, source, dir, fstype string, flags uintptr, data string) {
	t.Helper()
	must(t, unix.Mount(source, dir, fstype, flags, data))
	t.Cleanup(func() { must(t, unix.Unmount(dir, unix.MNT_DETACH)) })
}

// loopDevice makes a block device of a file.
func loopDevice(t testing.TB, file string) string {
	t.Helper()
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	must(t, err)
	defer control.Close()
	back, err := os.OpenFile(file, os.O_RDWR, 0)
	must(t, err)
	defer back.Close()
	for range 20 { // another may be faster
		n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		must(t, err)
		name := fmt.Sprintf("/dev/loop%d", n)
		dev, err := os.OpenFile(name, os.O_RDWR, 0)
		must(t, err)
		if err := unix.IoctlSetInt(int(dev.Fd()), unix.LOOP_SET_FD, int(back.Fd())); err == nil {
			t.Cleanup(func() {
				unix.IoctlSetInt(int(dev.Fd()), unix.LOOP_CLR_FD, 0)
				dev.Close()
			})
			return name
		}
		dev.Close()
	}
	t.Fatal("no loop device is free")
	return ""
}

// formatted gives a mounted file system of its own in a file of so many MiB, and that file.
func formatted(t testing.TB, fstype string, mib int64, flags uintptr) (dir, image, dev string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not as root: mounts")
	}
	mkfs, err := exec.LookPath("mkfs." + fstype)
	if err != nil {
		t.Skipf("no mkfs.%s here", fstype)
	}
	image, dir = filepath.Join(t.TempDir(), "image"), t.TempDir()
	must(t, os.WriteFile(image, nil, 0o600))
	must(t, os.Truncate(image, mib<<20))
	if out, err := exec.Command(mkfs, "-q", image).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.%s: %v: %s", fstype, err, out)
	}
	dev = loopDevice(t, image)
	if err := unix.Mount(dev, dir, fstype, flags, ""); err == unix.ENODEV {
		t.Skipf("kernel has no %s", fstype)
	} else {
		must(t, err)
	}
	t.Cleanup(func() { must(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return dir, image, dev
}

// listing is what lstat says of everything below a directory; nothing is opened but
// directories, through a bind mount without access times.
func listing(t *testing.T, dir string) (out []string) {
	t.Helper()
	view := t.TempDir()
	must(t, unix.Mount(dir, view, "", unix.MS_BIND, ""))
	defer unix.Unmount(view, unix.MNT_DETACH)
	must(t, unix.Mount("", view, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_NOATIME|unix.MS_RDONLY, ""))
	must(t, filepath.WalkDir(view, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		must(t, unix.Lstat(p, &st))
		out = append(out, fmt.Sprintf("%q %o %d %d %d %d %v %v %v", strings.TrimPrefix(p, view), st.Mode, st.Ino, st.Nlink, st.Size, st.Blocks, st.Atim, st.Mtim, st.Ctim))
		return nil
	}))
	return out
}

// hostile fills a directory, and gives the contents of its files.
func hostile(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{
		"a\nb": "newline", "\x1b[31mred": "escape", "\xff\xfe": "not UTF-8", "k=v%41": "signs", "..x": "dots", "A": "upper", "a": "lower",
		strings.Repeat("n", 255): "long name", "d/e/f/deep": "deep", ".hidden/" + strings.Repeat("\xfe", 200): "hidden", "empty": "", "locked": "mode 0",
		"large": strings.Repeat("0123456789abcdef", 40_000),
	}
	for name, text := range files {
		must(t, os.MkdirAll(filepath.Dir(dir+"/"+name), 0o755))
		must(t, os.WriteFile(dir+"/"+name, []byte(text), 0o600))
	}
	must(t, os.Chmod(dir+"/locked", 0))
	must(t, unix.Mkfifo(dir+"/fifo", 0o600))
	must(t, unix.Mknod(dir+"/device", unix.S_IFCHR|0o600, int(unix.Mkdev(1, 8))))
	must(t, unix.Mknod(dir+"/socket", unix.S_IFSOCK|0o600, 0))
	must(t, os.Symlink("../etc/shadow", dir+"/link"))
	must(t, os.Symlink(".", dir+"/loop"))
	must(t, os.Link(dir+"/A", dir+"/z-second-name"))
	f, err := os.Create(dir + "/holes")
	must(t, err)
	_, err = f.WriteAt([]byte("middle"), 3<<20)
	must(t, err)
	must(t, f.Truncate(5<<20+7))
	must(t, f.Close())
	files["holes"] = strings.Repeat("\x00", 3<<20) + "middle" + strings.Repeat("\x00", 2<<20+1)
	return files
}

// On file systems that note every access, nothing is changed: no time, no block.
func TestNothingChanges(t *testing.T) {
	for _, fstype := range []string{"ext4", "xfs", "btrfs"} {
		t.Run(fstype, func(t *testing.T) {
			dir, _, _ := formatted(t, fstype, 320, unix.MS_STRICTATIME)
			files := hostile(t, dir)
			must(t, os.Symlink("d/e", dir+"/way"))
			unix.Sync()
			set := testSet(t, fmt.Sprintf("name: Way\ndoc: Through a link.\nsources:\n- {type: FILE, attributes: {paths: ['%s/way/f/*', '%s/l*']}}\n", dir, dir))
			before := listing(t, dir)
			h := collector.ThisHost()
			s, rows := take(t, Options{Set: set, Tiers: Named([]string{"Way"}), Trees: []string{dir}}, h)
			unix.Sync()
			if after := listing(t, dir); !slices.Equal(before, after) {
				t.Errorf("changed from\n%s\nto\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
			}
			for name, text := range files {
				name = dir + "/" + name
				r, same := rows[name], rows[name].SameAs
				if same == "" {
					same = r.Path
				}
				if got := s.Body("disk/files" + string(same)); string(got) != text || r.SameAs == "" && r.Outcome != evidence.Collected || r.AtimeMayMove {
					t.Errorf("%q: %d bytes, want %d; %+v", name, len(got), len(text), r)
				}
			}
			for name, kind := range map[string]string{"fifo": "fifo", "device": "char", "socket": "socket", "link": "symlink", "d": "directory"} {
				if _, put := s.Record("disk/files" + dir + "/" + name); rows[dir+"/"+name].Kind != kind || put {
					t.Errorf("%s: %+v, put %t", name, rows[dir+"/"+name], put)
				}
			}
			if r := rows[dir+"/z-second-name"]; string(r.SameAs) != dir+"/A" {
				t.Errorf("%+v", r)
			}
		})
	}
}

// Where the disk is unreadable, the rest of a file is taken, zeros stand for what is
// lost, and a table says where.
func TestUnreadable(t *testing.T) {
	dir, image, dev := formatted(t, "ext4", 64, 0)
	body := bytes.Repeat([]byte("0123456789abcdef"), 24<<20/16)
	must(t, os.WriteFile(dir+"/small", []byte("small"), 0o600))
	must(t, os.WriteFile(dir+"/file", body, 0o600))
	must(t, unix.Unmount(dir, 0))
	mountReadOnly(t, dev, dir)
	end := lastOffset(t, image, body[:4096])
	must(t, os.Truncate(image, end-(2<<20))) // its last two MiB are gone
	d, err := os.OpenFile(dev, os.O_RDONLY, 0)
	must(t, err)
	must(t, unix.IoctlSetInt(int(d.Fd()), unix.BLKFLSBUF, 0))
	must(t, d.Close())
	s, rows := take(t, Options{Trees: []string{dir}}, collector.ThisHost())
	name := dir + "/file"
	r, got := rows[name], s.Body("disk/files"+name)
	lost, err := jsonl.Read[UnreadableRow](s.Body(unreadableTable))
	must(t, err)
	rec, _ := s.Record("disk/files" + name)
	if len(got) != len(body) || r.Outcome != evidence.Partial || r.Unreadable < 1<<20 || r.Unreadable > 4<<20 || !rec.Shortfall || len(lost) == 0 {
		t.Fatalf("%d bytes, %+v, %d places", len(got), r, len(lost))
	}
	want, sum := slices.Clone(body), int64(0)
	for _, u := range lost {
		clear(want[u.Offset : u.Offset+u.Length])
		sum += u.Length
		if string(u.Path) != name || u.Error != unix.EIO.Error() {
			t.Errorf("%+v", u)
		}
	}
	if !bytes.Equal(got, want) || sum != r.Unreadable {
		t.Errorf("what is not listed differs, or %d is not %d", sum, r.Unreadable)
	}
}

// mountReadOnly waits for mount namespaces of other tests, which began with a copy of the mount
// that was here: as long as one is there, the file system is still mounted to be written.
func mountReadOnly(t *testing.T, dev, dir string) {
	t.Helper()
	err := unix.EBUSY
	for end := time.Now().Add(2 * time.Minute); err == unix.EBUSY && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		err, _ = unix.Mount(dev, dir, "ext4", unix.MS_RDONLY, "").(unix.Errno)
	}
	if err != 0 {
		t.Fatal(err)
	}
}

// lastOffset finds where a block lies last in an image.
func lastOffset(t *testing.T, image string, block []byte) int64 {
	t.Helper()
	unix.Sync()
	b, err := os.ReadFile(image)
	must(t, err)
	at := bytes.LastIndex(b, block)
	if at < 0 {
		t.Fatal("the file's blocks are not in the image")
	}
	return int64(at + len(block))
}

// hungFUSE mounts a file system whose server answers the kernel's first message
// (FUSE_INIT, include/uapi/linux/fuse.h), then looks at names (all are the same
// regular file), and nothing more: every read hangs. With mute even looks do.
func hungFUSE(t *testing.T, dir string, mute bool) {
	t.Helper()
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	must(t, err)
	var server *os.File
	t.Cleanup(func() { server.Close() }) // last: lets those go that hang
	mountOn(t, "hozen-test", dir, "fuse", 0, fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", fd))
	server = os.NewFile(uintptr(fd), "/dev/fuse") // now: before, it cannot be waited for
	go func() {
		in := make([]byte, 1<<17)
		for {
			n, err := server.Read(in)
			if err != nil || n < 40 {
				return
			}
			if out := fuseAnswer(in[:n], mute); out != nil {
				server.Write(out)
			}
		}
	}()
}

func fuseAnswer(in []byte, mute bool) []byte {
	const lookup, getattr, open, read, initial, poll = 1, 3, 14, 15, 26, 40
	head := func(n int) []byte {
		out := make([]byte, 16+n)
		binary.NativeEndian.PutUint32(out, uint32(len(out)))
		copy(out[8:16], in[8:16]) // unique
		return out
	}
	attr := func(b []byte, dir bool) { // struct fuse_attr
		binary.NativeEndian.PutUint64(b, 7)
		binary.NativeEndian.PutUint64(b[8:], 100_000) // size
		mode, node := uint32(0o100644), uint64(7)
		if dir {
			mode, node = 0o40755, 1
		}
		binary.NativeEndian.PutUint64(b, node)
		binary.NativeEndian.PutUint32(b[60:], mode)
		binary.NativeEndian.PutUint32(b[64:], 1)
	}
	switch op := binary.NativeEndian.Uint32(in[4:]); {
	case op == initial:
		out := head(64)
		binary.NativeEndian.PutUint32(out[16:], 7)
		binary.NativeEndian.PutUint32(out[20:], 31)
		binary.NativeEndian.PutUint32(out[36:], 4096) // max_write
		return out
	case mute:
		return nil
	case op == lookup: // struct fuse_entry_out
		out := head(40 + 88)
		binary.NativeEndian.PutUint64(out[16:], 7)
		attr(out[56:], false)
		return out
	case op == getattr: // struct fuse_attr_out
		out := head(16 + 88)
		attr(out[32:], binary.NativeEndian.Uint64(in[16:]) == 1)
		return out
	case op == open:
		return head(16)
	case op == read, op == poll:
		return nil
	}
	out := head(0)
	code := int32(-int(unix.ENOSYS))
	binary.NativeEndian.PutUint32(out[4:], uint32(code))
	return out
}

// File systems that give no answer cost their patience and no more, and what else is
// named is taken.
func TestHung(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not as root: mounts")
	}
	for _, mute := range []bool{false, true} {
		t.Run(fmt.Sprint("mute ", mute), func(t *testing.T) {
			dir := t.TempDir()
			must(t, os.MkdirAll(dir+"/hung", 0o755))
			must(t, os.WriteFile(dir+"/zz", []byte("well"), 0o600))
			hungFUSE(t, dir+"/hung", mute)
			text := fmt.Sprintf("name: X\ndoc: X.\nsources:\n- {type: FILE, attributes: {paths: ['%[1]s/hung/a', '%[1]s/hung/b', '%[1]s/hung/c', '%[1]s/hung/d', '%[1]s/zz']}}\n", dir)
			o := Options{Set: testSet(t, text), Tiers: Named([]string{"X"})}.Limited("standard")
			var s patientSink
			done := make(chan error, 1)
			go func() {
				done <- collectPatiently(context.Background(), collector.ThisHost(), &s, o, 3*time.Second)
			}()
			select {
			case err := <-done:
				must(t, err)
			case <-time.After(time.Minute):
				t.Fatal("hangs")
			}
			rows := rowsOf(t, &s.Sink)
			if string(s.Body("disk/files"+dir+"/zz")) != "well" {
				t.Errorf("%+v", rows)
			}
			if mute {
				if rec, _ := s.Record(artifactsTable); !rec.Shortfall || !strings.Contains(rec.Note, "no answer") {
					t.Errorf("%+v", rec)
				}
				return
			}
			// One inode has all the names: the first hangs, the others are names of it.
			if r := rows[dir+"/hung/a"]; r.Outcome != evidence.Skipped || !strings.Contains(string(r.Reason), "no answer") {
				t.Errorf("%+v\n%s", r, s.Body(artifactsTable))
			}
		})
	}
}

func TestSparseOverTheLimit(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Create(dir + "/huge")
	must(t, err)
	must(t, f.Truncate(1<<40))
	_, err = f.WriteAt([]byte("in the middle"), 1<<39)
	must(t, err)
	must(t, f.Close())
	s, rows := take(t, Options{Trees: []string{"/huge"}, MaxFile: 1 << 20}, &collector.Host{Root: dir})
	extents, err := jsonl.Read[sparse.Extent](s.Body("disk/files/@extents/huge.jsonl"))
	must(t, err)
	body := s.Body("disk/files/huge")
	r := rows["/huge"]
	if len(extents) != 1 || r.Outcome != evidence.Partial || r.Taken != int64(len(body)) || !bytes.HasPrefix(body[1<<39-extents[0].Offset:], []byte("in the middle")) {
		t.Errorf("%+v, %v", r, extents)
	}
	if rec, _ := s.Record("disk/files/huge"); rec.Shortfall || rec.Limit != 1<<20 {
		t.Errorf("%+v", rec)
	}
}

// onWrite calls f once, when it is first written to.
type onWrite struct {
	bytes.Buffer
	f func()
}

func (w *onWrite) Write(p []byte) (int, error) {
	if w.f != nil {
		w.f()
		w.f = nil
	}
	return w.Buffer.Write(p)
}

func TestFilesThatChangeWhileRead(t *testing.T) {
	const size = 1 << 20
	for _, tt := range []struct {
		name   string
		change func(name string) error
		bytes  int
		note   string
	}{
		{"grows", func(name string) error { return os.Truncate(name, size+5) }, size, "grew from 1048576 to 1048581"},
		{"shrinks", func(name string) error { return os.Truncate(name, 100) }, readChunk, "shrank to"},
		{"removed", os.Remove, size, ""},
	} {
		h := plant(t, map[string]string{"f": strings.Repeat("x", size)})
		meta, err := h.Lstat("/f")
		must(t, err)
		w := &onWrite{f: func() { must(t, tt.change(h.Root+"/f")) }}
		rd := newReader(Options{}.Limited("standard")).read(context.Background(), h, w, &file{path: "/f", meta: meta})
		o, note, short := evidence.Classify(rd.err, rd.taken)
		if w.Len() != tt.bytes || short || !strings.Contains(note, tt.note) || (tt.note == "") != (o == evidence.Collected) {
			t.Errorf("%s: %d bytes, %v", tt.name, w.Len(), rd.err)
		}
		must(t, os.RemoveAll(h.Root+"/f"))
		must(t, unix.Mkfifo(h.Root+"/f", 0o600))
		if rd := newReader(Options{}).read(context.Background(), h, w, &file{path: "/f", meta: meta}); rd.taken > 0 || !strings.Contains(fmt.Sprint(rd.err), "FIFO") {
			t.Errorf("%s: a FIFO in its place: %v", tt.name, rd.err)
		}
	}
}

// An ordinary user's reading of other people's files may move their access times: said.
func TestAtimeMayMove(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("needs an ordinary user: root may always read without access time")
	}
	m, err := collector.ThisHost().Lstat("/etc/passwd")
	must(t, err)
	rd := newReader(Options{}.Limited("standard")).read(context.Background(), collector.ThisHost(), io.Discard, &file{path: "/etc/passwd", meta: m})
	var st unix.Statfs_t
	must(t, unix.Statfs("/etc/passwd", &st))
	if moves := st.Flags&(unix.ST_NOATIME|unix.ST_RDONLY) == 0; rd.err != nil || rd.mayMove != moves {
		t.Errorf("%+v, want %t", rd, moves)
	}
}
