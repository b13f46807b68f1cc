package export

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hozen/packager"
	"hozen/packager/evidence"
)

const hostile = "a|b\nfake|1|2|r/rrwxrwxrwx|0|0|1|1|1|1|1 -> x\u202e\x1b[31m\u009b<script>&\\ \u2028"

// jsonOf is a string as tables have it.
func jsonOf(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// tables are what the test's archive holds.
func tables() map[string]string {
	return map[string]string{
		"disk/timeline.jsonl": `{"path":"/etc","kind":"directory","mode":16877,"uid":0,"gid":0,"size":4096,"inode":2,"atime":"2026-11-21T08:00:00.123456789Z","mtime":"2026-11-20T08:00:00Z","ctime":"2026-11-20T08:00:00.5Z"}
{"path":` + jsonOf(hostile) + `,"kind":"symlink","mode":41471,"uid":1000,"gid":1000,"size":3,"inode":77,"link_target":` + jsonOf("|x\n"+hostile) + `,"mtime":"1960-01-01T00:00:00Z","hidden":true}
{"path":{"b64":"L/98Cg=="},"kind":"regular","mode":36333,"uid":4294967295,"gid":0,"size":-5,"inode":18446744073709551615,"mtime":"2026-11-20T08:00:01Z","btime":"9999-12-31T23:59:59Z"}
{"path":"/gone","kind":"unknown","error":"no"}
{"path":7,"kind":"regular"}
not a row
[]
{"path":"/late","kind":"regular","mode":33188,"mtime_unix":999999999999}
`,
		"volatile/processes.jsonl": `{"pid":1,"start":"2026-11-21T07:00:00.000000001Z","comm":"init","argv":["/sbin/init",{"b64":"/w=="}],"environ":["A=1"]}
{"pid":2,"start":"soon","comm":"\ud800"}
`,
		"volatile/sockets.jsonl":     `{"protocol":"tcp","local_addr":"10.0.0.1","local_port":3389,"remote_addr":"203.0.113.9","remote_port":50000,"state":"established","created":"2026-11-21T07:30:00Z","message":"forged","datetime":"forged"}` + "\n",
		"volatile/sessions.jsonl":    `{"kind":"wtmp","user":"alice","line":"pts/0","host":"evil` + "\u202e" + `","time":"2026-11-21T07:31:00Z"}` + "\n" + `{"kind":"tty","path":"/dev/pts/0"}` + "\n",
		"disk/parsed/prefetch.jsonl": `{"executable":"A.EXE","last_runs":["2026-11-21T01:00:00Z","2026-11-20T01:00:00Z"]}` + "\n",
		"volatile/odd \n|\xff.txt":   "hostile name",
		"volatile/other.txt":         "other",
	}
}

// archive makes an archive with a log in dir, sealed or not, and gives its file.
func archive(t testing.TB, sealed bool) (name string, o packager.VerifyOptions) {
	t.Helper()
	dir := t.TempDir()
	d, err := packager.NewDevice("pc-42", nil)
	if err != nil {
		t.Fatal(err)
	}
	id := "pc-42-20261121t090000z-3fa9c1"
	w, err := packager.Create(packager.Options{ID: id, Disk: packager.Dir(dir), Device: d, Genesis: packager.Genesis{
		Case: "c-1", Evidence: "e-1", Operator: "松本 " + hostile, Place: "Osaka", Reason: "ransom note", Witness: []string{"B. Ito"}, Tool: "hozen/0.1.0+sha256:" + strings.Repeat("ab", 32),
		Host: packager.HostID{Name: "pc-42", OS: "Debian", Serial: "S-1", Make: "Acme", Model: "M", MACs: []string{"02:00:00:00:00:01"}, IPs: []string{"10.0.0.1/24", "fe80::1/64"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"disk/timeline.jsonl", "volatile/processes.jsonl", "volatile/sockets.jsonl", "volatile/sessions.jsonl", "disk/parsed/prefetch.jsonl", "volatile/odd \n|\xff.txt", "volatile/other.txt"} {
		err := w.Put(context.Background(), evidence.Item{Path: path, Source: "/" + path, Collector: "test"},
			func(out io.Writer) error { _, err := io.WriteString(out, tables()[path]); return err })
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Checkpoint(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Put(context.Background(), evidence.Item{Path: "volatile/denied"}, func(io.Writer) error { return os.ErrPermission }); err != nil {
		t.Fatal(err)
	}
	name = filepath.Join(dir, packager.ArchiveName(id)+".partial")
	if sealed {
		if _, err := w.Seal(""); err != nil {
			t.Fatal(err)
		}
		name = filepath.Join(dir, packager.ArchiveName(id))
		for i, e := range []packager.Event{
			{Event: "released", Authority: "consent " + hostile, Counterpart: "carrier", Place: "Osaka", Thing: &packager.EventThing{Description: "stick", Make: "Acme", Serial: "9"}},
			{Event: "received", Operator: "C. Abe", Ref: []int{1, 999, -1}, Witness: []string{"D"}, Attach: []packager.FileHash{{Path: "photo/1.jpg", SHA256: strings.Repeat("cd", 32)}},
				Detail: []packager.EventDetail{{Name: "verdict", Value: hostile}}, Method: &packager.EventMethod{Tool: "hozen/0.2", Command: []string{"hozen", "x\ny"}},
				Before: &packager.EventObject{Name: "old.tar.zst", Bytes: 5, SHA256: strings.Repeat("ef", 32)}, Changes: "none"},
		} {
			e.Time.Sources = []packager.ClockSource{{Kind: "ntp", ID: "192.0.2.1", OffsetMS: -12, RTTMS: 3}}
			if err := packager.AppendEvent(dir, id, d, e, time.Date(2026, 11, 22, 10, i, 0, 0, time.UTC)); err != nil {
				t.Fatal(err)
			}
		}
	}
	log, err := os.ReadFile(filepath.Join(dir, packager.LogName(id)))
	if err != nil {
		t.Fatal(err)
	}
	return name, packager.VerifyOptions{Log: log}
}

// exportOf exports an archive, as the command does.
func exportOf(t testing.TB, f Format, name string, o packager.VerifyOptions) (string, Summary) {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	st, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	r, err := packager.Verify(t.Context(), file, st.Size(), o)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	e, err := New(f, &out, About{Archive: filepath.Base(name), Report: r})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := packager.Take(t.Context(), file, st.Size(), o, e); err != nil {
		t.Fatal(err)
	}
	s, err := e.Close()
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), s
}

func TestSameBytesTwice(t *testing.T) {
	name, o := archive(t, true)
	for _, f := range Formats() {
		first, _ := exportOf(t, f, name, o)
		if again, _ := exportOf(t, f, name, o); again != first || first == "" {
			t.Errorf("%s: two exports differ, or are empty", f)
		}
		if len(Lost(f)) < 3 {
			t.Errorf("%s: what is lost is not said", f)
		}
	}
	if _, err := New("pdf", io.Discard, About{}); err == nil {
		t.Error("an unknown format is made")
	}
}

func TestTimesketch(t *testing.T) {
	name, o := archive(t, true)
	text, s := exportOf(t, Timesketch, name, o)
	if strings.ContainsAny(text, "\x1b\x7f\u202e\u009b\u2028") {
		t.Error("the file itself commands a terminal")
	}
	byDesc, byType := map[string]int{}, map[string]int{}
	for line := range strings.Lines(text) {
		var row map[string]any
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		for _, field := range []string{"message", "datetime", "timestamp_desc", "data_type", "host", "collection", "item", "row_number", "verdict"} {
			if v, ok := row[field].(string); !ok || v == "" || strings.ContainsAny(v, "\n\x1b\u202e\u009b") {
				t.Errorf("%s is %q", field, row[field])
			}
		}
		at, err := time.Parse("2006-01-02T15:04:05.000000-07:00", row["datetime"].(string))
		if err != nil || float64(at.UnixMicro()) != row["timestamp"] {
			t.Errorf("datetime %v, timestamp %v: %v", row["datetime"], row["timestamp"], err)
		}
		if row["verdict"] != "UNTRUSTED-SIGNER" || row["host"] != "pc-42" {
			t.Errorf("verdict %v, host %v", row["verdict"], row["host"])
		}
		byDesc[row["timestamp_desc"].(string)]++
		byType[row["data_type"].(string)]++
		if raw, ok := row["row"].(string); ok && row["data_type"] != "hozen:custody" && !strings.Contains(tables()[row["item"].(string)], raw+"\n") {
			t.Errorf("%v: the row is not as it was: %s", row["item"], raw)
		}
	}
	want := map[string]int{"Content Modification Time": 3, "Last Access Time": 1, "Metadata Modification Time": 1, "Creation Time": 1, "Process Start Time": 1,
		"Socket Creation Time": 1, "Login Record Time": 1, "Last Time Executed": 2}
	for desc, n := range want {
		if byDesc[desc] != n {
			t.Errorf("%s: %d lines, want %d", desc, byDesc[desc], n)
		}
	}
	if n := byDesc["Custody Event Time"]; n < 5 || byType["hozen:custody"] != n {
		t.Errorf("%d custody events", n)
	}
	if s.Items != 5 || s.Rows != 14 || s.Odd != 2 || s.NoTime != 5 || s.Written != int64(strings.Count(text, "\n")) {
		t.Errorf("%+v", s)
	}
	for _, w := range []string{`"from_host":"evil`, `"datetime":"2026-11-21T08:00:00.123456+00:00"`, `"path_b64":"L/98Cg=="`, `"path":"/\\xff|\\x0a"`, `"message":"tcp 10.0.0.1 3389 203.0.113.9 50000 established"`} {
		if !strings.Contains(text, w) {
			t.Errorf("no %s", w)
		}
	}
}

func TestBodyfile(t *testing.T) {
	name, o := archive(t, true)
	text, s := exportOf(t, Bodyfile, name, o)
	want := "0|/etc|2|d/drwxr-xr-x|0|0|4096|1795248000|1795161600|1795161600|0\n" +
		`0|a\x7cb\x0afake\x7c1\x7c2\x7cr/rrwxrwxrwx\x7c0\x7c0\x7c1\x7c1\x7c1\x7c1\x7c1 -\x3e x\xe2\x80\xae\x1b[31m\xc2\x9b<script\x3e&\x5c \xe2\x80\xa8 -> ` +
		`\x7cx\x0aa\x7cb\x0afake\x7c1\x7c2\x7cr/rrwxrwxrwx\x7c0\x7c0\x7c1\x7c1\x7c1\x7c1\x7c1 -\x3e x\xe2\x80\xae\x1b[31m\xc2\x9b<script\x3e&\x5c \xe2\x80\xa8 (hidden)` +
		"|77|l/lrwxrwxrwx|1000|1000|3|0|0|0|0\n" +
		`0|/\xff\x7c\x0a|18446744073709551615|r/rrwsr-sr-x|4294967295|0|0|0|1795161601|0|253402300799` + "\n" +
		"0|/late|0|r/rrw-r--r--|0|0|0|0|0|0|0\n"
	if text != want {
		t.Errorf("got:\n%swant:\n%s", text, want)
	}
	if s.Items != 1 || s.Rows != 8 || s.Written != 4 || s.Odd != 3 || s.NoTime != 1 {
		t.Errorf("%+v", s)
	}
}

func TestModes(t *testing.T) {
	for mode, want := range map[uint32]string{0o100644: "r/rrw-r--r--", 0o040755: "d/drwxr-xr-x", 0o120777: "l/lrwxrwxrwx", 0o020600: "c/crw-------", 0o060660: "b/brw-rw----",
		0o010644: "p/prw-r--r--", 0o140755: "s/srwxr-xr-x", 0o104755: "r/rrwsr-xr-x", 0o106611: "r/rrwS--s--x", 0o041777: "d/drwxrwxrwt", 0o101700: "r/rrwx-----T", 0: "-/----------", 0xffffffff: "-/-rwsrwsrwt"} {
		if got := modeText(mode); got != want {
			t.Errorf("%o: %s, want %s", mode, got, want)
		}
	}
}

// A partial archive gives what its checkpoints hold, and no more.
func TestPartial(t *testing.T) {
	name, o := archive(t, false)
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, cut := range []int{len(b), len(b) * 2 / 3, len(b) / 2} {
		short := filepath.Join(t.TempDir(), filepath.Base(name))
		if err := os.WriteFile(short, b[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		with := o
		if cut < len(b) {
			with.Log = nil
		}
		text, _ := exportOf(t, Timesketch, short, with)
		if cut == len(b) && !strings.Contains(text, "Process Start Time") {
			t.Error("nothing of the processes")
		}
		full, _ := exportOf(t, Timesketch, name, o)
		for line := range strings.Lines(text) {
			if !strings.Contains(full, line) {
				t.Errorf("cut at %d: a line that the whole has not: %s", cut, line)
			}
		}
		if text, _ := exportOf(t, Case, short, with); !json.Valid([]byte(text)) {
			t.Errorf("cut at %d: no JSON", cut)
		}
	}
}

// A log that contradicts the archive is not told.
func TestContradictedLog(t *testing.T) {
	name, o := archive(t, true)
	lines := bytes.SplitAfter(o.Log, []byte("\n"))
	o.Log = bytes.Join(append(lines[:1:1], lines[2:]...), nil)
	text, _ := exportOf(t, Timesketch, name, o)
	if strings.Contains(text, "hozen:custody") || !strings.Contains(text, `"verdict":"INVALID"`) {
		t.Error("events of a contradicted log are told, or the verdict is not")
	}
	if text, _ := exportOf(t, Case, name, o); strings.Contains(text, `"released"`) || !strings.Contains(text, "verdict: INVALID") {
		t.Error("events of a contradicted log are in the graph, or the verdict is not")
	}
}

// Rows that are cut anywhere are the same rows.
func TestLines(t *testing.T) {
	text := "one\n\nthree\n" + strings.Repeat("x", maxRow+1) + "\nfive\nsix"
	for _, size := range []int{1 << 30, 1 << 20, 100_003} {
		var got []string
		odd := 0
		l := lines{row: func(b []byte) error { got = append(got, string(b)); return nil }, odd: func() { odd++ }}
		for i := 0; i < len(text); i += size {
			if err := l.write([]byte(text[i:min(len(text), i+size)])); err != nil {
				t.Fatal(err)
			}
		}
		l.end()
		if fmt.Sprint(got) != "[one  three five]" || odd != 2 {
			t.Errorf("%d bytes at once: %q, %d odd", size, got, odd)
		}
	}
	var got []string
	l := lines{row: func(b []byte) error { got = append(got, string(b)); return nil }}
	for _, c := range []byte("ab\ncd\n") {
		if err := l.write([]byte{c}); err != nil {
			t.Fatal(err)
		}
	}
	if fmt.Sprint(got) != "[ab cd]" {
		t.Errorf("%q", got)
	}
}

// FuzzRows: whatever a table holds, lines stay lines, fields fields, and JSON JSON.
func FuzzRows(f *testing.F) {
	for path, text := range tables() {
		f.Add(path, []byte(text))
	}
	f.Fuzz(func(t *testing.T, path string, table []byte) {
		r := &packager.Report{Collection: "c", Verdict: packager.Valid}
		var out bytes.Buffer
		e, err := New(Timesketch, &out, About{Report: r})
		if err != nil {
			t.Fatal(err)
		}
		if path = "data/" + path; e.Want(path) {
			if err := e.Bytes(path, table); err != nil {
				t.Fatal(err)
			}
		}
		s, err := e.Close()
		if err != nil || int64(bytes.Count(out.Bytes(), []byte("\n"))) != s.Written {
			t.Errorf("%d lines, %+v, %v", bytes.Count(out.Bytes(), []byte("\n")), s, err)
		}
		for line := range bytes.Lines(out.Bytes()) {
			if bytes.ContainsAny(line, "\x1b\x7f\u202e\u009b\u2028") {
				t.Errorf("%q", line)
			}
			var row struct{ Message, Datetime, Timestamp_desc string }
			if err := json.Unmarshal(line, &row); err != nil || row.Datetime == "" || row.Timestamp_desc == "" {
				t.Errorf("%v: %s", err, line)
			}
			if strings.ContainsAny(row.Message, "\n\x1b\u202e\u009b") {
				t.Errorf("message %q", row.Message)
			}
		}
		out.Reset()
		if e, err = New(Bodyfile, &out, About{Report: r}); err != nil {
			t.Fatal(err)
		}
		if err := e.Bytes(timelineTable, table); err != nil {
			t.Fatal(err)
		}
		if s, err = e.Close(); err != nil || int64(bytes.Count(out.Bytes(), []byte("\n"))) != s.Written {
			t.Errorf("%+v, %v", s, err)
		}
		for line := range bytes.Lines(out.Bytes()) {
			if bytes.Count(line, []byte("|")) != 10 || bytes.ContainsAny(line, "\r\x1b\x00\u202e") {
				t.Errorf("%q", line)
			}
		}
	})
}

// No field of a row takes the place of one of ours.
func TestOwnFields(t *testing.T) {
	own := " message datetime timestamp timestamp_desc data_type host collection item row_number verdict row row_b64 tag event actor sha256 "
	for _, table := range timedTables() {
		for _, spec := range table.keep {
			name, _, _ := strings.Cut(spec, "=")
			if strings.Contains(own, " "+name+" ") || strings.Contains(name, ".") {
				t.Errorf("%s: %s", table.item, spec)
			}
		}
	}
}

// percent is a body file of a name in which mactime would take %HH for a byte, and drop it.
func percent(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	e, err := New(Bodyfile, &out, About{Report: &packager.Report{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Bytes(timelineTable, []byte(`{"path":"/gone%0a%7c","kind":"regular","mode":33188,"mtime":"2026-11-21T08:00:00Z"}`+"\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestBodyfilePercent(t *testing.T) {
	if got, want := percent(t), `0|/gone\x250a\x257c|0|r/rrw-r--r--|0|0|0|0|1795248000|0|0`+"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// mactime(1) of The Sleuth Kit finds each time at its second, and no line that was forged.
func TestMactimeReadsTheBodyfile(t *testing.T) {
	mactime, err := exec.LookPath("mactime")
	if err != nil {
		t.Skip("no mactime here")
	}
	name, o := archive(t, true)
	text, _ := exportOf(t, Bodyfile, name, o)
	body := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(body, []byte(text+percent(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(mactime, "-b", body, "-d", "-y", "-z", "UTC")
	cmd.Env = []string{"LC_ALL=C", "TZ=UTC", "PATH=" + os.Getenv("PATH")}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range rows[1:] {
		got = append(got, r[0]+" "+r[2]+" "+r[7])
	}
	want := []string{"2026-11-20T08:00:00Z m.c. /etc", "2026-11-20T08:00:01Z m... /\\xff", "2026-11-21T08:00:00Z .a.. /etc", "2026-11-21T08:00:00Z m... /gone\\x250a", "9999-12-31T23:59:59Z ...b /\\xff"}
	for _, w := range want {
		if !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, w) }) {
			t.Errorf("mactime has no %q in %q", w, got)
		}
	}
	for _, g := range got {
		if strings.Contains(g, " fake") {
			t.Errorf("a forged line: %q", g)
		}
	}
}
