package volatile

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"hozen/collector/section"
)

// procTexts gives the texts of the fixture whose names end in suffix.
func procTexts(f testing.TB, suffix string) []string {
	f.Helper()
	a, err := txtar.ParseFile(procsFixture)
	if err != nil {
		f.Fatal(err)
	}
	var out []string
	for _, file := range a.Files {
		if strings.HasSuffix(strings.TrimSuffix(file.Name, " (nul)"), suffix) {
			out = append(out, string(file.Data))
		}
	}
	if len(out) == 0 {
		f.Fatalf("no %s in the fixture", suffix)
	}
	return out
}

// FuzzProcessRows makes the rows of a made-up raw item, so that it goes through
// every parser of a process: whatever it says, the rows are whole JSON.
func FuzzProcessRows(f *testing.F) {
	f.Add("stat", procTexts(f, "/stat")[1], "")
	f.Add("status", procTexts(f, "/status")[3], "failed: input/output error")
	f.Add("maps", procTexts(f, "/maps")[2], "")
	f.Add("cgroup", procTexts(f, "/cgroup")[3], "")
	f.Add("io", procTexts(f, "/io")[0], "")
	f.Add("fd/3", "/tmp/x (deleted)", "")
	f.Add("fdinfo/3", procTexts(f, "/fdinfo/0")[0], "denied: permission denied")
	f.Add("ns/net", "net:[12]", "")
	f.Add("loginuid", "1000", "")
	f.Add("task/7/stat", procTexts(f, "/stat")[1], "")
	f.Add("environ", "A=1\x00B\xff", "")
	b := &basis{ticks: 100, lastCap: 40, pageSize: 4096, caps: map[string]Cap{}, users: parseNames("root:x:0:0\n")}
	f.Fuzz(func(t *testing.T, name, data, why string) {
		if strings.ContainsAny(name+why, " \n") {
			return
		}
		r := &procRead{pid: 7}
		var err error
		if why != "" {
			err = errors.New(why)
		}
		r.raw = section.Append(r.raw, "/proc/7/fd/3", true, []byte("/dev/null"), nil)
		r.raw = section.Append(r.raw, "/proc/7/"+name, false, []byte(data), err)
		makeRows(r, b)
		if !json.Valid(r.row) {
			t.Errorf("not JSON: %s", r.row)
		}
		strictRows[Process](t, r.row)
		strictIf[File](t, r.files)
		strictIf[Map](t, r.maps)
	})
}

func strictIf[T any](t *testing.T, body []byte) {
	if len(body) > 0 {
		strictRows[T](t, body)
	}
}

func FuzzBasis(f *testing.F) {
	f.Add([]byte("btime 1795290560\n"), "pty_slave /dev/pts 136 0-1048575 pty:slave\n")
	f.Fuzz(func(t *testing.T, data []byte, drivers string) {
		parseBtime(string(data))
		b := basis{ticks: 100, pageSize: 4096}
		b.fromAuxv(string(data))
		if b.ticks == 0 || b.pageSize == 0 {
			t.Error("no ticks or no page size")
		}
		ttyOf(34819, parseTTYDrivers(drivers))
	})
}

func TestTTY(t *testing.T) {
	drivers := parseTTYDrivers(procTexts(t, "tty/drivers")[0])
	for _, c := range []struct {
		nr   int64
		name string
	}{{0, ""}, {34819, "/dev/pts/3"}, {34816 | 1<<20, "/dev/pts/256"}, {1025, "/dev/tty1"}, {1088, "/dev/ttyS0"}, {5<<8 | 1, "/dev/console"}, {250 << 8, ""}} {
		tty := ttyOf(c.nr, drivers)
		if (tty == nil) != (c.nr == 0) || tty != nil && string(tty.Name) != c.name {
			t.Errorf("%d: %+v, want %q", c.nr, tty, c.name)
		}
	}
}

func TestMapLine(t *testing.T) {
	for _, c := range []struct {
		line string
		want Map
	}{
		{"562863096000-56286309c000 r-xp 00002000 fe:00 247278                     /usr/bin/head",
			Map{Start: "562863096000", End: "56286309c000", Perms: "r-xp", Offset: "00002000", Dev: "fe:00", Inode: 247278, Path: "/usr/bin/head"}},
		{"7f0-7f1 rw-s 00000000 00:01 1025                       /memfd: a  b\\012 (deleted)",
			Map{Start: "7f0", End: "7f1", Perms: "rw-s", Offset: "00000000", Dev: "00:01", Inode: 1025, Path: "/memfd: a  b\\012", Deleted: true}},
		{"7f0-7f1 rw-p 00000000 00:00 0 ", Map{Start: "7f0", End: "7f1", Perms: "rw-p", Offset: "00000000", Dev: "00:00"}},
	} {
		if m, err := parseMapLine(c.line); err != nil || m != c.want {
			t.Errorf("%q: %+v %v", c.line, m, err)
		}
	}
	for _, bad := range []string{"", "x", "7f0-7f1 rw-p 0 00:00", "7f0 rw-p 0 00:00 0", "7f0-7f1 rw 0 00:00 0"} {
		if m, err := parseMapLine(bad); err == nil {
			t.Errorf("%q: %+v and no error", bad, m)
		}
	}
}
