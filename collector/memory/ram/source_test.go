package ram

import (
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/packager/evidence"
)

// refuses is an opener of a machine that refuses some sources.
func refuses(files map[string]device, errs map[string]error) opener {
	return func(h *collector.Host, name string) (device, error) {
		if err := errs[name]; err != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
		return opens(files)(h, name)
	}
}

func TestNextSourceIsUsedWhereOneWillNotDo(t *testing.T) {
	m := machine()
	zeros := m.devMem()
	zeros.parts = []fakePart{{0, make([]byte, 1<<20)}, {1 << 32, make([]byte, 1<<20)}}
	other := newFakeRAM(m.ranges...)
	copy(other.at(other.notePlace()), note("VMCOREINFO", "OSRELEASE=5.4.0-other\n"))
	for _, c := range []struct {
		name, used, first string
		files             map[string]device
	}{
		{"crash", crashName, "does not exist", map[string]device{crashName: m.devMem(), memName: m.devMem()}},
		{"mem", memName, "does not exist", map[string]device{memName: m.devMem()}},
		{"a kcore of another kernel", memName, "other memory", map[string]device{kcoreName: other.kcore(0xffff888000000000, true), memName: m.devMem()}},
		{"zeros for RAM", crashName, "ELF header", map[string]device{kcoreName: zeros, crashName: m.devMem()}},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			r := run(t, Options{}, m, c.files)
			if r.summary.Source != c.used || !strings.Contains(r.rows["source"][0]["error"].(string), c.first) {
				t.Errorf("%s, %v", r.summary.Source, r.rows["source"][0])
			}
			same(t, m, r.Body(imagePath))
		})
	}
}

func TestWithoutASourceEachIsListedWithCauseAndRemedy(t *testing.T) {
	strict := &fakeFile{fails: func(int64) error { return syscall.EPERM }}
	for _, c := range []struct {
		name    string
		files   map[string]device
		errs    map[string]error
		texts   map[string]string
		outcome evidence.Outcome
		want    []string
	}{
		{"nothing is there", nil, nil, nil, evidence.Failed, []string{"/proc/kcore", "CONFIG_PROC_KCORE", "/dev/crash", "modprobe crash", "/dev/mem", "CONFIG_DEVMEM", "LiME"}},
		{"no rights", nil, map[string]error{kcoreName: syscall.EPERM}, map[string]string{"/proc/self/status": "CapEff:\t0000000000000000\n"},
			evidence.Denied, []string{"lacks CAP_SYS_RAWIO, CAP_SYS_ADMIN", "run as root"}},
		{"lockdown", nil, map[string]error{kcoreName: syscall.EPERM}, map[string]string{"/sys/kernel/security/lockdown": "none integrity [confidentiality]\n"},
			evidence.Denied, []string{"kernel lockdown is confidentiality"}},
		{"strict /dev/mem", map[string]device{memName: strict}, map[string]error{kcoreName: syscall.EPERM}, map[string]string{"/sys/kernel/security/lockdown": "[none] integrity confidentiality\n"},
			evidence.Denied, []string{"CONFIG_STRICT_DEVMEM", "a security module"}},
		{"integrity keeps /dev/mem", nil, map[string]error{memName: syscall.EPERM}, map[string]string{"/sys/kernel/security/lockdown": "none [integrity] confidentiality\n"},
			evidence.Denied, []string{"kernel lockdown is integrity"}},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			m := machine()
			h := m.host(t)
			for name, text := range c.texts {
				put(t, h, name, text)
			}
			var s hosttest.Sink
			o := Options{open: refuses(c.files, c.errs), page: fakePage}
			if err := RAM(o).Collect(t.Context(), h, &s); err != nil {
				t.Fatal(err)
			}
			record, _ := s.Record(imagePath)
			if record.Outcome != c.outcome || !record.Shortfall || record.Size != 0 {
				t.Errorf("%s, shortfall %v", record.Outcome, record.Shortfall)
			}
			for _, want := range c.want {
				if !strings.Contains(record.Note, want) {
					t.Errorf("%q lacks %q", record.Note, want)
				}
			}
			if r := resultOf(t, &s); len(r.rows["source"]) != 3 || r.summary.Image != "" || len(r.rows["range"]) == 0 {
				t.Errorf("%+v", r.rows)
			}
		})
	}
}

