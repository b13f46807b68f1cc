package timeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"hozen/collector"
	"hozen/collector/disk/walk"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// take runs a collector.
func take(t testing.TB, c collector.Collector, h *collector.Host) *hosttest.Sink {
	t.Helper()
	s := &hosttest.Sink{}
	must(t, c.Collect(t.Context(), h, s))
	return s
}

func table[T any](t testing.TB, s *hosttest.Sink, item string) []T {
	t.Helper()
	rows, err := jsonl.Read[T](s.Body(item))
	if err != nil {
		t.Fatalf("%s: %v", item, err)
	}
	return rows
}

// plant makes files below a directory: a name that ends in / is a directory.
func plant(t testing.TB, dir string, names ...string) {
	t.Helper()
	for _, n := range names {
		at := filepath.Join(dir, n)
		if strings.HasSuffix(n, "/") {
			must(t, os.MkdirAll(at, 0o755))
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(at), 0o755))
		must(t, os.WriteFile(at, []byte("text of "+n), 0o644))
	}
}

// odd are names that are hard to write into lines and fields.
func odd() []string {
	names := []string{"a|b", "a\nb", "gone%0a%7c", "tab\there", "x -> y", `back\x7cslash`, "\x1b[31mred", " ", "quote\"s", "#hash", "colon:s", "日本語", "right\u202eleft", "d/e/f/deep"}
	if runtime.GOOS == "linux" {
		names = append(names, "\xff\xfe|", strings.Repeat("n", 255))
	}
	return names
}

func TestConform(t *testing.T) {
	dir := t.TempDir()
	plant(t, dir, odd()...)
	h := func() *collector.Host {
		return &collector.Host{Root: dir, Now: func() time.Time { return hosttest.Epoch }}
	}
	s := take(t, Timeline(Options{Workers: 1}), h())
	if n := len(s.Records()); n != 3 {
		t.Errorf("%d items", n)
	}
	for _, r := range s.Records() {
		if r.Outcome != evidence.Collected || r.Source == "" {
			t.Errorf("%+v", r)
		}
	}
	t.Run("notable", func(t *testing.T) {
		dir := t.TempDir()
		plant(t, dir, "srv/data/x", "opt/x y") // nothing to take: contents go below disk/files, as agreed
		h := &collector.Host{Root: dir, Now: func() time.Time { return hosttest.Epoch }}
		hosttest.Conform(t, Notable(NotableOptions{Walk: Options{Workers: 1}}), h)
	})
}

func TestRowsTellWhatLstatTells(t *testing.T) {
	dir := t.TempDir()
	plant(t, dir, odd()...)
	must(t, os.Symlink("../a|b\n", filepath.Join(dir, "link")))
	s := take(t, Timeline(Options{}), &collector.Host{Root: dir})
	h := &collector.Host{Root: "/"}
	rows := map[string]Row{}
	for _, r := range table[Row](t, s, rowsItem) {
		rows[string(r.Path)] = r
	}
	n := 0
	must(t, filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		must(t, err)
		n++
		name := "/" + strings.TrimPrefix(strings.TrimPrefix(p, dir), "/")
		m, err := h.Lstat(p)
		must(t, err)
		r, ok := rows[name]
		text := func(at time.Time) string {
			if at.IsZero() {
				return ""
			}
			return at.Format("2006-01-02T15:04:05.000000000Z")
		}
		want := Row{
			Path: jsonl.Text(name), Kind: evidence.KindOf(m.Mode), Mode: m.Mode, UID: m.UID, GID: m.GID, Size: m.Size, Allocated: m.Blocks * 512, Dev: m.Dev,
			Inode: m.Inode, Nlink: m.Nlink, Rdev: m.Rdev, LinkTarget: jsonl.Text(m.LinkTarget), Mtime: text(m.Mtime), Ctime: text(m.Ctime), Btime: text(m.Btime),
		}
		r.Atime = "" // looking at it by other means may change it
		if !ok || r != want {
			t.Errorf("%q: %v\n%+v, want\n%+v", name, ok, r, want)
		}
		return nil
	}))
	if n != len(rows) || len(table[Row](t, s, rowsItem)) != n {
		t.Errorf("%d rows for %d objects", len(rows), n)
	}
	if lines := bytes.Count(s.Body(bodyItem), []byte("\n")); lines != n {
		t.Errorf("%d lines of the body file for %d objects", lines, n)
	}
	mounts := table[MountRow](t, s, mountsItem)
	if len(mounts) != 1 || mounts[0].MountPoint != "/" || mounts[0].Entries != int64(n) || !mounts[0].Walked {
		t.Errorf("%+v", mounts)
	}
}

// Rows are written by hand; encoding/json must read what their type says.
func TestRowIsJSON(t *testing.T) {
	at := walk.Time{Sec: 1_600_000_000, Nsec: 7, Set: true}
	e := &walk.Entry{
		Path: []byte("/\xff\"\\"), Known: true, Link: []byte("to\n"), Again: true, Covered: true, Err: errors.New("bad \x01"),
		Meta: walk.Meta{Mode: 0o120777, UID: 1, GID: 2, Size: -1, Blocks: 3, Dev: 4, Inode: 1<<64 - 1, Nlink: 5, Rdev: 6, Atime: at, Mtime: walk.Time{Sec: -1, Set: true},
			Ctime: walk.Time{Sec: 1 << 60, Set: true}, Btime: walk.Time{Sec: -1 << 60, Set: true}, Attributes: 0x30},
	}
	var got Row
	dec := json.NewDecoder(bytes.NewReader(appendRow(nil, &timeText{}, e)))
	dec.DisallowUnknownFields()
	must(t, dec.Decode(&got))
	want := Row{Path: "/\xff\"\\", Kind: "symlink", Mode: 0o120777, UID: 1, GID: 2, Size: -1, Allocated: 1536, Dev: 4, Inode: 1<<64 - 1, Nlink: 5, Rdev: 6,
		LinkTarget: "to\n", Atime: "2020-09-13T12:26:40.000000007Z", Mtime: "1969-12-31T23:59:59.000000000Z", CtimeUnix: 1 << 60, BtimeUnix: -1 << 60,
		Immutable: true, Append: true, Again: true, Hidden: true, Error: "bad \x01"}
	if got != want {
		t.Errorf("%+v, want\n%+v", got, want)
	}
}

