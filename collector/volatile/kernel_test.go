package volatile

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

func TestKernelConforms(t *testing.T) {
	t.Run("fixture", func(t *testing.T) { hosttest.Conform(t, Kernel(), hosttest.FromTxtar(t, debianKernel)) })
	t.Run("this host", func(t *testing.T) { hosttest.Conform(t, Kernel(), collector.ThisHost()) })
}

func collectKernelOf(t *testing.T, h *collector.Host) *hosttest.Sink {
	t.Helper()
	var s hosttest.Sink
	if err := Kernel().Collect(context.Background(), h, &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

// rowsOf reads the rows of one kind out of a table.
func rowsOf[T any](t *testing.T, s *hosttest.Sink, table, kind string) (out []T) {
	t.Helper()
	for line := range strings.Lines(string(s.Body(table))) {
		var k struct{ Kind string }
		if err := json.Unmarshal([]byte(line), &k); err != nil {
			t.Fatalf("%s: %v in %s", table, err, line)
		}
		var row T
		if k.Kind == kind {
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatal(err)
			}
			out = append(out, row)
		}
	}
	return out
}

func TestModulesFromThreeViews(t *testing.T) {
	s := collectKernelOf(t, hosttest.FromTxtar(t, debianKernel))
	type seen struct{ Views, Missing string }
	got := map[string]seen{}
	for _, m := range rowsOf[ModuleRow](t, s, "volatile/kernel.jsonl", "module") {
		got[string(m.Name)] = seen{strings.Join(m.Views, " "), strings.Join(m.Missing, " ")}
	}
	all := "proc_modules sysfs kallsyms"
	want := map[string]seen{
		"dm_crypt": {all, ""}, "dm_mod": {all, ""}, "nvidia": {all, ""}, "tcp_cubic": {"sysfs", ""},
		"diamorphine": {"kallsyms", "proc_modules sysfs"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestModulesWithOneViewUnread(t *testing.T) {
	r := &factReader{h: hosttest.FromTxtar(t, debianKernel)}
	for _, m := range moduleRows(r, nil) {
		if len(m.Missing) > 0 {
			t.Errorf("%s: missing from %q though kallsyms was not read", m.Name, m.Missing)
		}
	}
}

func TestParseModuleLine(t *testing.T) {
	got, ok := parseModuleLine("snd_hda_intel 61440 4 - Live 0xffffffffc0c3e000 (OE-)")
	want := ModuleRow{Kind: "module", Name: "snd_hda_intel", Size: 61440, RefCount: "4", State: "Live", Address: "0xffffffffc0c3e000", Taint: "OE-"}
	if d := cmp.Diff(want, got); d != "" || !ok {
		t.Error(ok, d)
	}
	got, ok = parseModuleLine("llc 16384 2 bridge,stp, Live 0x0000000000000000")
	if d := cmp.Diff([]jsonl.Text{"bridge", "stp"}, got.UsedBy); d != "" || !ok {
		t.Error(ok, d)
	}
	for _, bad := range []string{"", "x", "a b c d e", "a -1 0 - Live", "a 99999999999999999999 0 - Live"} {
		if _, ok := parseModuleLine(bad); ok {
			t.Errorf("%q is no module", bad)
		}
	}
}

func TestCountSymbols(t *testing.T) {
	text := "ffffffff81000000 T _stext\n" + strings.Repeat("x", 200<<10) + "\n" +
		"0000000000000000 t a b\t[evil mod]\nffffffffc0 t f\t[m]\nffffffffc0 t g\t[m]\nffffffffc1 t p\t[bpf]\nffffffffc1 t q\t[__builtin__ftrace]"
	got, err := countSymbols(strings.NewReader(text))
	if d := cmp.Diff(map[string]int{"evil mod": 1, "m": 2}, got); d != "" || err != nil {
		t.Error(err, d)
	}
}

func TestTaint(t *testing.T) {
	got := kernelTaint("12289\n")
	want := []string{"P: proprietary module was loaded", "O: externally-built (out-of-tree) module was loaded", "E: unsigned module was loaded"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got := kernelTaint("9223372036854775808"); !slices.Equal(got, []string{"bit 63"}) {
		t.Errorf("%q", got)
	}
	if got := kernelTaint("-1"); got != nil {
		t.Errorf("%q of nonsense", got)
	}
}

func TestHooksOfFixture(t *testing.T) {
	s := collectKernelOf(t, hosttest.FromTxtar(t, debianKernel))
	probes := rowsOf[KprobeRow](t, s, "volatile/kernel.jsonl", "kprobe")
	want := []KprobeRow{
		{Kind: "kprobe", Address: "ffffffff81234560", Type: "k", Symbol: "do_sys_openat2+0x0", Flags: []jsonl.Text{"FTRACE"}},
		{Kind: "kprobe", Address: "ffffffff8145a000", Type: "r", Symbol: "tcp4_seq_show+0x0", Module: "diamorphine", Flags: []jsonl.Text{"DISABLED"}},
	}
	if d := cmp.Diff(want, probes); d != "" {
		t.Error(d)
	}
	found := map[string]int{}
	for _, f := range rowsOf[FactRow](t, s, "volatile/kernel.jsonl", "ftrace") {
		found[f.Name]++
	}
	if d := cmp.Diff(map[string]int{"current_tracer": 1, "enabled_functions": 1, "kprobe_events": 1, "instance": 1}, found); d != "" {
		t.Error(d)
	}
}

func TestSecureBoot(t *testing.T) {
	h := hosttest.FromTxtar(t, debianKernel)
	dir := filepath.Join(h.Root, "sys/firmware/efi/efivars")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for content, want := range map[string]jsonl.Text{
		"\x06\x00\x00\x00\x01": "on", "\x06\x00\x00\x00\x00": "off", "\x06\x00\x00\x00\x07": "malformed", "\x01": "malformed",
	} {
		if err := os.WriteFile(filepath.Join(dir, "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		rows := rowsOf[FactRow](t, collectKernelOf(t, h), "volatile/kernel.jsonl", "secure_boot")
		if len(rows) != 1 || rows[0].Name != "SecureBoot" || rows[0].Means[0] != want {
			t.Errorf("%x: %+v, want %s", content, rows, want)
		}
	}
}

func TestPins(t *testing.T) {
	s := collectKernelOf(t, hosttest.FromTxtar(t, debianKernel))
	pins := rowsOf[PinRow](t, s, "volatile/kernel.jsonl", "bpf_pin")
	if len(pins) != 1 || pins[0].Path != "/sys/fs/bpf/.hidden/backdoor" {
		t.Errorf("pins %+v", pins)
	}
}

func TestTracefsIsNotMountedForUs(t *testing.T) {
	r := &factReader{h: hosttest.FromTxtar(t, debianKernel)}
	tracing, debug := traceDirs(r)
	if !slices.Equal(tracing, []string{"/sys/kernel/tracing"}) || !slices.Equal(debug, []string{"/sys/kernel/debug"}) {
		t.Errorf("tracefs %q, debugfs %q: only what is mounted may be entered", tracing, debug)
	}
}

func TestSysctlsThatAreNotRead(t *testing.T) {
	s := collectKernelOf(t, hosttest.FromTxtar(t, debianKernel))
	got := map[jsonl.Text]SysctlRow{}
	for _, row := range rowsOf[SysctlRow](t, s, "volatile/kernel/sysctl.jsonl", "sysctl") {
		got[row.Name] = row
	}
	if got["net/ipv4/ip_forward"].Value != "1" || got["kernel/tainted"].Value != "12288" {
		t.Errorf("values are missing: %v", got)
	}
	for _, name := range []jsonl.Text{"vm/stat_refresh", "fs/binfmt_misc"} {
		if row := got[name]; row.Value != "" || row.Error == "" {
			t.Errorf("%s: %+v: must be left alone, with a row that says so", name, row)
		}
	}
	if strings.Contains(string(s.Body("volatile/kernel/sysctl.jsonl")), "never read") {
		t.Error("what must never be read was read")
	}
}

func TestSwaps(t *testing.T) {
	got := parseSwaps("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/swap\\040file                              file\t\t2097148\t\t1024\t\t-2\nbroken line\n/x file -1 0 0\n")
	want := []SwapRow{{"swap", "/swap file", "file", 2097148 << 10, 1024 << 10, "-2"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestKernelOfThisHostAgreesWithJudges(t *testing.T) {
	t.Run("findmnt", func(t *testing.T) {
		agrees(t, func() (got []string) {
			for _, m := range rowsOf[MountRow](t, collectKernelOf(t, collector.ThisHost()), "volatile/kernel/mounts.jsonl", "mount") {
				if m.Ours {
					got = append(got, fmt.Sprint(m.ID, " ", m.Type, " ", m.Device))
				}
			}
			return got
		}, "findmnt", "--kernel", "--raw", "--noheadings", "--output", "ID,FSTYPE,MAJ:MIN")
	})
	t.Run("swapon", func(t *testing.T) {
		agrees(t, func() (got []string) {
			for _, r := range rowsOf[SwapRow](t, collectKernelOf(t, collector.ThisHost()), "volatile/kernel.jsonl", "swap") {
				got = append(got, fmt.Sprint(r.Size))
			}
			return got
		}, "swapon", "--show=SIZE", "--noheadings", "--raw", "--bytes")
	})
	t.Run("lsmod", func(t *testing.T) {
		if _, err := os.Stat("/proc/modules"); err != nil {
			t.Skip("this kernel has no loadable modules")
		}
		agrees(t, func() []string {
			got := []string{"Module Size Used by"}
			for _, m := range rowsOf[ModuleRow](t, collectKernelOf(t, collector.ThisHost()), "volatile/kernel.jsonl", "module") {
				if slices.Contains(m.Views, inProcModules) {
					got = append(got, string(m.Name))
				}
			}
			return got
		}, "sh", "-c", "lsmod | sed '1!s/ .*//; s/  */ /g'")
	})
}

// agrees compares what we see with the lines that a judge says the same of before and
// after. Others mount and load meanwhile, and may undo it before the judge looks
// again: what we get wrong disagrees every time.
func agrees(t *testing.T, ours func() []string, judge ...string) {
	t.Helper()
	ask := func() []string {
		out, err := exec.Command(judge[0], judge[1:]...).Output()
		if err != nil {
			t.Skip(err)
		}
		lines := strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
		slices.Sort(lines)
		return lines
	}
	d := "it never said the same before and after"
	for wrong, end := 0, time.Now().Add(time.Minute); wrong < 3 && time.Now().Before(end); {
		before := ask()
		got := ours()
		if after := ask(); !slices.Equal(before, after) {
			continue
		}
		slices.Sort(got)
		if slices.Equal(before, got) {
			return
		}
		d = cmp.Diff(before, got)
		wrong++
	}
	t.Errorf("%s: %s", judge[0], d)
}

func TestKernelLogOfThisHost(t *testing.T) {
	s := collectKernelOf(t, collector.ThisHost())
	raw, _ := s.Record("volatile/kernel/log.txt")
	if raw.Outcome != evidence.Collected {
		t.Skipf("%s: %s", raw.Outcome, raw.Note)
	}
	rows := rowsOf[LogRow](t, s, "volatile/kernel/log.jsonl", "log")
	for i := 1; i < len(rows); i++ {
		if rows[i].Sequence != 0 && rows[i].Sequence <= rows[i-1].Sequence {
			t.Fatalf("record %d has sequence %d after %d", i, rows[i].Sequence, rows[i-1].Sequence)
		}
	}
	if rec, _ := s.Record("volatile/kernel/log.jsonl"); rec.Outcome != evidence.Collected {
		t.Errorf("%s: %s", rec.Outcome, rec.Note)
	}
}

func BenchmarkKernel(b *testing.B) {
	for b.Loop() {
		var s hosttest.Sink
		if err := Kernel().Collect(b.Context(), collector.ThisHost(), &s); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzKernelTexts(f *testing.F) {
	f.Add("dm_mod 184320 10 dm_crypt, Live 0x0 (OE)")
	f.Add("ffffffffc0a10000 t crypt_ctr\t[dm_crypt]")
	f.Add("/dev/dm-2 partition 999420 2048 -2")
	f.Add("ffffffff81234560  k  do_sys_openat2+0x0    [FTRACE]")
	f.Add("prog_type:\t6\nprog_id:\t7\n")
	f.Fuzz(func(t *testing.T, s string) {
		for line := range strings.Lines(s) {
			if m, ok := parseModuleLine(line); ok && (m.Name == "" || m.Size < 0) {
				t.Errorf("%+v", m)
			}
			if name, _, ok := parseSymbolLine([]byte(line)); ok && len(name) == 0 {
				t.Errorf("%q: no name", line)
			}
		}
		if _, err := countSymbols(strings.NewReader(s)); err != nil {
			t.Error(err)
		}
		for _, row := range parseSwaps("head\n" + s) {
			if row.Size < 0 || row.Used < 0 {
				t.Errorf("%+v", row)
			}
		}
		parseKprobes(s)
		parseBPFInfo(s)
		parseCPUInfo(s)
		parseMemInfo(s)
		codeFiles(s, "/x")
		for kind := bpfProgram; kind <= bpfBTF; kind++ {
			bpfRow(kind, 1, bpfRaw{info: []byte(s)}, nil, nil)
		}
	})
}
