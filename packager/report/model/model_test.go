package model

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"hozen/packager/evidence"
)

var began = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)

// made is a model of tables, given in pieces of a few bytes.
func made(tables map[string]string) *Model {
	m := New(began)
	for item, text := range tables {
		for len(text) > 0 {
			n := min(len(text), 7)
			m.Give(item, []byte(text[:n]))
			text = text[n:]
		}
	}
	m.Finish()
	return m
}

func TestProcesses(t *testing.T) {
	m := made(map[string]string{
		"volatile/processes.jsonl": `{"pid":7,"ppid":1,"start":"2026-11-21T08:00:00Z","start_ticks":5,"comm":"sh","argv":["sh","-c","a b"],"exe":{"path":{"b64":"L/8="},"deleted":true,"sha256":"aa"},"uid":{"effective":{"id":1000,"name":"ann"}}}
{"pid":1,"ppid":0,"comm":"init","kernel_thread":false}
{"pid":9,"ppid":7,"name":"x.exe","command_line":"x /y","image":"C:\\x.exe","user":{"sid":"S-1-5","name":"PC\\ann"},"created":42}
{"pid":20,"ppid":21,"comm":"a"}
{"pid":21,"ppid":20,"comm":"b"}
{"pid":30,"ppid":30,"comm":"own parent"}
{"pid":"31","ppid":[1],"comm":{"x":1},"argv":"one","exe":[],"uid":7}
{"comm":"no number"}
nonsense
{"pid":7,"ppid":1,"comm":"twice"}
`,
		"memory/indicators.jsonl": `{"id":"map-rwx","level":"medium","process":{"pid":7,"comm":"sh"},"seen":"s"}` + "\n" + `{"id":"image-memfd","level":"high","process":{"pid":7},"benign":["runc"],"evidence":["memory/x"],"views":[{"source":"a","says":"b"}]}`,
	})
	want := []Process{
		{PID: 1, PPID: 0, Name: "init"},
		{PID: 7, PPID: 1, Start: "2026-11-21T08:00:00Z", StartKey: 5, Name: "sh", Command: `sh -c "a b"`, Exe: "/\xff", SHA256: "aa", User: "ann", Deleted: true, Depth: 1, Worst: High},
		{PID: 9, PPID: 7, StartKey: 42, Name: "x.exe", Command: "x /y", Exe: `C:\x.exe`, User: `PC\ann`, Depth: 2},
		{PID: 7, PPID: 1, Name: "twice", Worst: High},
		{PID: 30, PPID: 30, Name: "own parent"},
		{PID: 31, PPID: -1, Name: `{"x":1}`, Command: "one"},
		{PID: 20, PPID: 21, Name: "a"},
		{PID: 21, PPID: 20, Name: "b", Depth: 1},
	}
	if diff := cmp.Diff(want, m.Processes); diff != "" {
		t.Error(diff)
	}
	if got := m.Table("volatile/processes.jsonl"); got.Rows != 10 || got.Odd != 2 {
		t.Errorf("%+v", got)
	}
	if len(m.Indicators) != 2 || m.Indicators[0].ID != "image-memfd" || m.Indicators[0].Benign[0] != "runc" || m.Indicators[0].Views[0] != (Fact{"a", "b"}) {
		t.Errorf("%+v", m.Indicators)
	}
}

func TestNetwork(t *testing.T) {
	m := made(map[string]string{
		"volatile/processes.jsonl": `{"pid":5,"comm":"real name"}`,
		"volatile/sockets.jsonl": `{"family":"inet","protocol":"tcp","state":"listen","local_addr":"0.0.0.0","local_port":22,"remote_addr":"0.0.0.0","holders":[{"pid":4,"comm":"sshd"}]}
{"family":"inet6","protocol":"tcp","state":"established","local_addr":"::1","local_port":1,"remote_addr":"2001:db8::9","remote_port":443,"holders":[{"pid":5,"comm":"lie"}],"tcp_info":{"bytes_acked":100,"bytes_received":7}}
{"family":"inet","protocol":"udp","local_addr":"10.0.0.1","local_port":2,"remote_addr":"10.0.0.2","remote_port":53,"unseen_by":["proc"]}
{"family":"unix","path":"/x"}
`,
		"network/remotes.jsonl": `{"remote":"192.0.2.1","scope":"public","names":["evil.example"],"ports":["tcp/443"],"bytes_out":5,"bytes_in":6,"flows":1,"processes":[{"pid":5,"exe":"/x"}]}` + "\n" + `{"remote":"192.0.2.2","bytes_out":50}`,
	})
	if len(m.Sockets) != 3 {
		t.Fatalf("%+v", m.Sockets)
	}
	s := m.Sockets[0]
	if s.Name != "real name" || s.Scope != "public" || s.Remote != "[2001:db8::9]:443" || !s.HasBytes || s.Sent != 100 || s.Listen {
		t.Errorf("%+v", s)
	}
	if s := m.Sockets[1]; s.Scope != "private" || !s.Hidden || s.PID != -1 {
		t.Errorf("%+v", s)
	}
	if s := m.Sockets[2]; !s.Listen || s.Remote != "" || s.Name != "sshd" {
		t.Errorf("%+v", s)
	}
	want := []Peer{{Addr: "2001:db8::9", Scope: "public", Sockets: 1, Sent: 100, Received: 7, HasBytes: true, Who: []string{"real name (5)"}, Ports: []int64{443}}, {Addr: "10.0.0.2", Scope: "private", Sockets: 1, Ports: []int64{53}}}
	if diff := cmp.Diff(want, m.Peers()); diff != "" {
		t.Error(diff)
	}
	if len(m.Remotes) != 2 || m.Remotes[0].Out != 50 || m.Remotes[1].Who != "/x (5)" {
		t.Errorf("%+v", m.Remotes)
	}
}

