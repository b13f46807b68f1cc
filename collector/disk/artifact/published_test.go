package artifact

import (
	"os"
	"testing"

	"hozen/collector"
)

// published loads the definitions of the ForensicArtifacts project.
func published(t testing.TB) []Definition {
	t.Helper()
	all, err := Load("testdata/ForensicArtifacts", os.DirFS("testdata/ForensicArtifacts"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The numbers are those of Python's yaml.safe_load_all (PyYAML 6.0.3) over the same
// files: one definition a document, one source an entry of "sources".
func TestPublishedDefinitionsAllParse(t *testing.T) {
	all := published(t)
	if len(all) != 731 {
		t.Errorf("%d definitions, not 731", len(all))
	}
	want := map[Type]int{File: 551, RegistryValue: 116, RegistryKey: 57, Group: 48, Path: 28, WMI: 27, Command: 10}
	got := map[Type]int{}
	systems := map[System]int{}
	aliases, urls := 0, 0
	for _, d := range all {
		for _, s := range d.SupportedOS {
			systems[s]++
		}
		aliases += min(1, len(d.Aliases))
		urls += min(1, len(d.URLs))
		for _, s := range d.Sources {
			got[s.Type]++
		}
	}
	for _, kind := range Types() {
		if got[kind] != want[kind] {
			t.Errorf("%d sources of type %s, not %d", got[kind], kind, want[kind])
		}
	}
	for s, n := range map[System]int{Windows: 385, Linux: 249, Darwin: 215, ESXi: 16} {
		if systems[s] != n {
			t.Errorf("%d definitions for %s, not %d", systems[s], s, n)
		}
	}
	if aliases != 73 || urls != 479 {
		t.Errorf("%d definitions with aliases, %d with urls, not 73 and 479", aliases, urls)
	}
	if _, err := NewSet(all); err != nil {
		t.Errorf("they form no set: %v", err)
	}
}

// BenchmarkLinux finds on this machine what all published definitions name for Linux.
func BenchmarkLinux(b *testing.B) {
	set, err := NewSet(published(b))
	if err != nil {
		b.Fatal(err)
	}
	chosen, err := set.Resolve(Linux, set.Names()...)
	if err != nil {
		b.Fatal(err)
	}
	var patterns, matches int
	for b.Loop() {
		patterns, matches = 0, 0
		f := NewFinder(collector.ThisHost(), Linux)
		for _, c := range chosen {
			for _, s := range c.Sources {
				for _, p := range f.Expand(s) {
					patterns++
					f.Find(b.Context(), p, func(Match) bool { matches++; return true })
				}
			}
		}
	}
	b.ReportMetric(float64(patterns), "patterns")
	b.ReportMetric(float64(matches), "matches")
}

// Whatever the host, the published definitions come to patterns that can be looked
// for, but for what is said here.
func TestPublishedDefinitionsExpand(t *testing.T) {
	for system, h := range map[System]*collector.Host{Linux: linuxHosts(t)["image"], Windows: windowsDisks(t)["image"]} {
		f := NewFinder(h, system)
		for _, d := range published(t) {
			for _, s := range d.Sources {
				if !d.For(system) || !s.For(system) || s.Type == Group || s.Type == Command || s.Type == WMI {
					continue
				}
				patterns := f.Expand(s)
				if len(patterns) == 0 {
					t.Errorf("%s for %s: no pattern", d.Name, system)
				}
				for _, p := range patterns {
					if p.Err != nil && d.SupportedOS != nil {
						t.Errorf("%s for %s: %s: %v", d.Name, system, p.Text, p.Err)
					}
				}
			}
		}
	}
}
