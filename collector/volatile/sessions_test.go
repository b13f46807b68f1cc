package volatile

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/sparse"
	"hozen/packager/evidence"
)

func TestSessionsConform(t *testing.T) {
	needsLinux(t)
	hosttest.Conform(t, Sessions(), hosttest.FromTxtar(t, "testdata/hosts/sessions.txtar"))
	hosttest.Conform(t, Sessions(), collector.ThisHost())
}

// kindsOf splits the table by the first field of its rows.
func kindsOf(t *testing.T, body []byte) map[string][]map[string]any {
	t.Helper()
	out := map[string][]map[string]any{}
	for line := range strings.Lines(string(body)) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(line, `{"kind":`) {
			t.Errorf("kind is not first: %s", line)
		}
		k := fmt.Sprint(m["kind"], " ", m["from"])
		out[k] = append(out[k], m)
	}
	return out
}

func TestSessionsFixture(t *testing.T) {
	needsLinux(t)
	s := collectTest(t, Sessions(), hosttest.FromTxtar(t, "testdata/hosts/sessions.txtar"))
	kinds := kindsOf(t, s.Body("volatile/sessions.jsonl"))
	ssh := kinds["ssh process"]
	if len(ssh) != 1 {
		t.Fatalf("ssh processes: %v", ssh)
	}
	want := `[{"family":"tcp","inode":4242,"local":"10.0.0.1:22","remote":"203.0.113.7:49153","state":"established"}]`
	if got, _ := json.Marshal(ssh[0]["sockets"]); string(got) != want {
		t.Errorf("sockets %s, want %s", got, want)
	}
	for kind, n := range map[string]int{"ssh environment": 1, "multiplexer environment": 1, "multiplexer process": 1, "multiplexer file": 1,
		"logind <nil>": 3, "sudo file": 1, "display file": 1, "tty <nil>": 1, "ssh file": 0} {
		if len(kinds[kind]) != n {
			t.Errorf("%s: %d rows, want %d: %v", kind, len(kinds[kind]), n, kinds[kind])
		}
	}
	if tty := kinds["tty <nil>"][0]; tty["path"] != "/dev/pts/0" || fmt.Sprint(tty["processes"]) != "[701]" {
		t.Errorf("tty %v", tty)
	}
	if bytes.Contains(s.Body("volatile/sessions.jsonl"), []byte("SECRET")) {
		t.Error("a variable that tells of no session was taken")
	}
	if r, _ := s.Record("volatile/sessions.jsonl"); !strings.Contains(r.Note, "nfs4") {
		t.Errorf("the home that was not looked at is not said: %q", r.Note)
	}
	for path, o := range map[string]evidence.Outcome{"/var/log/wtmp": evidence.Absent, "/var/log/btmp": evidence.Collected, "/run/systemd/sessions/4": evidence.Collected} {
		if r, _ := s.Record("volatile/sessions" + path); r.Outcome != o {
			t.Errorf("%s: %v, want %v", path, r.Outcome, o)
		}
	}
}

// dump writes a row as utmpdump of util-linux does.
func dump(r LoginRow) string {
	addr, at := r.Address, time.Unix(0, 0).UTC()
	if addr == "" {
		addr = "0.0.0.0"
	}
	if r.Time != "" {
		at, _ = time.Parse(time.RFC3339Nano, r.Time)
	}
	return fmt.Sprintf("[%d] [%05d] [%-4s] [%-8s] [%-12s] [%-20s] [%-15s] [%s]", r.Type, r.PID, r.ID, r.User, r.Line, r.Host, addr,
		strings.Replace(at.Format("2006-01-02T15:04:05.000000+00:00"), ".", ",", 1))
}

// loginHost makes a host of one login file.
func loginHost(t *testing.T, name string, content []byte) *collector.Host {
	t.Helper()
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, filepath.Dir(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, name), content, 0o644); err != nil {
		t.Fatal(err)
	}
	return &collector.Host{Root: root}
}

func loginRows(t *testing.T, name string, content []byte) (rows []LoginRow) {
	t.Helper()
	s := collectTest(t, Sessions(), loginHost(t, name, content))
	for _, r := range table[LoginRow](t, s, "volatile/sessions.jsonl") {
		if string(r.Source) == "/"+name {
			rows = append(rows, r)
		}
	}
	if !bytes.Equal(s.Body("volatile/sessions/"+name), content) {
		t.Errorf("%s: the raw file differs", name)
	}
	return rows
}