func FuzzTimes(f *testing.F) {
	f.Add(int64(0), uint32(1))
	f.Add(int64(firstSecond), uint32(999_999_999))
	f.Add(int64(lastSecond), uint32(0))
	var t0 timeText // kept, as by a worker
	f.Fuzz(func(t *testing.T, sec int64, nsec uint32) {
		nsec %= 1e9
		if sec < firstSecond || sec > lastSecond {
			sec %= lastSecond
		}
		if sec < firstSecond {
			return
		}
		for _, s := range []int64{sec, sec + 1, sec - daySeconds} {
			if s < firstSecond || s > lastSecond {
				continue
			}
			got := string(t0.stamp(nil, walk.Time{Sec: s, Nsec: nsec, Set: true}))
			if want := time.Unix(s, int64(nsec)).UTC().Format("2006-01-02T15:04:05.000000000Z"); got != want {
				t.Errorf("%d: %s, want %s", s, got, want)
			}
		}
	})
}

// unescape reads a name of a body file back.
func unescape(t testing.TB, s string) (out []byte) {
	t.Helper()
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			out = append(out, s[i])
			continue
		}
		if i+3 >= len(s) || s[i+1] != 'x' {
			t.Fatalf("%q: a \\ that begins no escape", s)
		}
		n := 0
		for _, c := range s[i+2 : i+4] {
			n = n<<4 | strings.IndexRune("0123456789abcdef", c)
		}
		out = append(out, byte(n))
		i += 3
	}
	return out
}

func FuzzBodyNames(f *testing.F) {
	for _, n := range odd() {
		f.Add([]byte(n))
	}
	f.Fuzz(func(t *testing.T, name []byte) {
		line := appendName(nil, name)
		if bytes.ContainsAny(line, "|\n\r\x1b>%") {
			t.Fatalf("%q became %q", name, line)
		}
		if got := unescape(t, string(line)); !bytes.Equal(got, name) {
			t.Fatalf("%q became %q, which is %q", name, line, got)
		}
	})
}

func TestModes(t *testing.T) {
	for mode, want := range map[uint32]string{
		0o100644: "r/rrw-r--r--", 0o104755: "r/rrwsr-xr-x", 0o104644: "r/rrwSr--r--", 0o102755: "r/rrwxr-sr-x", 0o041777: "d/drwxrwxrwt",
		0o041776: "d/drwxrwxrwT", 0o120777: "l/lrwxrwxrwx", 0o010600: "p/prw-------", 0o140755: "s/srwxr-xr-x", 0o060660: "b/brw-rw----", 0o020666: "c/crw-rw-rw-", 0: "-/----------",
	} {
		if got := string(appendMode(nil, mode)); got != want {
			t.Errorf("%o: %s, want %s", mode, got, want)
		}
	}
}

// oneSink breaks for one item, and holds the other up until that has happened.
type oneSink struct {
	hosttest.Sink
	fail error // what the fill sees
	err  error // what Put returns
}

func (s *oneSink) Put(ctx context.Context, item evidence.Item, fill func(io.Writer) error) error {
	if item.Path == bodyItem {
		fill(failing{s.fail})
		return s.err
	}
	return s.Sink.Put(ctx, item, fill)
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestOneItemEndsEarly(t *testing.T) {
	dir := t.TempDir()
	names := make([]string, 3000)
	for i := range names {
		names[i] = strings.Repeat("d", 200) + "/" + strings.Repeat("x", 100) + string(rune('a'+i%26)) + strings.Repeat("y", i/26)
	}
	plant(t, dir, names...)
	left := errors.New("left behind")
	s := &oneSink{fail: left}
	must(t, Timeline(Options{}).Collect(t.Context(), &collector.Host{Root: dir}, s))
	if n := len(table[Row](t, &s.Sink, rowsItem)); n < 2000 {
		t.Errorf("%d rows", n)
	}
	s = &oneSink{fail: left, err: hosttest.ErrBroken}
	if err := Timeline(Options{}).Collect(t.Context(), &collector.Host{Root: dir}, s); !errors.Is(err, hosttest.ErrBroken) {
		t.Errorf("%v", err)
	}
}

func TestEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &hosttest.Sink{}
	must(t, Timeline(Options{}).Collect(ctx, &collector.Host{Root: t.TempDir()}, s))
	for _, item := range []string{rowsItem, bodyItem, mountsItem} {
		r, ok := s.Record(item)
		if !ok || r.Outcome != evidence.Skipped && r.Outcome != evidence.Partial || !r.Shortfall || r.Note == "" {
			t.Errorf("%s: %+v", item, r)
		}
	}
}

func TestEstimate(t *testing.T) {
	e := Timeline(Options{}).Estimate(collector.ThisHost())
	if runtime.GOOS == "linux" && (e.Time <= 0 || e.Bytes <= 0) {
		t.Errorf("%+v", e)
	}
}
