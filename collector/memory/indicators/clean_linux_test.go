package indicators

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"hozen/collector/memory"
	"hozen/testdata/fixtures/planted"
)

// TestCompilersAreExplained holds the benign look-alikes to the lowest level.
func TestCompilersAreExplained(t *testing.T) {
	b := planted.Build(t)
	java := b.Start(t, "benign-java")
	node := b.Start(t, "benign-node")
	_, rows, _ := search(t)
	for _, p := range []planted.Truth{java, node} {
		compiled := false
		for _, r := range rows {
			if !onProcess(p, r) {
				continue
			}
			compiled = compiled || r.ID == "map-rwx" || r.ID == "map-anonymous-exec"
			if r.Level != memory.Low {
				t.Errorf("%s: %s %s: %s", p.Kind, r.Level, r.ID, r.Seen)
			}
		}
		if !compiled {
			t.Errorf("%s: no row of code that it has made; it has:%s", p.Kind, about(rows, p.PID))
		}
	}
}

// TestCompilersNamesExplainNothing gives the names of JIT compilers to a program
// that is none.
func TestCompilersNamesExplainNothing(t *testing.T) {
	b := planted.Build(t)
	var truths []planted.Truth
	for _, name := range []string{"node", "java", "chromium", "qemu-system-x86_64", "php8.2"} {
		truths = append(truths, b.As(t, name).Start(t, "map-rwx"))
	}
	s, rows, _ := search(t)
	for _, p := range truths {
		holds(t, s, rows, p, want{id: "map-rwx", level: memory.Medium})
	}
}

// TestCleanMachine looks at a hardened machine, as it is from within a container,
// that runs nothing but a shell and two JIT compilers: nothing on it is above the
// lowest level. Two things are left out: what the kernel holds that belongs to no
// process, since that is the kernel of the machine which the test runs on, and
// the plants' program, which stands where no installed program does.
func TestCleanMachine(t *testing.T) {
	if !planted.AloneOnMachine(t) {
		return
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_REMOUNT, "hidepid=2"); err != nil {
		t.Fatal(err)
	}
	b := planted.Build(t)
	b.Start(t, "benign-java")
	b.Start(t, "benign-node")
	b.Start(t, "benign-shell")
	s, rows, _ := search(t)
	for _, id := range []string{"hidden-pid-namespace", "hidden-by-hidepid"} { // where we are
		holds(t, s, rows, planted.Truth{Kind: id}, want{id: id, level: memory.Low, on: func(planted.Truth, memory.Indicator) bool { return true }})
	}
	levels := map[memory.Level]int{}
	for _, r := range rows {
		if r.Process == nil && strings.HasPrefix(r.ID, "kernel-") || r.Process != nil && string(r.Process.Exe) == b.Path() {
			continue
		}
		levels[r.Level]++
		if r.Level != memory.Low {
			t.Errorf("%s %s: %s (%v %s)", r.Level, r.ID, r.Seen, r.Process, r.Object)
		}
		if r.Explained == "" && len(r.Benign) == 0 {
			t.Errorf("%s: %s: nothing explains it", r.ID, r.Seen)
		}
	}
	if rec, _ := s.Record(table); rec.Note != "" {
		t.Logf("%s: %s", rec.Outcome, rec.Note)
	}
	t.Logf("rows by level: %v", levels)
}
