package volatile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/collector/section"
)

const procsFixture = "../../testdata/hosts/debian-procs.txtar"

func TestProcessesConform(t *testing.T) {
	t.Run("this host", func(t *testing.T) { hosttest.Conform(t, Processes(), collector.ThisHost()) })
}

func takeProcesses(t *testing.T, h *collector.Host) *hosttest.Sink {
	t.Helper()
	var s hosttest.Sink
	if err := Processes().Collect(context.Background(), h, &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

// strictRows reads a table and checks that every row is what encoding/json makes
// of its struct: the rows are written by hand.
func strictRows[T any](t *testing.T, body []byte) []T {
	t.Helper()
	rows, err := jsonl.Read[T](body)
	if err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if err := jsonl.Write(&again, rows); err != nil {
		t.Fatal(err)
	}
	got, want := strings.Split(again.String(), "\n"), strings.Split(string(body), "\n")
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("row %d is written\n%s\nbut its struct is\n%s", i+1, want[i], got[i])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d lines are %d", len(want), len(got))
	}
	for i, line := range want {
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		var row T
		if err := d.Decode(&row); err != nil && err != io.EOF {
			t.Fatalf("row %d: %v", i+1, err)
		}
	}
	return rows
}

func TestProcessesOfThisHost(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no /proc on " + runtime.GOOS)
	}
	s := takeProcesses(t, collector.ThisHost())
	rows := strictRows[Process](t, s.Body(processTable))
	files := strictRows[File](t, s.Body(fileTable))
	maps := strictRows[Map](t, s.Body(mapTable))
	me := processRow(rows, os.Getpid())
	if me == nil {
		t.Fatalf("%d rows, and none of this process", len(rows))
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(self)
	if me.Exe == nil || me.Exe.SHA256 != hex.EncodeToString(sum[:]) {
		t.Errorf("image %+v, want hash %x", me.Exe, sum)
	}
	if *me.PPID != os.Getppid() || me.StartFrom != "clocks" || len(me.Argv) != len(os.Args) || string(me.Argv[0]) != os.Args[0] {
		t.Errorf("row %+v", me)
	}
	if len(me.Threads) < 2 || len(me.Namespaces) < 6 || me.Gone || me.Unread != "" || len(me.Errors) > 0 {
		t.Errorf("threads %v, namespaces %v, gone %v, errors %v", me.Threads, me.Namespaces, me.Gone, me.Errors)
	}
	nf, nm := 0, 0
	for _, f := range files {
		if f.PID == me.PID {
			nf++
		}
	}
	for _, m := range maps {
		if m.PID == me.PID {
			nm++
		}
	}
	if nf == 0 || nf != *me.OpenFiles || nm == 0 || nm != *me.Mappings {
		t.Errorf("%d files, %d mappings; the row says %d, %d", nf, nm, *me.OpenFiles, *me.Mappings)
	}
	for _, r := range s.Records() {
		if !strings.HasSuffix(r.Path, ".txt") {
			continue
		}
		if _, err := section.Parse(string(s.Body(r.Path))); err != nil {
			t.Errorf("%s: %v", r.Path, err)
		}
	}
}

func processRow(rows []Process, pid int) *Process {
	for i := range rows {
		if rows[i].PID == pid {
			return &rows[i]
		}
	}
	return nil
}

func TestProcessesOfFixture(t *testing.T) {
	h := hosttest.FromTxtar(t, procsFixture)
	t.Run("conform", func(t *testing.T) { hosttest.Conform(t, Processes(), h) })
	s := takeProcesses(t, h)
	rows := strictRows[Process](t, s.Body(processTable))
	strictRows[Map](t, s.Body(mapTable))
	const standIn = "not really the program, but what stands for it\n"
	sum := sha256.Sum256([]byte(standIn))
	for _, c := range []struct {
		pid  int
		what string
		ok   func(p *Process) bool
	}{
		{2, "kernel thread", func(p *Process) bool {
			return *p.KernelThread && p.Exe == nil && *p.Comm == "kthreadd" && p.Argv == nil
		}},
		{34, "kernel thread with a long name", func(p *Process) bool {
			return *p.KernelThread && *p.Comm == "kworker/R-writeback" && p.Sched.Nice == -20
		}},
		{2302, "argv and environment", func(p *Process) bool {
			return len(p.Argv) == 2 && p.Argv[1] == "4242" && len(p.Environ) == 3 && p.Environ[0] == "HOME=/root" && !*p.KernelThread
		}},
		{2302, "start", func(p *Process) bool {
			return *p.StartTicks > 0 && strings.HasPrefix(p.Start, "2026-11-21T20:27:") && p.StartFrom == "btime"
		}},
		{2302, "hash", func(p *Process) bool {
			return p.Exe.SHA256 == hex.EncodeToString(sum[:]) && p.Exe.Path == "/usr/bin/sleep" && p.Exe.Error == "" && !p.Exe.Deleted
		}},
		{2302, "first of two names", func(p *Process) bool {
			return p.UID.Effective.Name == "root" && strings.Join(p.Caps.Effective.Names, " ") == "all -sys_resource"
		}},
		{2302, "namespaces", func(p *Process) bool { return p.Namespaces["net"] == 4026531833 && len(p.Namespaces) == 10 }},
		{2303, "other user", func(p *Process) bool {
			return *p.UID.FS == ID{65534, "nobody"} && p.GID.Real.Name == "nogroup" && len(p.Groups) == 2 && p.Groups[0] == ID{4, "adm"} &&
				*p.NoNewPrivs == 1 && p.Caps.Bounding.Names == nil && p.Caps.Bounding.Hex == "0000000000000000"
		}},
		{2303, "container", func(p *Process) bool {
			return p.Runtime == "docker" && p.Container == jsonl.Text(strings.Repeat("5e", 32))
		}},
		{2304, "deleted image", func(p *Process) bool {
			return p.Exe.Deleted && p.Exe.Path == "/tmp/.x/dropper" && p.Exe.SHA256 == "" && strings.HasPrefix(string(p.Exe.Error), "absent: ")
		}},
		{2304, "hostile environment", func(p *Process) bool { return p.Environ[1] == "A=\x1b[31mred" }},
		{2305, "threads", func(p *Process) bool {
			return *p.NumThreads == 3 && len(p.Threads) == 3 && p.Threads[1].Comm == "worker one" && p.Threads[2].Comm == "net) S 1 (io" && p.Threads[2].State == "S"
		}},
		{2306, "parentheses", func(p *Process) bool { return *p.Comm == "a) R 1 1 (b" && p.State == "S" && *p.PPID == 2259 }},
		{2307, "newline and bytes that are not UTF-8", func(p *Process) bool { return *p.Comm == "x\n2 (y) R\xff\xfe" && p.State == "S" }},
		{2309, "zombie", func(p *Process) bool {
			return p.State == "Z" && p.Exe == nil && len(p.Threads) == 1 && *p.Mappings == 0
		}},
	} {
		p := processRow(rows, c.pid)
		if p == nil {
			t.Errorf("%d: no row", c.pid)
		} else if !c.ok(p) {
			t.Errorf("%d: %s: %+v", c.pid, c.what, *p)
		}
	}
	if len(rows) != 9 {
		t.Errorf("%d rows", len(rows))
	}
	deleted := 0
	for _, f := range strictRows[File](t, s.Body(fileTable)) {
		if f.PID == 2304 && f.FD == 1 && f.Deleted && f.Target == "/tmp/.x/log" && f.Flags == "0100001" {
			deleted++
		}
	}
	if deleted != 1 {
		t.Errorf("the deleted open file is not told:\n%s", s.Body(fileTable))
	}
}
