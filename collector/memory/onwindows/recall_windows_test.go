package onwindows

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/collector/memory"
)

// A truth is what a fixture says that it planted.
type truth struct {
	kind    string
	pid     int
	address uint64
	size    uint64
}

// plant starts testdata/fixtures/inject, which HOZEN_INJECT names, built.
func plant(t *testing.T, kind string) truth {
	t.Helper()
	name := os.Getenv("HOZEN_INJECT")
	if name == "" {
		t.Skip("long test: HOZEN_INJECT names no built fixture")
	}
	cmd := exec.Command(name, kind)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		io.Copy(io.Discard, out)
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "planted "+kind+" ") {
		t.Fatalf("%q, %v", line, err)
	}
	w := truth{kind: kind}
	for _, f := range strings.Fields(line)[2:] {
		key, value, _ := strings.Cut(f, "=")
		switch key {
		case "pid":
			w.pid, _ = strconv.Atoi(value)
		case "address":
			w.address, _ = strconv.ParseUint(value, 16, 64)
		case "size":
			w.size, _ = strconv.ParseUint(value, 10, 64)
		}
	}
	return w
}

// search looks at this machine.
func search(t *testing.T) (rows []memory.Indicator, suspects *memory.Suspects, s *hosttest.Sink) {
	t.Helper()
	s, suspects = &hosttest.Sink{}, &memory.Suspects{}
	if err := Indicators(Options{Suspects: suspects}).Collect(t.Context(), collector.ThisHost(), s); err != nil {
		t.Fatal(err)
	}
	r, _ := s.Record(table)
	t.Logf("%s: %s %s", r.Path, r.Outcome, r.Note)
	rows, err := jsonl.Read[memory.Indicator](s.Body(table))
	if err != nil {
		t.Fatal(err)
	}
	return rows, suspects, s
}

// TestPlantedSignsAreFound plants every sign, and looks once.
func TestPlantedSignsAreFound(t *testing.T) {
	want := map[string][]string{ // one of these must be said of the process, not low
		"rwx-thread": {"map-private-rwx"}, "hijacked": {"map-thread-runs"}, "private-thread": {"map-thread-private"},
		"reflective": {"map-pe-private"}, "reflective-wiped": {"map-pe-wiped"}, "mapped-exec": {"map-shared-exec"}, "pe-data": {"map-pe-data"},
		"hollow": {"image-base"}, "entry": {"image-entry-patched"}, "entry-suspended": {"image-entry-patched"},
		"export": {"hook-export-patched"}, "stomped": {"map-text-patched", "hook-export-patched"}, "unlinked": {"module-unlisted"},
		"callback-table": {"hook-callback-table"}, "command-line": {"identity-command-line"}, "command-short": {"identity-command-line"},
		"parent": {"identity-parent-other"}, "renamed": {"image-renamed", "image-deleted"}, "replaced": {"image-replaced", "image-renamed"},
		"deleted": {"image-deleted", "image-renamed"}, "masquerade": {"identity-system-name"}, "lsass": {"handle-lsass"},
	}
	var planted []truth
	for _, kind := range slices.Sorted(func(yield func(string) bool) {
		for k := range want {
			if !yield(k) {
				return
			}
		}
	}) {
		planted = append(planted, plant(t, kind))
	}
	rows, suspects, s := search(t)
	found := 0
	for _, w := range planted {
		ok := false
		for _, r := range rows {
			if r.Process != nil && r.Process.PID == w.pid && slices.Contains(want[w.kind], r.ID) && r.Level > memory.Low {
				ok = true
				for _, e := range r.Evidence {
					if len(s.Body(e)) == 0 {
						t.Errorf("%s: evidence %s is empty", w.kind, e)
					}
				}
			}
		}
		if !ok {
			t.Errorf("%s of process %d at %#x was not found", w.kind, w.pid, w.address)
			for _, r := range rows {
				if r.Process != nil && r.Process.PID == w.pid {
					t.Logf("\t%s %s %s (%s)", r.Level, r.ID, r.Seen, r.Explained)
				}
			}
			continue
		}
		found++
	}
	t.Logf("recall: %d of %d", found, len(planted))
	list, _ := suspects.List()
	for _, w := range planted {
		if w.address == 0 || w.kind == "command-line" || w.kind == "command-short" {
			continue
		}
		if !slices.ContainsFunc(list, func(p memory.Suspect) bool {
			return p.PID == w.pid && slices.ContainsFunc(p.Regions, func(r memory.Region) bool { return r.Start <= w.address && w.address < r.End })
		}) {
			t.Errorf("%s: what was planted at %#x is in no region that contents keeps", w.kind, w.address)
		}
	}
}

// TestHealthyPrefix: nothing of a machine on which nothing was planted is above the
// lowest level.
func TestHealthyPrefix(t *testing.T) {
	rows, _, _ := search(t)
	for _, r := range rows {
		who := string(r.Object)
		if r.Process != nil {
			who = fmt.Sprintf("%d %s", r.Process.PID, r.Process.Exe)
		}
		t.Logf("%s %s %s: %s (%s)", r.Level, r.ID, who, r.Seen, r.Explained)
		if r.Level > memory.Low {
			t.Errorf("%s %s of %s: %s", r.Level, r.ID, who, r.Seen)
		}
	}
}
