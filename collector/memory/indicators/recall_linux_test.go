package indicators

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/memory"
	"hozen/packager/evidence"
	"hozen/testdata/fixtures/planted"
)

// want is a row that a plant must get.
type want struct {
	id    string
	level memory.Level // at least
	// on picks what the row must be about; nil means the process of the plant.
	on func(planted.Truth, memory.Indicator) bool
}

func onProcess(p planted.Truth, r memory.Indicator) bool {
	return r.Process != nil && r.Process.PID == p.PID && r.Process.StartTicks == p.StartTicks
}

// onOther is the other process of the pair: the one whose memory is held.
func onOther(p planted.Truth, r memory.Indicator) bool {
	return r.Process != nil && r.Process.PID == p.Other || onProcess(p, r)
}

// onObject is an object of the kernel that is named by one of these words.
func onObject(words func(planted.Truth) string) func(planted.Truth, memory.Indicator) bool {
	return func(p planted.Truth, r memory.Indicator) bool {
		named := strings.FieldsFunc(string(r.Object), func(c rune) bool { return strings.ContainsRune(" :,()", c) })
		return onProcess(p, r) || slices.Contains(named, words(p))
	}
}

func byPath(p planted.Truth) string    { return string(p.Path) }
func byPort(p planted.Truth) string    { return fmt.Sprint(p.Port) }
func byProgram(p planted.Truth) string { return fmt.Sprint(p.Object) }

// recall says for each kind of plant which rows it must get.
func recall() map[string][]want {
	return map[string][]want{
		"image-deleted":         {{id: "image-deleted", level: memory.High}},
		"image-memfd":           {{id: "image-memfd", level: memory.High}},
		"image-shm":             {{id: "image-shm", level: memory.High}},
		"image-replaced":        {{id: "image-replaced", level: memory.High}},
		"image-strange-place":   {{id: "image-strange-place", level: memory.Medium}, {id: "identity-system-name", level: memory.High}, {id: "image-unpackaged-system-name", level: memory.High}},
		"script-deleted":        {{id: "script-deleted", level: memory.Medium}},
		"script-deleted-python": {{id: "script-deleted", level: memory.Medium}},

		"map-anonymous-exec": {{id: "map-anonymous-exec", level: memory.Medium}},
		"map-rwx":            {{id: "map-rwx", level: memory.Medium}},
		"map-elf-anonymous":  {{id: "map-elf-anonymous", level: memory.High}, {id: "map-rwx", level: memory.Medium}},
		"map-heap-exec":      {{id: "map-heap-exec", level: memory.Medium}},
		"map-stack-exec":     {{id: "map-stack-exec", level: memory.High}},
		"map-deleted-file":   {{id: "map-deleted-file", level: memory.Medium}},
		"map-memfd-exec":     {{id: "map-memfd-exec", level: memory.High}},
		"map-text-patched":   {{id: "map-text-patched", level: memory.High}},
		"map-libc-patched":   {{id: "map-text-patched", level: memory.High}},
		"map-vdso-patched":   {{id: "map-vdso-patched", level: memory.High}},
		"ptrace-hijacked":    {{id: "map-anonymous-exec", level: memory.Medium}, {id: "map-thread-in-anonymous", level: memory.High}},
		"ptrace-injected":    {{id: "map-anonymous-exec", level: memory.Medium}},

		"identity-kernel-thread-lookalike":       {{id: "identity-kernel-thread-lookalike", level: memory.High}},
		"identity-kernel-thread-lookalike-empty": {{id: "identity-kernel-thread-lookalike", level: memory.High}},
		"identity-argv-mismatch":                 {{id: "identity-argv-mismatch", level: memory.Medium}},
		"identity-argv-overwritten":              {{id: "identity-argv-overwritten", level: memory.Medium}},
		"identity-environ-overwritten":           {{id: "identity-environ-overwritten", level: memory.Medium}},
		"identity-parent-broken":                 {{id: "identity-parent-broken", level: memory.Medium}},

		"hook-ld-preload":             {{id: "hook-ld-preload", level: memory.High}},
		"hook-ld-preload-environment": {{id: "hook-ld-preload", level: memory.High}},
		"hook-ld-audit":               {{id: "hook-ld-audit", level: memory.High}},
		"hook-tracer":                 {{id: "hook-tracer", level: memory.High}},
		"hook-memory-held":            {{id: "hook-memory-held", level: memory.High, on: onOther}},

		"net-shell-socket":             {{id: "net-shell-socket", level: memory.High}},
		"net-packet-socket":            {{id: "net-packet-socket", level: memory.High}, {id: "net-socket-filter", level: memory.Medium}},
		"net-raw-socket":               {{id: "net-raw-socket", level: memory.Medium}},
		"net-promiscuous":              {{id: "net-promiscuous", level: memory.Medium, on: onObject(byPath)}},
		"net-listener-without-process": {{id: "net-listener-without-process", level: memory.Medium, on: onObject(byPort)}},
		"net-xdp":                      {{id: "net-xdp", level: memory.Medium, on: onObject(byPath)}},
		"net-tc":                       {{id: "net-tc", level: memory.Medium, on: onObject(byPath)}},
		"kernel-bpf-program":           {{id: "kernel-bpf-program", level: memory.Medium, on: onObject(byProgram)}},
		"net-socket-filter":            {{id: "kernel-bpf-program", level: memory.Medium, on: onObject(byProgram)}},
	}
}