func TestRealLoginRecords(t *testing.T) {
	needsLinux(t)
	tests := []struct {
		file, name, first, last string
		types                   map[int16]int
		whole, truncated        int
	}{
		{
			"plaso-utmp", "run/utmp",
			"[2] [00000] [~~  ] [reboot  ] [~           ] [3.8.0-33-generic    ] [0.0.0.0        ] [2013-12-13T14:45:09,688666+00:00]",
			"[7] [02684] [/5  ] [moxilo  ] [pts/5       ] [:0                  ] [0.0.0.0        ] [2013-12-18T22:49:44,251947+00:00]",
			map[int16]int{1: 1, 2: 1, 6: 6, 7: 6}, 14, 0,
		},
		{
			"plaso-wtmp.1", "var/log/wtmp.1",
			"[7] [20060] [s/12] [userA   ] [pts/32      ] [10.10.122.1         ] [10.10.122.1    ] [2011-12-01T17:36:38,432935+00:00]",
			"[0] [00000] [    ] [        ] [            ] [                    ] [0.0.0.0        ] [1970-01-01T00:00:00,000000+00:00]",
			map[int16]int{0: 2, 7: 1, 8: 1}, 4, 1,
		},
	}
	for _, tt := range tests {
		content, err := os.ReadFile("testdata/utmp/" + tt.file)
		if err != nil {
			t.Fatal(err)
		}
		rows := loginRows(t, tt.name, content)
		if len(rows) != tt.whole+tt.truncated {
			t.Fatalf("%s: %d rows", tt.file, len(rows))
		}
		if tt.truncated > 0 && !strings.Contains(rows[tt.whole].Damaged, "truncated: 1 of 384 bytes") {
			t.Errorf("%s: the end is %+v", tt.file, rows[tt.whole])
		}
		rows = rows[:tt.whole]
		if got := dump(rows[0]); got != tt.first {
			t.Errorf("first\n%s want\n%s", got, tt.first)
		}
		if got := dump(rows[len(rows)-1]); got != tt.last {
			t.Errorf("last\n%s want\n%s", got, tt.last)
		}
		types := map[int16]int{}
		for _, r := range rows {
			types[r.Type]++
		}
		if fmt.Sprint(types) != fmt.Sprint(tt.types) {
			t.Errorf("%s: types %v, want %v", tt.file, types, tt.types)
		}
	}
}

// encode writes a record in a layout: the reverse of decode.
func (l utmpLayout) encode(r utmpRecord, v4 [4]byte) []byte {
	b, o := make([]byte, l.size), l.order
	o.PutUint16(b, uint16(r.Type))
	o.PutUint32(b[4:], uint32(r.PID))
	copy(b[8:40], r.Line)
	copy(b[40:44], r.ID)
	copy(b[44:76], r.User)
	copy(b[76:332], r.Host)
	if l.wide {
		o.PutUint64(b[336:], uint64(r.Session))
		o.PutUint64(b[344:], uint64(r.Sec))
		o.PutUint64(b[352:], uint64(r.Usec))
		copy(b[360:], v4[:])
		return b
	}
	o.PutUint32(b[336:], uint32(r.Session))
	o.PutUint32(b[340:], uint32(r.Sec))
	o.PutUint32(b[344:], uint32(r.Usec))
	copy(b[348:], v4[:])
	return b
}

func TestLoginRecordLayouts(t *testing.T) {
	needsLinux(t)
	in := utmpRecord{Type: 7, PID: 4711, Line: "pts/3", ID: "ts/3", User: "a\x1b\xff", Host: "198.51.100.9", Session: 4, Sec: 1_790_000_000, Usec: 999_999}
	bad := in
	bad.Usec = 1_000_000
	for _, l := range utmpLayouts() {
		var content []byte
		for _, r := range []utmpRecord{in, in, bad, {}, in} {
			content = append(content, l.encode(r, [4]byte{198, 51, 100, 9})...)
		}
		rows := loginRows(t, "var/log/wtmp", content)
		if len(rows) != 5 {
			t.Fatalf("%s: %d rows", l.name, len(rows))
		}
		r := rows[4]
		if r.Layout != l.name || r.User != "a\x1b\xff" || r.Address != "198.51.100.9" || r.Time != "2026-09-21T14:13:20.999999000Z" || r.PID != 4711 || r.Session != 4 || r.Damaged != "" {
			t.Errorf("%s: %+v", l.name, r)
		}
		if rows[2].Damaged == "" || rows[2].User != "a\x1b\xff" {
			t.Errorf("%s: damaged record %+v", l.name, rows[2])
		}
	}
}