// Where /proc/iomem hides its addresses, the kernel's own headers say them.
func TestRangesOfTheHeadersWhereIomemHidesThem(t *testing.T) {
	m := machine()
	h := m.host(t)
	put(t, h, iomemName, "00000000-00000000 : Reserved\n00000000-00000000 : System RAM\n")
	var s hosttest.Sink
	o := Options{open: opens(map[string]device{kcoreName: m.kcore(0xffff888000000000, true)}), page: fakePage}
	if err := RAM(o).Collect(t.Context(), h, &s); err != nil {
		t.Fatal(err)
	}
	if record, _ := s.Record(iomemPath); record.Outcome != evidence.Partial || !strings.Contains(record.Note, "CAP_SYS_ADMIN") {
		t.Errorf("%s, %q", record.Outcome, record.Note)
	}
	m.ranges[0].end = 0x9f000 // whole pages only
	m.bytes[0x1000] = m.bytes[0x1000][:0x9e000]
	same(t, m, s.Body(imagePath))
}

func TestSmearCountsThePagesThatChanged(t *testing.T) {
	m := machine()
	kcore := m.kcore(0xffff888000000000, true)
	pages := (0x9e000 + 0x245000 + 0x180000) / fakePage
	changed := 0
	kcore.each = func() {
		if kcore.reads < 7 || changed > 0 { // after the first chunk of the second range
			return
		}
		for at := uint64(0x100000); at < 0x180000; at += fakePage {
			m.at(at)[17]++
			changed++
		}
	}
	r := run(t, Options{}, m, map[string]device{kcoreName: kcore})
	if s := r.summary.Smear; s == nil || s.Sample != pages || s.Changed != changed || changed != 128 || s.Share != float64(changed)/float64(pages) {
		t.Errorf("%+v; %d of %d pages changed", s, changed, pages)
	}
}

func TestRAMConforms(t *testing.T) {
	m := machine()
	o := Options{open: opens(map[string]device{kcoreName: m.kcore(0xffff888000000000, true)}), page: fakePage}
	t.Run("live", func(t *testing.T) { hosttest.Conform(t, RAM(o), m.host(t)) })
	dead := m.host(t)
	dead.Live = false
	t.Run("directory", func(t *testing.T) { hosttest.Conform(t, RAM(o), dead) })
}

func TestADirectoryHasNoMemory(t *testing.T) {
	h := machine().host(t)
	h.Live = false
	var s hosttest.Sink
	if err := RAM(Options{}).Collect(t.Context(), h, &s); err != nil {
		t.Fatal(err)
	}
	if records := s.Records(); len(records) != 1 || records[0].Outcome != evidence.Skipped || records[0].Shortfall {
		t.Errorf("%+v", records)
	}
}

func TestWhatTheCollectorKernelTakesIsReferredTo(t *testing.T) {
	m := machine()
	files := map[string]device{kcoreName: m.kcore(0xffff888000000000, true)}
	for _, kernel := range []bool{false, true} {
		r := run(t, Options{Kernel: kernel}, m, files)
		_, own := r.Record("memory/ram/kallsyms.txt")
		at := ""
		for _, b := range r.summary.Beside {
			if b.What == "symbols" {
				at = b.Path
			}
		}
		if own == kernel || (at == "volatile/kernel/proc/kallsyms") != kernel {
			t.Errorf("kernel %v: own %v, %q", kernel, own, at)
		}
		if got := string(r.Body("memory/ram/System.map-6.1.0-test")); got != "ffffffff81000000 T _text\n" {
			t.Errorf("System.map: %q", got)
		}
	}
}

// Zeros for addresses are a denial that the kernel does not call one.
func TestHiddenSymbolsAreNoSymbols(t *testing.T) {
	m := machine()
	for text, want := range map[string]evidence.Outcome{
		"0000000000000000 A fixed_percpu_data\nffffffff81000000 T _text\n": evidence.Collected,
		"0000000000000000 A fixed_percpu_data\n0000000000000000 T _text\n": evidence.Partial,
	} {
		h := m.host(t)
		put(t, h, "/proc/kallsyms", text)
		var s hosttest.Sink
		o := Options{open: opens(map[string]device{kcoreName: m.kcore(0xffff888000000000, true)}), page: fakePage}
		if err := RAM(o).Collect(t.Context(), h, &s); err != nil {
			t.Fatal(err)
		}
		if r, _ := s.Record("memory/ram/kallsyms.txt"); r.Outcome != want || string(s.Body(r.Path)) != text {
			t.Errorf("%q: %s (%s)", text, r.Outcome, r.Note)
		}
	}
}