// search runs the collector on this machine.
func search(t *testing.T) (*hosttest.Sink, []memory.Indicator, *memory.Suspects) {
	t.Helper()
	var suspects memory.Suspects
	c, s := Indicators(&suspects), &hosttest.Sink{}
	ctx, cancel := context.WithTimeout(context.Background(), c.Limit.Time)
	defer cancel()
	if err := c.Collect(ctx, collector.ThisHost(), s); err != nil {
		t.Fatal(err)
	}
	if rec, ok := s.Record(table); !ok || rec.Outcome != evidence.Collected && rec.Outcome != evidence.Partial {
		t.Fatalf("%s: %s %s", table, rec.Outcome, rec.Note)
	}
	var rows []memory.Indicator
	for line := range bytes.Lines(s.Body(table)) {
		var r memory.Indicator
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		rows = append(rows, r)
	}
	return s, rows, &suspects
}

// about gives the rows of a process, for messages.
func about(rows []memory.Indicator, pids ...int) string {
	var b strings.Builder
	for _, r := range rows {
		if r.Process != nil && slices.Contains(pids, r.Process.PID) {
			fmt.Fprintf(&b, "\n\t%s %s: %s %s", r.Level, r.ID, r.Seen, r.Explained)
		}
	}
	return b.String()
}

// holds says whether a plant got its row, with evidence that is there.
func holds(t *testing.T, s *hosttest.Sink, rows []memory.Indicator, p planted.Truth, w want) {
	t.Helper()
	on := w.on
	if on == nil {
		on = onProcess
	}
	found := false
	for _, r := range rows {
		if r.ID != w.id || !on(p, r) {
			continue
		}
		found = found || r.Level >= w.level
		if len(r.Evidence) == 0 {
			t.Errorf("%s: %s rests on nothing", r.ID, r.Seen)
		}
		for _, path := range r.Evidence {
			if rec, ok := s.Record(path); !ok || rec.Size == 0 {
				t.Errorf("%s: its evidence %s is not there: %s", r.ID, path, rec.Note)
			}
		}
	}
	if !found {
		t.Errorf("no row %s of level %s or more for process %d; it has:%s", w.id, w.level, p.PID, about(rows, p.PID, p.Other))
	}
}

// TestRecall plants every kind that this machine can show, all at once, and
// wants all of them found in one search.
func TestRecall(t *testing.T) {
	b := planted.Build(t)
	all, wants := map[string]*planted.Plant{}, recall()
	for kind := range wants {
		if kind == "hook-ld-preload" {
			all[kind] = b.Begin(t, kind, planted.HidingLibrary(t))
		} else {
			all[kind] = b.Begin(t, kind)
		}
	}
	s, rows, _ := search(t)
	for _, kind := range slices.Sorted(maps.Keys(all)) {
		p := all[kind]
		t.Run(kind, func(t *testing.T) {
			if p.Truth.Skip != "" {
				t.Skip(p.Truth.Skip)
			}
			for _, w := range wants[kind] {
				holds(t, s, rows, p.Truth, w)
			}
		})
	}
}