func TestSparseLastlog(t *testing.T) {
	needsLinux(t)
	const uid = 3_000_000 // some 876 MB of apparent size
	rec := make([]byte, 292)
	binary.LittleEndian.PutUint32(rec, 1_790_000_000)
	copy(rec[4:], "pts/1")
	copy(rec[36:], "203.0.113.7")
	h := loginHost(t, "var/log/lastlog", rec)
	f, err := os.OpenFile(filepath.Join(h.Root, "var/log/lastlog"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(rec, uid*292); err != nil {
		t.Fatal(err)
	}
	f.Close()
	s := collectTest(t, Sessions(), h)
	rows := table[LastlogRow](t, s, "volatile/sessions.jsonl")
	if len(rows) != 2 || rows[0].UID != 0 || rows[1].UID != uid || rows[1].Host != "203.0.113.7" || rows[1].Line != "pts/1" {
		t.Fatalf("rows %+v", rows)
	}
	raw, _ := s.Record("volatile/sessions/var/log/lastlog")
	extents := table[sparse.Extent](t, s, "volatile/sessions/extents/var/log/lastlog.jsonl")
	if raw.Size > 1<<20 || raw.Shortfall || len(extents) < 1 {
		t.Errorf("raw %+v, extents %v", raw, extents)
	}
}

func TestFaillock(t *testing.T) {
	needsLinux(t)
	b := make([]byte, tallySize+3)
	copy(b, "203.0.113.7")
	binary.LittleEndian.PutUint16(b[54:], 3)
	binary.LittleEndian.PutUint64(b[56:], 1_790_000_000)
	s := collectTest(t, Sessions(), loginHost(t, "run/faillock/alice", b))
	rows := table[FaillockRow](t, s, "volatile/sessions.jsonl")
	if len(rows) != 2 || rows[0].User != "alice" || rows[0].From != "203.0.113.7" || rows[0].Status != 3 || rows[0].Time[:10] != "2026-09-21" || rows[1].Damaged == "" {
		t.Errorf("%+v", rows)
	}
}

func TestNewestPart(t *testing.T) {
	for _, size := range []int64{0, 384, maxLoginFile, maxLoginFile + 1, maxLoginFile + 384, 5 * maxLoginFile} {
		from := newestPart(size, "wtmp")
		if from%384 != 0 || from%400 != 0 || size-from > maxLoginFile || (size <= maxLoginFile) != (from == 0) {
			t.Errorf("size %d: from %d", size, from)
		}
	}
}

func TestTTYName(t *testing.T) {
	for dev, want := range map[int]string{0: "", 34816: "/dev/pts/0", 34816 + 17: "/dev/pts/17", 1025: "/dev/tty1", 1088: "/dev/ttyS0", 1281: "/dev/console", 0x100: "1:0"} {
		if got := ttyName(dev); got != want {
			t.Errorf("%d: %q, want %q", dev, got, want)
		}
	}
}

func FuzzLoginRecords(f *testing.F) {
	for _, name := range []string{"plaso-utmp", "plaso-wtmp.1"} {
		b, err := os.ReadFile("testdata/utmp/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[:1537])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		l := utmpLayoutOf(b, int64(len(b)))
		for ; len(b) >= l.size; b = b[l.size:] {
			r := l.decode(b)
			if r.damage() == "" && r.time().Year() < 1970 {
				t.Fatalf("%+v", r)
			}
		}
	})
}

func FuzzLastlog(f *testing.F) {
	f.Add(make([]byte, 600))
	f.Fuzz(func(t *testing.T, b []byte) {
		l := lastlogLayoutOf(int64(len(b)), b)
		for ; len(b) >= l.size; b = b[l.size:] {
			l.decode(b)
		}
	})
}

func FuzzSessionTexts(f *testing.F) {
	f.Add([]byte("700 (s) d) S 1 700 700 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 5000 0 0\nA=b\n  0: 0100000A:0016 077100CB:C001 01 0:0 02:0 0 0 0 4242 2\n"))
	f.Add([]byte("ffff: 00000002 00000000 00010000 0001 01 22145 /run/a b\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		parseAssignments(string(b))
		ends := map[uint64]SocketEnd{}
		for _, from := range textTables()[:5] {
			addEnds(ends, &from, b)
		}
	})
}

func TestUnixEndsKeepThePath(t *testing.T) {
	ends := map[uint64]SocketEnd{}
	unix := textTable{name: "unix", parse: parseUnixLine}
	addEnds(ends, &unix, []byte("Num RefCount Protocol Flags Type St Inode Path\nffff: 00000002 00000000 00010000 0001 01   145 /run/a  b \nffff: 00000002 00000000 00010000 0001 01 146\n"))
	if len(ends) != 1 || ends[145].Local != "/run/a  b " {
		t.Errorf("%+v", ends)
	}
}