func TestTimeline(t *testing.T) {
	var b strings.Builder
	for i := range 30 {
		fmt.Fprintf(&b, `{"path":"/tmp/\"mtime\":\"2026-11-20T00:00:00Z%d","kind":"regular","mtime":"2026-11-21T08:00:%02d.5Z","ctime":"2026-11-21T08:00:%02d.9Z","btime":"2026-11-20T01:00:00Z"}`+"\n", i, i, i)
	}
	b.WriteString(`{"path":"/old","ctime":"2020-01-01T00:00:00Z"}` + "\n" + `{"path":"/later","ctime":"2031-01-01T00:00:00Z"}` + "\n" + `{"path":"/odd","ctime":"yesterday, as it was said"}` + "\n" + "no row\n")
	m := made(map[string]string{
		"disk/timeline.jsonl":      b.String(),
		"volatile/processes.jsonl": `{"pid":1,"start":"2026-11-21T08:59:59Z"}` + "\n" + `{"pid":2,"start":"2026-11-21T08:00:00Z","kernel_thread":true}`,
		"volatile/sessions.jsonl":  `{"kind":"wtmp","user":"ann","time":"2026-11-21T07:00:00Z"}`,
	})
	l := &m.Timeline
	if l.Files != 33 || l.Later != 1 || l.Newer != 30 || !l.End.Equal(time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("%d files, %d later, %d new, to %v", l.Files, l.Later, l.Newer, l.End)
	}
	want := []Hour{
		{At: time.Date(2026, 11, 20, 1, 0, 0, 0, time.UTC), Born: 30},
		{At: time.Date(2026, 11, 21, 7, 0, 0, 0, time.UTC), Logins: 1},
		{At: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC), Changed: 30, Meta: 30, Started: 1, Named: 30},
	}
	if diff := cmp.Diff(want, l.Hours, cmpopts.IgnoreFields(Hour{}, "Files")); diff != "" {
		t.Error(diff)
	}
	if f := l.Hours[2].Files; len(f) != ofHour || f[0].What != "changed" || f[0].When != "2026-11-21T08:00:29.9Z" || !strings.HasPrefix(f[0].Path, `/tmp/"mtime"`) {
		t.Errorf("%+v", f)
	}
}

// TestBounds is of hosts that write more than can be kept: it is counted.
func TestBounds(t *testing.T) {
	m := New(began)
	row := []byte(`{"pid":1,"ppid":1,"comm":"` + strings.Repeat("x", 5000) + `"}` + "\n")
	for range maxProcesses + 5 {
		m.Give("volatile/processes.jsonl", row)
	}
	m.Give("volatile/sockets.jsonl", []byte(`{"family":"`+strings.Repeat("y", maxLine)+`"}`+"\n"+`{"family":"inet"}`))
	m.Give("volatile/host.jsonl", []byte(strings.Repeat(`{"a":`, 20000)+"\n"))
	for i := range 3 * maxItems {
		m.Observe(evidence.Record{Item: evidence.Item{Path: "p", Collector: fmt.Sprint(i)}, Outcome: evidence.Denied, Shortfall: true})
	}
	m.Finish()
	m.Give("volatile/sockets.jsonl", []byte("late\n"))
	if p := m.Table("volatile/processes.jsonl"); p.Rows != maxProcesses+5 || p.Cut != 5 || len(m.Processes[0].Name) > maxText+3 {
		t.Errorf("%+v", p)
	}
	if s := m.Table("volatile/sockets.jsonl"); s.Rows != 2 || s.Odd != 1 || len(m.Sockets) != 1 {
		t.Errorf("%+v", s)
	}
	if h := m.Table("volatile/host.jsonl"); h.Odd != 1 {
		t.Errorf("%+v", h)
	}
	if m.Items.Short != 3*maxItems || len(m.Items.Lacking) != maxItems || len(m.Items.By) != maxCollectors {
		t.Errorf("%d short, %d kept, %d collectors", m.Items.Short, len(m.Items.Lacking), len(m.Items.By))
	}
}

func TestDisks(t *testing.T) {
	m := made(map[string]string{"volatile/kernel/block.jsonl": `{"kind":"block","name":"sda","size":10,"model":"M","serial":"S"}
{"kind":"block","name":"dm-0","dm_name":"root","crypt":"luks2","size":9,"mounted":["/"]}
{"kind":"volume","name":"\\\\?\\Volume{1}\\","mounted":["C:\\"],"file_system":"NTFS","encryption":"bitlocker","unlocked":true,"locks_at_power_off":true,"size":5}
{"kind":"volume","name":"D","encryption":"bitlocker","size":5}
{"kind":"block","name":"loop0","size":0}
`, "disk/files.jsonl": `{"path":"/etc/cron.d/x","kind":"regular","owner":"root","mtime":"2026-01-01T00:00:00Z","ctime":"2026-01-02T00:00:00Z","outcome":"collected","item":"disk/files/etc/cron.d/x","atime_may_move":true}
{"path":"/etc/hostname","kind":"regular","outcome":"collected"}
{"path":"/home/a/.bashrc","kind":"regular","outcome":"absent"}
`})
	if l := m.Locking(); len(m.Disks) != 4 || len(l) != 2 || l[0].Name != "root" || l[1].Mounted != `C:\` {
		t.Errorf("%+v", m.Disks)
	}
	if want := []Start{{Kind: "cron", Name: "/etc/cron.d/x", Where: "disk/files/etc/cron.d/x", Written: "2026-01-02T00:00:00Z", User: "root"}}; !cmp.Equal(want, m.Starts) || m.Footprint.AccessTimes != 1 {
		t.Error(cmp.Diff(want, m.Starts))
	}
}