// TestRecallOfMounts is TestRecall for what changes mounts.
func TestRecallOfMounts(t *testing.T) {
	if !planted.Alone(t) {
		return
	}
	b := planted.Build(t)
	hidden := b.Start(t, "hidden-by-mount")
	preload := b.Start(t, "hook-ld-so-preload")
	s, rows, _ := search(t)
	for _, w := range recallOfMounts(hidden.PID) {
		holds(t, s, rows, preload, w)
	}
}

func recallOfMounts(hidden int) []want {
	return []want{
		{id: "hidden-by-mount", level: memory.High, on: func(_ planted.Truth, r memory.Indicator) bool {
			return r.Process != nil && r.Process.PID == hidden || string(r.Object) == fmt.Sprintf("pid %d", hidden)
		}},
		{id: "hook-ld-so-preload", level: memory.Medium, on: func(planted.Truth, memory.Indicator) bool { return true }},
	}
}

// TestRecallIsWhole holds the plants to the kinds of signs: each kind is planted
// here, or it is said what it would take, which no test does to the machine it runs on.
func TestRecallIsWhole(t *testing.T) {
	elsewhere := map[string]string{
		"hidden-file":            "a lying kernel",
		"hidden-process":         "a lying kernel",
		"hidden-socket":          "a lying kernel",
		"hidden-thread":          "a lying kernel",
		"kernel-bpf-hidden":      "a lying kernel",
		"kernel-module-hidden":   "a lying kernel",
		"kernel-syscall-path":    "a lying kernel",
		"kernel-ftrace-hook":     "changes what the kernel runs",
		"kernel-kprobe":          "changes what the kernel runs",
		"kernel-module-unsigned": "loads a module",
		"kernel-taint":           "loads a module",
	}
	planted := map[string]bool{"hidden-by-hidepid": true, "hidden-pid-namespace": true} // TestCleanMachine
	for _, wants := range recall() {
		for _, w := range wants {
			planted[w.id] = true
		}
	}
	for _, w := range recallOfMounts(0) {
		planted[w.id] = true
	}
	for _, k := range Kinds() {
		if planted[k.ID] == (elsewhere[k.ID] != "") {
			t.Errorf("%s: planted %v, elsewhere %q", k.ID, planted[k.ID], elsewhere[k.ID])
		}
		delete(planted, k.ID)
		delete(elsewhere, k.ID)
	}
	if len(planted)+len(elsewhere) > 0 {
		t.Errorf("no such kinds: %v %v", planted, elsewhere)
	}
}

// TestHostile searches beside all that is hard to look at, and still finds what
// stands among it.
func TestHostile(t *testing.T) {
	b := planted.Build(t)
	var hostile []planted.Truth
	for _, kind := range []string{"mappings", "descriptors", "memfd", "remapping", "names", "uninterruptible", "churn"} {
		hostile = append(hostile, b.Start(t, "hostile-"+kind))
	}
	truth := b.Start(t, "image-deleted")
	s, rows, _ := search(t)
	holds(t, s, rows, truth, want{id: "image-deleted", level: memory.High})
	for _, r := range s.Records() {
		if strings.Contains(r.Note, "panic") {
			t.Errorf("%s: %s", r.Path, r.Note)
		}
	}
	for _, h := range hostile {
		for _, r := range rows {
			// Nothing is hidden, and the name that ends in " (deleted)" is a file's.
			if onProcess(h, r) && (strings.HasPrefix(r.ID, "hidden") || r.ID == "image-deleted") {
				t.Errorf("%s: %s: %s", h.Kind, r.ID, r.Seen)
			}
		}
	}
}

// TestDeadMount searches beside a process whose script lies where no look ends.
func TestDeadMount(t *testing.T) {
	if !planted.Alone(t) {
		return
	}
	b := planted.Build(t)
	dead := b.Start(t, "hostile-dead-mount")
	truth := b.Start(t, "image-deleted")
	s, rows, _ := search(t)
	holds(t, s, rows, truth, want{id: "image-deleted", level: memory.High})
	if rec, _ := s.Record(table); !strings.Contains(rec.Note, fmt.Sprintf("/proc/%d", dead.PID)) {
		t.Errorf("nothing says that process %d was not looked at: %s %s", dead.PID, rec.Outcome, rec.Note)
	}
}
